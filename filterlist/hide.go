package filterlist

import "slices"

// Hiding is what a page is not to show.
type Hiding struct {
	// Generic is the style sheet of the rules for all pages, at most 1 MiB. Unless
	// the page has exceptions, it is that of [Set.GenericStyle].
	Generic string
	Common  bool // Generic is that of Set.GenericStyle
	// Specific is the style sheet of the rules for this page, at most 128 KiB.
	Specific string
	Rules    []Rule // those of Specific
	Unhidden []Rule // exceptions that took something out of either
	// LeftOut is how many rules did not fit.
	LeftOut int
	// NoGeneric and NoSpecific are the exceptions ($generichide, $specifichide,
	// $elemhide, $document) that turn either off.
	NoGeneric, NoSpecific Rule
}

// Style returns both style sheets in one.
func (h *Hiding) Style() string { return h.Generic + h.Specific }

// GenericStyle is the style sheet of the rules for all pages, made once.
func (s *Set) GenericStyle() string {
	if s == nil {
		return ""
	}
	return s.hide.style
}

// Hide says what a page is not to show: its URL, or its host.
func (s *Set) Hide(page string) Hiding {
	var out Hiding
	if s == nil || len(s.hide.rules) == 0 {
		return out
	}
	var p party
	p.set(hostOf(page))
	if !s.scopes.empty() {
		out.NoGeneric = s.ruleOf(s.pageRule(page, scopeGenHide, 0))
		out.NoSpecific = s.ruleOf(s.pageRule(page, scopeSpecHide, 0))
	}
	if out.NoGeneric.Line > 0 && out.NoSpecific.Line > 0 {
		return out
	}
	f := s.hide.of(&p)
	h := &s.hide
	named := map[int32]bool{}
	unhides := func(selector string) bool {
		i, off := f.off[selector]
		if off && !named[i] {
			named[i] = true
			out.Unhidden = append(out.Unhidden, s.rule(h.rules[i].place))
		}
		return off || h.off[selector]
	}
	if out.NoSpecific.Line == 0 {
		shown := f.hide[:0]
		for _, i := range f.hide {
			if !unhides(h.rules[i].selector) {
				shown = append(shown, i)
				out.Rules = append(out.Rules, s.rule(h.rules[i].place))
			}
		}
		var left int
		out.Specific, left = h.render(shown, maxSpecificStyle)
		out.LeftOut += left
	}
	if out.NoGeneric.Line == 0 {
		left := 0
		out.Generic, out.Common, left = h.genericFor(f, unhides)
		out.LeftOut += left
	}
	return out
}

// genericFor returns the style sheet for all pages as one page gets it.
func (h *hiding) genericFor(f found, unhides func(string) bool) (style string, common bool, leftOut int) {
	without := map[int32]bool{}
	for selector := range f.off {
		if at, ok := h.index[selector]; ok {
			without[at] = true
		}
	}
	for i := range f.excluded {
		if at, ok := h.index[h.rules[i].selector]; ok && h.generic[at] == i {
			without[at] = true
		}
	}
	if len(without) == 0 {
		return h.style, true, h.leftOut
	}
	rules := make([]int32, 0, len(h.generic))
	for at, i := range h.generic {
		if !without[int32(at)] {
			rules = append(rules, i)
			continue
		}
		unhides(h.rules[i].selector)
	}
	style, leftOut = h.render(rules, maxGenericStyle)
	return style, false, leftOut
}

// found are the rules that name a page.
type found struct {
	hide     []int32          // rules for it, in the order of the lists
	excluded map[int32]bool   // rules for others that leave it out
	off      map[string]int32 // selectors of exceptions for it, and the exception
}

// of finds the rules that name a host or a domain above it. Of the entries of a
// rule the closest to the host decides.
func (h *hiding) of(p *party) found {
	f := found{excluded: map[int32]bool{}, off: map[string]int32{}}
	decided := map[int32]bool{}
	take := func(names *suffixes, kind domain) {
		for i := names.n - 1; i >= 0; i-- {
			key := domain(names.all[i].hash)&^domainBits | kind
			for _, not := range []domain{domainNot, 0} {
				for _, r := range h.byDomain[key|not] {
					switch {
					case decided[r]:
						continue
					case not != 0:
						f.excluded[r] = true
					case h.rules[r].not:
						f.off[h.rules[r].selector] = r
					default:
						f.hide = append(f.hide, r)
					}
					decided[r] = true
				}
			}
		}
	}
	take(&p.names, 0)
	if h.entities {
		p.fillEntities()
		take(&p.entities[0], domainEntity)
		take(&p.entities[1], domainEntity)
	}
	slices.Sort(f.hide)
	return f
}
