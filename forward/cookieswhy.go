package forward

import (
	"net/http"
	"strings"
	"time"

	"freshet/internal/cookierule"
	"freshet/internal/rule"
	"freshet/internal/why"
)

// maxExplained bounds the cookies of which an explanation says what becomes of
// each.
const maxExplained = 20

// policyWhy is what the policies do to a request that is only asked about.
type policyWhy struct {
	did     []string // to its fields
	visit   visit
	cookies []decided // that it sends
	taken   int       // of them
	others  cookierule.Decision
}

// decided is a cookie, and what was decided on it.
type decided struct {
	name string
	cookierule.Decision
}

// whyPolicy does to a request, whose header is its own, what private does, but
// remembers nothing.
func (h *Handler) whyPolicy(r *http.Request) *policyWhy {
	p := &policyWhy{visit: visitOf(r)}
	p.did = h.privacy.applyFields(r)
	var left []string
	for _, line := range r.Header["Cookie"] {
		rest, n := cookierule.Without(line, func(name string) bool {
			d := h.cookies.wouldSend(h.privacy.cookies, &p.visit, name, h.now())
			p.cookies = append(p.cookies, decided{name, d})
			return d.What == cookierule.Refused
		})
		p.taken += n
		if rest != "" || n == 0 {
			left = append(left, rest)
		}
	}
	if p.taken > 0 {
		delete(r.Header, "Cookie")
		if len(left) > 0 {
			r.Header["Cookie"] = left
		}
	}
	p.others = h.privacy.cookies.Decide(&cookierule.Case{Host: p.visit.host, ThirdParty: p.visit.third, Chosen: h.cookies.choices.of(p.visit.site)})
	return p
}

// wouldSend says what would become of a cookie that a request sends.
func (s *cookieSites) wouldSend(t *cookierule.Table, v *visit, name string, now time.Time) cookierule.Decision {
	return t.Decide(&cookierule.Case{Host: v.host, Name: name, ThirdParty: v.third, Chosen: s.choices.of(v.site), Now: now})
}

// explain adds to an explanation what the policies do.
func (p *policyWhy) explain(e *why.Explanation) *why.Explanation {
	if e == nil {
		return e
	}
	if len(p.did) > 0 {
		e.Compared = append(e.Compared, why.Comparison{What: "fields", Value: strings.Join(p.did, "; "), Rule: rule.FilterFields.String()})
	}
	whose := "of the page's own site"
	switch {
	case p.visit.third && p.visit.page != "":
		whose = "of a third party: the page is of " + p.visit.page
	case p.visit.third:
		whose = "of a third party"
	case p.visit.page == "":
		whose = "for a page that is not known"
	}
	if p.visit.third || p.taken > 0 || p.others.What != cookierule.Passed {
		line := why.Comparison{What: "cookies", Value: whose, Note: p.others.What.String() + " by " + p.others.Rule}
		if p.others.What != cookierule.Passed || p.taken > 0 {
			line.Rule = rule.FilterCookies.String()
		}
		e.Compared = append(e.Compared, line)
	}
	for i, d := range p.cookies {
		if i == maxExplained {
			break
		}
		note := d.Reason.String() + " (" + d.Rule + ")"
		if d.Instead != d.What {
			note += "; else it would be " + d.Instead.String()
		}
		e.Compare("cookie "+d.name, d.What.String(), note, false)
	}
	return e
}
