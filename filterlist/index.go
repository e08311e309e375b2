package filterlist

import (
	"bytes"
	"cmp"
	"regexp"
	"slices"
)

// rule is a compiled network rule: numbers, and where its line is.
type rule struct {
	pattern uint32 // in Set.patterns
	length  uint16
	source  uint16
	flags   flags
	offset  uint32
	line    uint32
	extra   uint32 // in Set.extras; 0 is the empty one
	types   types
	hint    uint16 // where in the pattern that stands which it is filed under
}

const noHint = 0xffff

// extra is what few rules have.
type extra struct {
	domains domains
	to      domains
	deny    domains
	methods []string
	re      *regexp.Regexp
	probes  []string // one of them is in each text that re matches
	endings []string // it ends with one of them
	value   string
	param   *param
	mod     modifier
	scopes  scopes
}

// index finds the rules that may match a request. Each rule is filed under one
// key, the rarest that each URL has which it matches: a host (with all below
// it) or a token of the URL, a maximal run of letters, digits and "%". Rules
// without either are filed under the domains of $domain, or else tried each
// time. The rules of a key lie side by side.
type index struct {
	slots  []slot // open addressing, a power of two
	maybe  []byte // a bit for each key, shared: most keys of URLs are not there
	rules  []rule
	rest   []rule
	pages  bool // some are filed under domains of pages
	labels bool // and some under a label of those
	types  types
}

type slot struct{ key, start, n uint32 }

func (x *index) empty() bool { return len(x.rules)+len(x.rest) == 0 }

// bucket returns the rules of a key.
func (x *index) bucket(key uint32) []rule {
	if x.maybe[key>>3&uint32(len(x.maybe)-1)]&(1<<(key&7)) == 0 {
		return nil
	}
	mask := uint32(len(x.slots) - 1)
	for i := key & mask; ; i = (i + 1) & mask {
		s := &x.slots[i]
		if s.n == 0 {
			return nil
		}
		if s.key == key {
			return x.rules[s.start : s.start+s.n]
		}
	}
}

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

// builder gathers the rules of an index. How many rules could be filed under a
// key is counted roughly, in a table that keys share.
type builder struct {
	entries []entry
	keys    []key
	counts  [1 << 16]uint32
}

// key is one that a rule could be filed under, and where in its pattern it
// stands, or noHint.
type key struct {
	hash uint32
	hint uint16
}

// entry is a rule with the keys that it can have: keys[from:to].
type entry struct {
	rule     rule
	from, to int
	every    bool // it is to be found under all of them
	pages    bool // they are of domains of pages
	labels   bool // some of them are of labels of pages
}

func (b *builder) add(r rule, p *parsed) {
	e := entry{rule: r, from: len(b.keys)}
	b.keys = appendKeys(b.keys, p)
	e.to = len(b.keys)
	if good := slices.ContainsFunc(b.keys[e.from:], isRare); !good {
		instead := alternativeKeys(p, true)
		if instead == nil {
			instead, e.labels = pageKeys(p)
			e.pages = instead != nil
		}
		if instead == nil && e.to == e.from {
			instead = alternativeKeys(p, false)
		}
		if instead != nil {
			b.keys = append(b.keys[:e.from], instead...)
			e.to, e.every = len(b.keys), true
		}
	}
	for _, k := range b.keys[e.from:e.to] {
		b.counts[k.hash&0xffff]++
	}
	b.entries = append(b.entries, e)
}

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

// rarest returns the key under which a rule is filed.
func (b *builder) rarest(e *entry) key {
	best, least := key{}, ^uint32(0)
	for _, k := range b.keys[e.from:e.to] {
		n := b.counts[k.hash&0xffff]
		if common[k.hash] {
			n += 1 << 24
		}
		if n < least {
			best, least = k, n
		}
	}
	return best
}

func (b *builder) index() index {
	x := index{}
	type filed struct {
		key   key
		entry uint32
	}
	order := make([]filed, 0, len(b.entries))
	for i := range b.entries {
		e := &b.entries[i]
		x.types |= e.rule.types
		switch {
		case e.from == e.to:
			x.rest = append(x.rest, e.rule)
		case e.every:
			x.pages = x.pages || e.pages
			x.labels = x.labels || e.labels
			for _, k := range b.keys[e.from:e.to] {
				order = append(order, filed{k, uint32(i)})
			}
		default:
			order = append(order, filed{b.rarest(e), uint32(i)})
		}
	}
	slices.SortFunc(order, func(a, b filed) int {
		if c := cmp.Compare(a.key.hash, b.key.hash); c != 0 {
			return c
		}
		return cmp.Compare(a.entry, b.entry)
	})
	size := 1
	for size < 2*len(order) {
		size *= 2
	}
	x.slots = make([]slot, size)
	x.maybe = make([]byte, size)
	x.rules = make([]rule, len(order))
	for i, f := range order {
		x.rules[i] = b.entries[f.entry].rule
		x.rules[i].hint = f.key.hint
	}
	for i := 0; i < len(order); {
		j := i
		for j < len(order) && order[j].key.hash == order[i].key.hash {
			j++
		}
		x.insert(slot{order[i].key.hash, uint32(i), uint32(j - i)})
		i = j
	}
	return x
}

func (x *index) insert(s slot) {
	x.maybe[s.key>>3&uint32(len(x.maybe)-1)] |= 1 << (s.key & 7)
	mask := uint32(len(x.slots) - 1)
	i := s.key & mask
	for x.slots[i].n != 0 {
		i = (i + 1) & mask
	}
	x.slots[i] = s
}
