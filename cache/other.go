package cache

import (
	"net/http"
	"net/url"

	"freshet/freshness"
	"freshet/internal/record"
	"freshet/internal/rule"
)

// serveOther sends a request with another method than GET and HEAD on, and
// invalidates what it changed (RFC 9111 §4.4).
func (h *Handler) serveOther(w http.ResponseWriter, r *http.Request) {
	q := h.inquire(r, use)
	defer h.report(w, q)
	q.why, q.reason, q.verdict = fwdMethod, rule.CacheMethod, record.Bypass
	q.forward()
	if len(r.Header["Upgrade"]) > 0 || h.opt.Profile.bypasses(r.Header) != 0 {
		q.why = fwdBypass
	}
	x := h.newFill(w, q)
	x.plain = true
	x.prepare()
	cut := x.run()
	if !freshness.SafeMethod(r.Method) && x.code != 0 {
		// Before what a POST brought is stored.
		h.invalidate(q, x.code, x.header)
		x.asked = h.store.invalidated.moment()
	}
	x.finish(cut)
}

// invalidate drops what a request with an unsafe method changed.
func (h *Handler) invalidate(q *inquiry, status int, fields http.Header) {
	for _, uri := range freshness.Invalidates(&q.ask, status, fields) {
		if uri == q.ask.URL && !h.store.ignoring.Load() { // else there may be another key
			h.store.invalidate(q.key)
			continue
		}
		u, err := url.Parse(uri)
		if err != nil {
			continue
		}
		to := targetOf(u.Scheme == "https", u.Host, u)
		for _, key := range h.keysOf(&to, &q.src) {
			h.store.invalidate(key)
		}
	}
	if groups := freshness.InvalidatedGroups(&q.ask, status, fields); len(groups) > 0 {
		h.store.invalidateGroups(originOf(q.key), groups)
	}
}
