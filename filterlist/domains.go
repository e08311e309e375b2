package filterlist

import (
	"cmp"
	"slices"
	"strings"

	"freshet/internal/site"
)

// domain is an entry of $domain and its like: the hash of a domain, its two
// lowest bits replaced by what the entry says.
type domain uint64

const (
	domainNot    domain = 1 // "~example.com"
	domainEntity domain = 2 // "example.*"
	domainBits          = domainNot | domainEntity
)

// domains is a list of entries, sorted by hash.
type domains []domain

// positive says whether a list names a domain, as opposed to excluding some
// only.
func (ds domains) positive() bool {
	return slices.ContainsFunc(ds, func(d domain) bool { return d&domainNot == 0 })
}

// find returns the entry of a hash.
func (ds domains) find(hash uint64, kind domain) (domain, bool) {
	key := domain(hash)&^domainBits | kind
	i, _ := slices.BinarySearchFunc(ds, key, func(d, key domain) int { return cmp.Compare(d&^domainNot, key) })
	if i < len(ds) && ds[i]&^domainNot == key {
		return ds[i], true
	}
	return 0, false
}

// parseDomains reads "a.com|~b.a.com|c.*". What cannot be read makes all of it
// unreadable, for a list that is cut short says something else.
func parseDomains(value string, separator string) (ds domains, ok bool) {
	for name := range strings.SplitSeq(value, separator) {
		name = strings.TrimSpace(name)
		d := domain(0)
		if rest, not := strings.CutPrefix(name, "~"); not {
			d, name = domainNot, rest
		}
		seed := uint64(fnvOffset)
		if rest, entity := strings.CutSuffix(name, ".*"); entity {
			d, seed, name = d|domainEntity, entitySeed, rest
		}
		name = strings.TrimSuffix(name, ".")
		host, ok := asciiHost(name)
		if !ok || !isHostName(host) {
			return nil, false
		}
		ds = append(ds, d|domain(hashHost(host, seed))&^domainBits)
	}
	// An exclusion comes before what it excludes.
	slices.SortFunc(ds, func(a, b domain) int {
		if c := cmp.Compare(a&^domainNot, b&^domainNot); c != 0 {
			return c
		}
		return cmp.Compare(b, a)
	})
	return slices.Compact(ds), true
}

// entityLabels returns, of each name that stands for all endings ("a.b.*"), the
// last label: a host that it is for has that label.
func entityLabels(value string) (labels []string) {
	for name := range strings.SplitSeq(value, "|") {
		if rest, entity := strings.CutSuffix(strings.TrimSpace(name), ".*"); entity && rest[0] != '~' {
			host, _ := asciiHost(rest)
			labels = append(labels, host[strings.LastIndexByte(host, '.')+1:])
		}
	}
	return labels
}

// isHostName says whether a text can be a host: names, IPv4 addresses, and IPv6
// addresses in brackets.
func isHostName(s string) bool {
	if s == "" || len(s) > 255 {
		return false
	}
	if s[0] == '[' {
		return s[len(s)-1] == ']' && strings.Trim(s[1:len(s)-1], "0123456789abcdef:.") == "" && len(s) > 2
	}
	for i := range len(s) {
		if c := s[i]; !isHostByte(c) || c == '.' && (i == 0 || s[i-1] == '.') {
			return false
		}
	}
	return s[len(s)-1] != '.'
}

func isHostByte(c byte) bool {
	return 'a' <= c && c <= 'z' || '0' <= c && c <= '9' || c == '.' || c == '-' || c == '_'
}

// party is a host with what rules ask of it. What costs something is found when
// it is asked for first.
type party struct {
	host        string
	names       suffixes
	entities    [2]suffixes
	hasEntities bool
}

func (p *party) set(host string) {
	p.host = host
	p.names.fill(host, fnvOffset)
	p.hasEntities = false
}

func (p *party) fillEntities() {
	if p.hasEntities {
		return
	}
	p.hasEntities = true
	registry, provider := site.WithoutSuffix(p.host)
	p.entities[0].fill(provider, entitySeed)
	p.entities[1].n = 0
	if registry != provider {
		p.entities[1].fill(registry, entitySeed)
	}
}

// in says whether a list is for the host: what its closest entry says, else
// whether it only excludes.
func (p *party) in(ds domains) bool {
	for i := p.names.n - 1; i >= 0; i-- {
		if d, ok := ds.find(p.names.all[i].hash, 0); ok {
			return d&domainNot == 0
		}
	}
	if slices.ContainsFunc(ds, func(d domain) bool { return d&domainEntity != 0 }) {
		p.fillEntities()
		for e := range p.entities {
			for i := p.entities[e].n - 1; i >= 0; i-- {
				if d, ok := ds.find(p.entities[e].all[i].hash, domainEntity); ok {
					return d&domainNot == 0
				}
			}
		}
	}
	return !ds.positive()
}
