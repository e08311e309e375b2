package representation

import (
	"freshet/conditional"
	"freshet/internal/field"
)

// Set is the codings of one resource that exist. The zero Set has none.
type Set struct {
	modified int64 // Last-Modified, Unix seconds; 0 unknown
	have     field.CodingSet
	variants [field.NumCodings]*Variant
}

// NewSet returns the set of one variant of a resource.
func NewSet(m *Meta, v *Variant) *Set {
	return (&Set{modified: m.Modified}).With(v)
}

// With returns a copy of s in which v is the variant of its coding.
func (s *Set) With(v *Variant) *Set {
	c := *s
	c.have = c.have.With(v.Coding)
	c.variants[v.Coding] = v
	return &c
}

// Variant returns the variant of one coding, nil when there is none.
func (s *Set) Variant(c field.Coding) *Variant { return s.variants[c] }

// Has reports whether there is a variant of that coding.
func (s *Set) Has(c field.Coding) bool { return s.variants[c] != nil }

// Pick returns the variant that the request prefers, nil when it accepts none.
func (s *Set) Pick(a field.Accepted) *Variant {
	order, n := a.Order(s.have)
	if n == 0 {
		return nil
	}
	return s.variants[order[0]]
}

// Decide answers the preconditions and the range of a request: what is sent,
// and of which variant. The variant is nil when the request accepts no coding
// that there is (406); the decision is then void. Ranges are kept in buf as
// far as it has room.
func (s *Set) Decide(q *conditional.Request, a field.Accepted, now int64, buf []field.Range) (*Variant, conditional.Decision) {
	order, n := a.Order(s.have)
	if n == 0 {
		return nil, conditional.Decision{}
	}
	var list [field.NumCodings]conditional.Variant
	st := conditional.State{Variants: list[:n], Identity: -1, Modified: s.modified, Now: now}
	for i, c := range order[:n] {
		v := s.variants[c]
		list[i] = conditional.Variant{Tag: v.Tag, Size: v.Size}
		if c == field.Identity {
			st.Identity = i
		}
	}
	d := conditional.Decide(q, &st, buf)
	return s.variants[order[d.Variant]], d
}
