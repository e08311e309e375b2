package proxy

import (
	"net/http"
	"strconv"
	"time"

	"freshet/httpd"
	"freshet/internal/record"
	"freshet/internal/rule"
	"freshet/internal/wrapped"
)

// Error is why no answer of an origin can be passed on.
type Error struct {
	Rule   httpd.RuleID
	Kind   string // the error of Proxy-Status (RFC 9209 §2.3), "" when it was the client
	Origin string // as in Options.Origins, "" when none was asked
	Err    error  // what the transport said, nil when none was asked

	peer   string
	wait   time.Duration // until an origin may be tried again
	unsent bool          // no byte of the request was sent
	ended  bool          // the connection ended before a byte of an answer
	counts bool          // against the origin's circuit
	client bool          // the client's doing
}

// Error implements error.
func (e *Error) Error() string {
	s := "proxy: " + rule.Of(e.Rule).Sentence
	if e.Origin != "" {
		s += " (" + e.Origin + ")"
	}
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

// Unwrap returns what the transport said.
func (e *Error) Unwrap() error { return e.Err }

// FailureHandler is implemented by a response writer of a handler in front,
// such as a cache, that may have another answer when no origin has one. The
// proxy calls OriginFailed, with an [*Error], before it answers 502, 503 or
// 504. When it returns true it has written the answer, and the proxy writes
// nothing. It is found through writers that have Unwrap.
type FailureHandler interface {
	OriginFailed(err error) bool
}

// kindUpgrade is the one error of RFC 9209 §2.3 that no transport tells.
const kindUpgrade = "http_upgrade_failed"

// fail answers a request for which there is no answer.
func (x *exchange) fail(e *Error) {
	x.mu.Lock()
	x.begun = true
	x.mu.Unlock()
	x.setRule(e.Rule)
	if x.told != nil {
		x.told.Error = e.Error()
	}
	row := rule.Of(e.Rule)
	switch {
	case e.Rule == rule.ProxyClientGone:
		panic(http.ErrAbortHandler) // nobody is there to read an answer
	case e.Kind == "":
		httpd.SetVerdict(x.w, record.Refused)
		httpd.Error(x.w, x.r, row.Status, x.h.words(x.r, e))
		return
	}
	if f, ok := wrapped.Find[FailureHandler](x.w); ok && f.OriginFailed(e) {
		return
	}
	h := x.w.Header()
	status := x.h.o.Name + "; error=" + e.Kind
	if x.h.o.ShowNextHop && e.peer != "" {
		status += "; next-hop=" + strconv.Quote(e.peer)
	}
	h.Set("Proxy-Status", status)
	if row.Status == http.StatusServiceUnavailable {
		// Rounded up: at that second the origin is tried again.
		seconds := (max(e.wait, time.Second) + time.Second - 1) / time.Second
		h.Set("Retry-After", strconv.FormatInt(int64(seconds), 10))
	}
	httpd.Error(x.w, x.r, row.Status, x.h.words(x.r, e))
}

// words is what the error page says.
func (h *Handler) words(r *http.Request, e *Error) string {
	if h.o.Words != nil {
		return h.o.Words(r, e)
	}
	return rule.Of(e.Rule).Explain()
}
