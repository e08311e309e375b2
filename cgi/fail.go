package cgi

import (
	"net/http"
	"strconv"
	"time"

	"freshet/httpd"
	"freshet/internal/gateway"
	"freshet/internal/record"
	"freshet/internal/rule"
	"freshet/internal/wrapped"
)

// failureHandler is a handler in front, such as a cache, that may have another
// answer. When it returns true it has written it.
type failureHandler interface {
	OriginFailed(err error) bool
}

// fail answers a request for which there is no answer. run is nil when no
// program was started.
func (x *exchange) fail(run *run, f *gateway.Fault) {
	x.account(run, f)
	if f.Rule == rule.ScriptClientGone {
		panic(http.ErrAbortHandler) // nobody is there to read an answer
	}
	row := rule.Of(f.Rule)
	status := row.Status
	if status == 0 {
		status = http.StatusBadGateway
	}
	switch {
	case status < 500 || run == nil && beforeAll(f.Rule):
		httpd.SetVerdict(x.w, record.Refused)
	default:
		if other, ok := wrapped.Find[failureHandler](x.w); ok && other.OriginFailed(f) {
			return
		}
	}
	if status == http.StatusServiceUnavailable {
		x.w.Header().Set("Retry-After", strconv.Itoa(x.h.retryAfter()))
	}
	x.closeUnread()
	httpd.Error(x.w, x.r, status, row.Explain())
}

// beforeAll reports whether a rule is a limit that is reached before a program
// is started.
func beforeAll(id rule.ID) bool {
	return id == rule.ScriptQueueFull || id == rule.ScriptQueueTimeout
}

// retryAfter is when another request may find a turn, in seconds.
func (h *Handler) retryAfter() int {
	d := h.o.QueueTime
	if d <= 0 {
		d = gateway.DefaultQueueTime
	}
	return int((d + time.Second - 1) / time.Second)
}

// cut ends an answer that was begun and cannot be completed (RFC 9112 §8).
func (x *exchange) cut(run *run, f *gateway.Fault) {
	x.account(run, f)
	gateway.Cut(x.w)
}

// account records why there is no answer, or not all of it.
func (x *exchange) account(run *run, f *gateway.Fault) {
	httpd.SetRule(x.w, f.Rule)
	x.tell(run)
	text := f.Error()
	if run != nil {
		if said := run.board.Said(); said != "" {
			text += "; it said: " + said
		}
	}
	if hint := x.p.whyNotRun(f.Rule); hint != "" {
		text += "; " + hint
	}
	if x.told != nil {
		x.told.Error = text
	}
	if !f.WorthLogging() {
		return
	}
	x.h.o.ErrorLog.Warn("a program gave no answer, or not all of one", "request", x.mark, "script", x.p.file, "rule", f.Rule.String(), "error", text)
}
