package middleware

import (
	"net/http"
	"time"

	"freshet/conditional"
	"freshet/internal/field"
)

// Validate answers the preconditions of requests for next: 304 when the client
// has what it would get, 412 when If-Match, If-Unmodified-Since or, for other
// methods than GET and HEAD, If-None-Match is not met (RFC 9110 §13).
// If-Modified-Since counts for GET and HEAD alone.
//
// of is asked first; with what it returns, the answer is decided before next
// runs, and next runs only when it is needed. A 200, 206 or 304 gets the fields
// that follow from the Validators, as far as next does not set them.
//
// When of is nil or returns the zero Validators, next runs and its answer is
// watched: a 200 to GET or HEAD whose own ETag or Last-Modified meets the
// preconditions becomes a 304 (or 412), and its body is dropped. That saves the
// transfer and not the work. For other methods nothing is watched, because
// what next did cannot be undone: only of can refuse them.
//
// Ranges are left to next: a handler that answers 206 or 416 is not changed.
// Validate belongs inside of [Compress].
func Validate(next http.Handler, of func(*http.Request) Validators) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var v Validators
		if of != nil {
			v = of(r)
		}
		now := time.Now()
		told := !v.zero()
		if told && answer(w, r, &v, now) {
			return
		}
		if !reads(r) {
			next.ServeHTTP(w, r)
			return
		}
		q := conditional.FromLines(r.Method, r.Header.Values)
		ww := &watcher{writer: writer{ResponseWriter: w}}
		ww.head = func(status int) (int, []byte) {
			// An error has neither the validators nor the lifetime.
			if status == http.StatusOK || status == http.StatusPartialContent {
				v.set(w.Header(), r, now)
			}
			if told || status != http.StatusOK {
				return status, nil
			}
			return judge(w, &q, now)
		}
		next.ServeHTTP(ww, r)
		ww.finish()
	})
}

// judge decides what a 200 becomes whose head is about to be sent.
func judge(w http.ResponseWriter, q *conditional.Request, now time.Time) (int, []byte) {
	h := w.Header()
	s := conditional.State{Variants: []conditional.Variant{variant("")}, Now: now.Unix(), NoRanges: true}
	if tags := h["Etag"]; len(tags) == 1 && field.ValidTag(tags[0]) {
		s.Variants[0] = variant(tags[0])
	}
	// Not now, but when the handler wrote it: it may have dated what it made.
	if t, ok := field.ParseDateAt(h.Get("Last-Modified"), s.Now); ok && t <= time.Now().Unix() {
		s.Modified = t
	}
	if s.Variants[0].Tag == "" && s.Modified == 0 {
		return http.StatusOK, nil // the handler named nothing to compare with
	}
	switch d := conditional.Decide(q, &s, nil); d.Status {
	case http.StatusNotModified:
		notModified(w, d.Rule)
		return d.Status, nil
	case http.StatusPreconditionFailed:
		return d.Status, preconditionFailed(w, d.Rule)
	}
	return http.StatusOK, nil
}
