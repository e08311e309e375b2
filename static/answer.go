package static

import (
	"net/http"

	"freshet/conditional"
	"freshet/httpd"
	"freshet/internal/field"
	"freshet/internal/representation"
	"freshet/internal/rule"
)

// query is what an answer depends on, read from a parsed head or from an
// http.Request.
type query struct {
	conditional.Request
	conditioned bool // any field of Request is there
	accepted    field.Accepted
	now         moment
}

// outcome says what answer made of a request.
type outcome uint8

const (
	answered      outcome = iota
	refused               // by the status and rule in the Answer: an error page is due
	manyRanges            // several ranges: a multipart body is due
	notAcceptable         // no coding that there is is accepted
	stale                 // a file that the answer needs has changed: resolve again
	notOpen               // the body is on disk, and the file is not open any more
)

// answer decides what a request for an entry gets, and fills a. It is all of
// the hot path, and the heart of the other: both send exactly this.
//
// Beside the outcome it returns the variant chosen and the ranges, which are
// kept in buf as far as there is room.
func (h *Handler) answer(q *query, e *entry, a *httpd.Answer, buf []field.Range) (outcome, *representation.Variant, []field.Range) {
	set := e.set.Load()
	var v *representation.Variant
	d := conditional.Decision{Status: http.StatusOK, Rule: rule.Unconditional}
	if q.conditioned {
		v, d = set.Decide(&q.Request, q.accepted, q.now.at/1e9, buf)
	} else {
		v = set.Pick(q.accepted)
	}
	if e.todo.Load() != 0 {
		h.wish(e, q.accepted)
	}
	if v == nil {
		return notAcceptable, nil, nil
	}
	if s := e.sources[v.Coding]; v.Coding != field.Identity && s != nil && !h.unchanged(s, q.now) {
		return stale, nil, nil
	}
	a.Status, a.Rule = d.Status, d.Rule
	switch {
	case d.Status == http.StatusOK:
		if d.Rule == rule.Unconditional {
			a.Rule = e.why
		}
		a.Head = v.Head()
		return h.body(q, e, v, a, field.Range{Length: v.Size}), v, nil
	case d.Status == http.StatusNotModified:
		a.Head = v.NotModified()
		return answered, v, nil
	case d.Status == http.StatusPartialContent && len(d.Ranges) == 1:
		a.Head = v.AppendPartial(a.Scratch, d.Ranges[0])
		return h.body(q, e, v, a, d.Ranges[0]), v, nil
	case d.Status == http.StatusPartialContent:
		return manyRanges, v, d.Ranges
	}
	return refused, v, nil
}

// body puts a range of a variant into a.
func (h *Handler) body(q *query, e *entry, v *representation.Variant, a *httpd.Answer, r field.Range) outcome {
	if v.Body != nil {
		a.Body = v.Body[r.Start : r.Start+r.Length]
		return answered
	}
	if q.Method == http.MethodHead {
		return answered
	}
	d := e.sources[v.Coding].file.Load()
	if !d.acquire() {
		a.Offset, a.Size = r.Start, r.Length
		return notOpen
	}
	a.File, a.Offset, a.Size, a.Done = d.file, r.Start, r.Length, d
	return answered
}
