package forward

import (
	"net/http"
	"strings"

	"freshet/cache"
	"freshet/internal/record"
	"freshet/internal/rule"
	"freshet/internal/why"
)

// Why says how a request would be answered now, without effects: its Host and
// TLS say for which server it is.
func (h *Handler) Why(r *http.Request) *why.Explanation {
	e, r, j := h.whyListed(r)
	if e != nil {
		return e
	}
	p := h.whyPolicy(r)
	c, caches := h.next.(*cache.Handler)
	switch {
	case caches && goesPast(r):
		return p.explain(j.explain(h.whyPast(r, h.servers.Why(r))))
	case caches:
		return p.explain(j.explain(c.Why(r)))
	}
	return p.explain(j.explain(h.servers.Why(r)))
}

// Explain says why a request was answered as its record says; nil when the
// proxy knows nothing about it.
func (h *Handler) Explain(rec *record.Record) *why.Explanation {
	if rec.Rule == rule.FilterPast {
		return told(h.servers.Explain(rec), rec.Detail)
	}
	if rec.Rule.Group() != rule.Filter {
		if c, ok := h.next.(*cache.Handler); ok {
			if e := c.Explain(rec); e != nil {
				return told(e, rec.Detail)
			}
		}
		return told(h.servers.Explain(rec), rec.Detail)
	}
	row := rule.Of(rec.Rule)
	e := &why.Explanation{Rule: rec.Rule, Status: rec.Status, Verdict: rec.Verdict, Advice: row.Remedy}
	e.Sentence = strings.ToUpper(row.Sentence[:1]) + row.Sentence[1:] + "."
	return told(e, rec.Detail)
}

// told adds what the filter noted.
func told(e *why.Explanation, d *record.Detail) *why.Explanation {
	if e == nil || d == nil {
		return e
	}
	if d.Listed != "" {
		e.Compare("list", d.Listed, "the rule that decided", false)
	}
	if d.Overrode != "" {
		e.Compare("overrode", d.Overrode, "what would have held without it", false)
	}
	noted(e, d)
	if d.Changed != "" {
		e.Compare("changed", d.Changed, "", false)
	}
	if d.Error != "" {
		e.Compare("error", d.Error, "", true)
	}
	return e
}
