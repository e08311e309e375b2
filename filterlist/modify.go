package filterlist

import (
	"cmp"
	"slices"
	"strings"
)

// gather returns all rules of an index that match, in the order of the lists.
func (c *query) gather(t *texts, x *index) []*rule {
	if x.empty() || x.types&c.types == 0 {
		return nil
	}
	var all []*rule
	x.scan(c, t, scan{all: &all})
	slices.SortFunc(all, func(a, b *rule) int {
		if d := cmp.Compare(a.source, b.source); d != 0 {
			return d
		}
		return cmp.Compare(a.offset, b.offset)
	})
	// A rule that is filed under several keys is there several times.
	return slices.CompactFunc(all, func(a, b *rule) bool { return a.source == b.source && a.offset == b.offset })
}

// exceptFrom says whether an exception takes a rule's effect away: one without a
// value all of its kind, else the one of its value.
func (c *query) exceptFrom(rules []*rule, mod modifier, value string) bool {
	for _, r := range rules {
		if x := &c.set.extras[r.extra]; r.flags&flagException != 0 && kindOfModifier(x.mod) == kindOfModifier(mod) {
			if x.value == "" || withoutPriority(x) == value {
				return true
			}
		}
	}
	return false
}

func kindOfModifier(m modifier) modifier {
	if m == modRedirectRule {
		return modRedirect
	}
	return m
}

func withoutPriority(x *extra) string {
	if kindOfModifier(x.mod) == modRedirect {
		name, _ := cutPriority(x.value)
		return name
	}
	return x.value
}

// standIn makes a blocked request one that a stand-in answers: the one with the
// highest priority, of these the first; "none" asks for none.
func (c *query) standIn(t *texts, v *Verdict) {
	rules := c.gather(t, &c.set.redirect)
	best := -1
	for _, r := range rules {
		x := &c.set.extras[r.extra]
		name, priority := cutPriority(x.value)
		if r.flags&flagException != 0 || priority <= best || c.exceptFrom(rules, x.mod, name) {
			continue
		}
		best = priority
		v.Action, v.Redirect, v.RedirectRule = Redirect, name, c.set.ruleOf(r)
	}
	if v.Redirect == "none" {
		v.Action, v.Redirect, v.RedirectRule = Block, "", Rule{}
	}
}

// removeParams takes from the URL what rules want taken. Requests that are sent
// again with their body, or have made their URL part of an agreement, are left
// as they are.
func (c *query) removeParams(t *texts, v *Verdict) {
	switch {
	case c.set.params.empty() || c.set.params.types&c.types == 0 || strings.IndexByte(c.raw, '?') < 0:
		return
	case c.method != "" && c.method != "GET" && c.method != "HEAD":
		return
	}
	if c.set.params.scan(c, t, scan{touches: true}) == nil {
		return
	}
	rules := c.gather(t, &c.set.params)
	url := c.raw
	for _, r := range rules {
		x := &c.set.extras[r.extra]
		if r.flags&flagException != 0 || !c.touches(x, url) || c.exceptFrom(rules, x.mod, x.value) {
			continue
		}
		without, changed := x.param.apply(url)
		if !changed {
			continue
		}
		if v.Removed == nil && c.pageException(scopeBlock, 0) != nil {
			return
		}
		url = without
		v.Removed = append(v.Removed, c.set.ruleOf(r))
	}
	if v.Removed != nil {
		v.URL = url
	}
}

// addPolicies adds what documents and frames are to be told.
func (c *query) addPolicies(t *texts, v *Verdict) {
	rules := c.gather(t, &c.set.policies)
	for _, r := range rules {
		x := &c.set.extras[r.extra]
		if r.flags&flagException != 0 || c.exceptFrom(rules, x.mod, x.value) {
			continue
		}
		list := &v.CSP
		if x.mod == modPermissions {
			list = &v.Permissions
		}
		if slices.ContainsFunc(*list, func(p Policy) bool { return p.Value == x.value }) {
			continue
		}
		if v.CSP == nil && v.Permissions == nil && c.pageException(scopeBlock, 0) != nil {
			return
		}
		*list = append(*list, Policy{x.value, c.set.ruleOf(r)})
	}
}
