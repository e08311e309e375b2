package cache

import (
	"net/http"
	"strings"

	"freshet/internal/field"
)

// sendHints sends a 103 (RFC 8297) with what the last answer said that a page
// needs, while the origin is asked.
func (h *Handler) sendHints(w http.ResponseWriter, q *inquiry) {
	if !h.opt.EarlyHints || w == nil || q.r.Method != http.MethodGet || !q.r.ProtoAtLeast(1, 1) || q.why == fwdBypass {
		return
	}
	var links []string
	switch {
	case q.object != nil:
		links = hintsOf(q.object.fields["Link"])
	case q.res != nil:
		links = q.res.hints
	}
	if len(links) == 0 {
		return
	}
	header := w.Header()
	header["Link"] = links
	w.WriteHeader(http.StatusEarlyHints)
	delete(header, "Link")
}

// hintsOf returns the links of Link fields that can be followed before the page
// is there: those to preload and to connect to (RFC 8288 §3).
func hintsOf(lines []string) []string {
	var hints []string
	for elem := range field.Elements(lines) {
		if isHint(elem) {
			hints = append(hints, elem)
		}
	}
	return hints
}

// isHint reports whether a link has the relation preload or preconnect.
func isHint(link string) bool {
	_, params, ok := strings.Cut(link, ">")
	for ok {
		var p string
		_, params, ok = strings.Cut(params, ";")
		p, _, _ = strings.Cut(params, ";")
		name, value, _ := strings.Cut(strings.TrimSpace(p), "=")
		if !strings.EqualFold(strings.TrimSpace(name), "rel") {
			continue
		}
		for _, rel := range strings.Fields(strings.Trim(strings.TrimSpace(value), `"`)) {
			if strings.EqualFold(rel, "preload") || strings.EqualFold(rel, "preconnect") {
				return true
			}
		}
		return false // only the first rel counts (RFC 8288 §3.3)
	}
	return false
}
