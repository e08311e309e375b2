package filterlist

import "strings"

// hidingLine is a line about the inside of pages, cut in three.
type hidingLine struct {
	domains, body, text string
	separator           hidingSeparator
}

// separators between domains and what is to be done, the longest first where
// one begins with another. "#?#" announces selectors that need a script, but
// many that stand behind it need none today; "#$#" announces style, which is
// often the one that hides.
var hidingSeparators = []hidingSeparator{
	{"#@$?#", styleRule, true},
	{"#@$#", styleRule, true},
	{"#@?#", selectorRule, true},
	{"#@%#", scriptRule, true},
	{"#$?#", styleRule, false},
	{"#@#", selectorRule, true},
	{"#?#", selectorRule, false},
	{"#$#", styleRule, false},
	{"#%#", scriptRule, false},
	{"##", selectorRule, false},
	{"$@$", htmlRule, true},
	{"$$", htmlRule, false},
}

// hidingSeparator says what stands behind it.
type hidingSeparator struct {
	text string
	kind hidingKind
	not  bool // it begins an exception
}

type hidingKind uint8

const (
	selectorRule hidingKind = iota
	styleRule               // a selector with declarations
	scriptRule
	htmlRule
)

// splitHiding cuts a line about the inside of pages; ok is false if it is none: if there is none of the separators, or no list of domains before it.
func splitHiding(line string) (h hidingLine, ok bool) {
	for i := 0; i < len(line); i++ {
		if line[i] != '#' && line[i] != '$' {
			continue
		}
		for _, s := range hidingSeparators {
			if !strings.HasPrefix(line[i:], s.text) {
				continue
			}
			if !beginsHiding(line[:i], s.text) {
				return h, false
			}
			return hidingLine{line[:i], strings.TrimSpace(line[i+len(s.text):]), line, s}, true
		}
		if line[i] == '#' {
			return h, false
		}
	}
	return h, false
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
	switch {
	case h.separator.kind == scriptRule:
		return r, nil, "a script (#%#)"
	case h.separator.kind == htmlRule:
		return r, nil, "HTML filtering ($$)"
	case strings.HasPrefix(h.body, "+js"):
		return r, nil, "a scriptlet (##+js)"
	case strings.HasPrefix(h.body, "^"):
		return r, nil, "HTML filtering (##^)"
	case strings.HasPrefix(h.domains, "[$"):
		return r, nil, "a hiding rule with [$…]"
	case strings.HasPrefix(h.domains, "/"):
		return r, nil, "a hiding rule with a regular expression for a domain"
	case h.separator.kind == styleRule:
		selector, ok := hiddenByStyle(h.body)
		if !ok {
			return r, nil, "style that does more than to hide (#$#)"
		}
		h.body = selector
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
	not := h.separator.not
	if not && ds != nil && !ds.positive() {
		return r, nil, "an exception from hiding for all pages but some"
	}
	return hideRule{selector: h.body, simple: simple, not: not}, ds, ""
}

// hiddenByStyle returns the selector of "selector { display: none !important }".
func hiddenByStyle(body string) (selector string, ok bool) {
	selector, declarations, ok := strings.Cut(body, "{")
	declarations, closed := strings.CutSuffix(declarations, "}")
	declarations = strings.TrimSuffix(strings.Join(strings.Fields(declarations), ""), ";")
	return strings.TrimSpace(selector), ok && closed && declarations == "display:none!important"
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
