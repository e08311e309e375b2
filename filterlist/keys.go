package filterlist

import (
	"bytes"
	"cmp"
	"slices"
)

// What rules are filed under, and what URLs and pages are looked up by.

func hostKey(hash uint64) uint32 { return uint32(hash ^ hash>>32) }

func pageKey(hash uint64) uint32 { return uint32(hash^hash>>32)*0x9e3779b1 ^ 0x5bd1e995 }

// labelKey is the key of a label of a page's host: a rule for "example.*" is
// filed under it, since what ends a name is not known before it is asked for.
func labelKey(label string) uint32 { return pageKey(hashHost(label, entitySeed)) }

const (
	tokenOffset = 2166136261
	tokenPrime  = 16777619
)

// tokenBytes are the bytes of tokens, capitals as small letters; 0 is no byte of
// a token.
var tokenBytes = func() (table [256]byte) {
	for c := range 0x80 {
		if b := lower(byte(c)); 'a' <= b && b <= 'z' || '0' <= b && b <= '9' || b == '%' {
			table[c] = b
		}
	}
	return table
}()

// nextToken returns the key of the first token at or behind a position, and
// where it ends; end is -1 if there is none. It reads capitals as small letters.
func nextToken(text []byte, at int) (key uint32, start, end int) {
	for at < len(text) && tokenBytes[text[at]] == 0 {
		at++
	}
	if at == len(text) {
		return 0, at, -1
	}
	key, start = tokenOffset, at
	for ; at < len(text); at++ {
		b := tokenBytes[text[at]]
		if b == 0 {
			break
		}
		key = (key ^ uint32(b)) * tokenPrime
	}
	return key, start, at
}

// common are tokens that most URLs have, so that a rule is filed under one only
// if it has nothing else.
var common = func() map[uint32]bool {
	set := map[uint32]bool{}
	for _, s := range []string{"http", "https", "www", "com", "net", "org", "html", "js", "css", "php", "png", "jpg", "gif", "static", "img", "images", "1", "2", "api", "cdn", "min", "id", "v1", "v2", "io", "de", "uk", "co", "assets"} {
		key, _, _ := nextToken([]byte(s), 0)
		set[key] = true
	}
	return set
}()

// maxDomainKeys is under how many domains a rule is filed; one with more is
// tried each time.
const maxDomainKeys = 1024

// appendKeys appends the keys that the URLs have which a rule matches.
func appendKeys(keys []key, p *parsed) []key {
	if p.param != nil && p.param.re == nil && !p.param.not && p.param.name != "" {
		keys = appendName(keys, p.param.name)
	}
	switch {
	case p.flags&flagWholeHost != 0:
		return append(keys, key{hostKey(hashHost(p.pattern, fnvOffset)), 0})
	case p.flags&flagRegexp != 0:
		for _, set := range p.required {
			if len(set) == 1 {
				keys = appendTokens(keys, []byte(set[0]), false, false)
			}
		}
		return keys // hints mean nothing to them
	case p.flags&flagHostAnchor != 0:
		end := 0
		for end < len(p.pattern) && isHostByte(lower(p.pattern[end])) {
			end++
		}
		if host := lowerASCII(p.pattern[:end]); end < len(p.pattern) && p.pattern[end] != '*' && isHostName(host) {
			keys = append(keys, key{hostKey(hashHost(host, fnvOffset)), 0})
		}
	}
	return appendTokens(keys, []byte(p.pattern), p.flags&(flagHostAnchor|flagStartAnchor) != 0, p.flags&flagEndAnchor != 0)
}

// appendName appends the tokens of the name of a parameter: in a query, there is
// no byte of a token before and behind it.
func appendName(keys []key, name string) []key {
	from := len(keys)
	keys = appendTokens(keys, []byte(name), true, true)
	for i := from; i < len(keys); i++ {
		keys[i].hint = noHint
	}
	return keys
}

// appendTokens appends the tokens of a pattern that are whole ones in each URL
// that it matches: those between bytes that no token has. start and end say
// that there is such a byte, or nothing, before and behind the pattern.
func appendTokens(keys []key, pattern []byte, start, end bool) []key {
	first := bytes.IndexByte(pattern, '*')
	for at := 0; ; {
		hash, from, to := nextToken(pattern, at)
		if to < 0 {
			return keys
		}
		left := from > 0 && pattern[from-1] != '*' || from == 0 && start
		right := to < len(pattern) && pattern[to] != '*' || to == len(pattern) && end
		if left && right {
			hint := uint16(noHint)
			if (first < 0 || from < first) && from < noHint {
				hint = uint16(from)
			}
			keys = append(keys, key{hash, hint})
		}
		at = to
	}
}

func isRare(k key) bool { return !common[k.hash] }

// alternativeKeys returns keys of which each URL has one that a regular
// expression matches, nil if there are none. Rare ones are better.
func alternativeKeys(p *parsed, rare bool) []key {
	for _, set := range p.required {
		var keys []key
		for _, s := range set {
			tokens := appendTokens(nil, []byte(s), false, false)
			i := slices.IndexFunc(tokens, func(k key) bool { return !rare || isRare(k) })
			if i < 0 {
				keys = nil
				break
			}
			keys = append(keys, key{tokens[i].hash, noHint})
		}
		if keys != nil {
			return distinct(keys)
		}
	}
	return nil
}

// pageKeys returns the keys of the domains that $domain names, nil if there is
// none, or if there are too many. labels says that some are of labels.
func pageKeys(p *parsed) (keys []key, labels bool) {
	if !p.domains.positive() || len(p.domains) > maxDomainKeys {
		return nil, false
	}
	for _, d := range p.domains {
		if d&domainBits == 0 {
			keys = append(keys, key{pageKey(uint64(d)), noHint})
		}
	}
	for _, l := range p.labels {
		keys = append(keys, key{labelKey(l), noHint})
	}
	return distinct(keys), len(p.labels) > 0
}

func distinct(keys []key) []key {
	slices.SortFunc(keys, func(a, b key) int { return cmp.Compare(a.hash, b.hash) })
	return slices.Compact(keys)
}
