package filterlist

import (
	"slices"
	"strings"
)

// hidingLine is a line about the inside of pages, cut in three.
type hidingLine struct {
	domains, separator, body, text string
}

// separators between domains and what is to be done, the longest first where
// one begins with another. Those but "##" and "#@#" need scripts, or change
// more than what is shown.
var hidingSeparators = []struct{ text, reason string }{
	{"#@$?#", "a CSS injection (#$#)"},
	{"#@$#", "a CSS injection (#$#)"},
	{"#@?#", "extended CSS (#?#)"},
	{"#@%#", "a script (#%#)"},
	{"#$?#", "a CSS injection (#$#)"},
	{"#@#", ""},
	{"#?#", "extended CSS (#?#)"},
	{"#$#", "a CSS injection (#$#)"},
	{"#%#", "a script (#%#)"},
	{"##", ""},
	{"$@$", "HTML filtering ($$)"},
	{"$$", "HTML filtering ($$)"},
}

// splitHiding cuts a line about the inside of pages; separator is "" if it is
// none: if there is none of the separators, or no list of domains before it.
func splitHiding(line string) hidingLine {
	for i := 0; i < len(line); i++ {
		if line[i] != '#' && line[i] != '$' {
			continue
		}
		for _, s := range hidingSeparators {
			if !strings.HasPrefix(line[i:], s.text) {
				continue
			}
			if !beginsHiding(line[:i], s.text) {
				return hidingLine{}
			}
			return hidingLine{line[:i], s.text, strings.TrimSpace(line[i+len(s.text):]), line}
		}
		if line[i] == '#' {
			return hidingLine{}
		}
	}
	return hidingLine{}
}

// beginsHiding says whether a text can stand before a separator: a list of
// domains, or what AdGuard adds to it.
func beginsHiding(domains, separator string) bool {
	if strings.HasPrefix(domains, "[$") && strings.Contains(domains, "]") || strings.HasPrefix(domains, "/") && strings.HasSuffix(domains, "/") {
		return separator[0] == '#'
	}
	if domains == "" {
		return separator[0] == '#'
	}
	return !strings.ContainsAny(domains, "/|^=$@&?:\"'()[]")
}

// hideRule is a hiding rule, or an exception.
type hideRule struct {
	selector string
	place    place
	simple   bool
	not      bool // an exception
}

// hideBuilder gathers hiding rules.
type hideBuilder struct {
	rules []hideRule
	lists []domains // of the rule with the same index; nil is for all pages
}

// hiding finds the hiding rules of a page.
type hiding struct {
	rules    []hideRule
	entities bool
	byDomain map[domain][]int32 // the entries of $domain's form that name a rule
	generic  []int32            // rules for all pages, each selector once
	index    map[string]int32   // selector of generic: position there
	off      map[string]bool    // selectors that exceptions for all pages turn off
	style    string             // of all of generic
	leftOut  int                // rules that did not fit into style
}

// parseHiding reads a hiding rule. reason is why it cannot be applied.
func parseHiding(h hidingLine) (r hideRule, ds domains, reason string) {
	for _, s := range hidingSeparators {
		if s.text == h.separator && s.reason != "" {
			return r, nil, s.reason
		}
	}
	switch {
	case strings.HasPrefix(h.body, "+js"):
		return r, nil, "a scriptlet (##+js)"
	case strings.HasPrefix(h.body, "^"):
		return r, nil, "HTML filtering (##^)"
	case strings.HasPrefix(h.domains, "[$"):
		return r, nil, "a hiding rule with [$…]"
	case strings.HasPrefix(h.domains, "/"):
		return r, nil, "a hiding rule with a regular expression for a domain"
	}
	simple, reason := checkSelector(h.body)
	if reason != "" {
		return r, nil, reason
	}
	if h.domains != "" && h.domains != "*" {
		var ok bool
		if ds, ok = parseDomains(strings.TrimSuffix(h.domains, ","), ","); !ok {
			return r, nil, "a hiding rule with something that is no domain"
		}
	}
	not := h.separator == "#@#"
	if not && ds != nil && !ds.positive() {
		return r, nil, "an exception from hiding for all pages but some"
	}
	return hideRule{selector: h.body, simple: simple, not: not}, ds, ""
}

func (c *compiler) addHiding(info *ListInfo, at place, h hidingLine) (reason string) {
	r, ds, reason := parseHiding(h)
	if reason != "" {
		return reason
	}
	r.place = at
	if r.not {
		info.Counts.Unhide++
	} else {
		info.Counts.Hide++
	}
	c.force('c', h.text)
	c.hide.rules = append(c.hide.rules, r)
	c.hide.lists = append(c.hide.lists, ds)
	return ""
}

func (b *hideBuilder) build() hiding {
	h := hiding{rules: b.rules, byDomain: map[domain][]int32{}, index: map[string]int32{}, off: map[string]bool{}}
	for i, r := range b.rules {
		ds := b.lists[i]
		for _, d := range ds {
			h.entities = h.entities || d&domainEntity != 0
			h.byDomain[d] = append(h.byDomain[d], int32(i))
		}
		if r.not && ds == nil {
			h.off[r.selector] = true
		}
	}
	for i, r := range b.rules {
		if b.lists[i].positive() || r.not || h.off[r.selector] {
			continue
		}
		if first, twice := h.index[r.selector]; twice {
			// Of two that say the same, the one without exclusions counts.
			if b.lists[i] == nil && b.lists[h.generic[first]] != nil {
				h.generic[first] = int32(i)
			}
			continue
		}
		h.index[r.selector] = int32(len(h.generic))
		h.generic = append(h.generic, int32(i))
	}
	h.style, h.leftOut = h.render(h.generic, maxGenericStyle)
	return h
}

// Limits of style sheets, in bytes. Rules that do not fit are left out.
const (
	maxGenericStyle  = 1 << 20
	maxSpecificStyle = 128 << 10
)

// maxGroup is how many selectors share a rule.
const maxGroup = 64

const hide = "{display:none!important}\n"

// render makes a style sheet of rules. Those that every browser can read share
// a declaration; each of the others has its own.
func (h *hiding) render(rules []int32, limit int) (style string, leftOut int) {
	var b strings.Builder
	room := func(n int) bool {
		ok := b.Len()+n+len(hide)+1 <= limit
		if !ok {
			leftOut++
		}
		return ok
	}
	n := 0
	for _, i := range rules {
		if r := &h.rules[i]; r.simple && room(len(r.selector)) {
			if n > 0 {
				b.WriteByte(',')
			}
			b.WriteString(r.selector)
			if n++; n == maxGroup {
				b.WriteString(hide)
				n = 0
			}
		}
	}
	if n > 0 {
		b.WriteString(hide)
	}
	for _, i := range rules {
		if r := &h.rules[i]; !r.simple && room(len(r.selector)) {
			b.WriteString(r.selector)
			b.WriteString(hide)
		}
	}
	return b.String(), leftOut
}

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
	unhides := func(selector string) bool {
		i, off := f.off[selector]
		if off {
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
