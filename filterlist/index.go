package filterlist

import (
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
	steps   int      // of re, and of the one in param
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
