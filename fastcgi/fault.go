package fastcgi

import (
	"net/http"
	"time"

	"freshet/httpd"
	"freshet/internal/gateway"
	"freshet/internal/record"
	"freshet/internal/rule"
	"freshet/internal/wrapped"
)

// failureHandler is a response writer of a handler in front, such as a cache,
// that may have another answer when the backend has none.
type failureHandler interface{ OriginFailed(err error) bool }

// fail answers a request for which there is no answer.
func (x *exchange) fail(f *gateway.Fault) {
	x.account(f)
	row := rule.Of(f.Rule)
	switch f.Rule {
	case rule.ScriptClientGone:
		panic(http.ErrAbortHandler) // nobody is there to read an answer
	case rule.BodyTooLarge, rule.BodyTimeout, rule.BodyIncomplete, rule.ScriptBodyTooLarge:
		httpd.SetVerdict(x.w, record.Refused)
		httpd.Error(x.w, x.r, row.Status, row.Explain())
		return
	}
	if h, ok := wrapped.Find[failureHandler](x.w); ok && h.OriginFailed(f) {
		return
	}
	if row.Status == http.StatusServiceUnavailable {
		x.w.Header().Set("Retry-After", "1")
	}
	httpd.Error(x.w, x.r, statusOf(row), row.Explain())
}

// account records why there is no answer, or not all of it.
func (x *exchange) account(f *gateway.Fault) {
	httpd.SetRule(x.w, f.Rule)
	text := f.Error()
	if x.told != nil {
		x.told.Error = text
	}
	if f.WorthLogging() {
		x.log().Warn("a backend gave no answer, or not all of one", "backend", x.h.address(), "rule", f.Rule.String(), "error", text)
	}
}

// statusOf is the status for a fault whose row has none, because it is most
// often found when the answer has begun.
func statusOf(row rule.Row) int {
	if row.Status == 0 {
		return http.StatusBadGateway
	}
	return row.Status
}

// answer passes the answer on.
func (x *exchange) answer(head *gateway.Head) {
	httpd.SetRule(x.w, rule.ScriptAnswered)
	if name, uri, ok := sendfileOf(head.Header); ok {
		x.sendfile(head, name, uri)
		return
	}
	f := gateway.Relay(x.w, x.r, head, x.out, gateway.RelayOptions{
		Most: x.h.o.MaxOutput, Sent: &x.run.Sent, Program: x,
		Spool: gateway.SpoolOptions{Most: x.h.o.MaxSpool, Dir: x.h.o.SpoolDir, Files: &x.h.spools},
	})
	if f == nil {
		return
	}
	// RFC 9112 §8: what is not complete must not look so.
	x.account(f)
	panic(http.ErrAbortHandler)
}

// tell notes for the request's record what came of it.
func (x *exchange) tell(head *gateway.Head, f *gateway.Fault) {
	d := x.told
	if d == nil {
		return
	}
	d.Origin, d.Tries = x.h.address(), x.tries
	if !x.sent.IsZero() {
		d.Wait = int64(time.Since(x.sent))
	}
	if head != nil {
		d.OriginStatus = head.Status
	}
}

// refuse answers a request that no backend is asked for.
func (h *Handler) refuse(w http.ResponseWriter, r *http.Request, id rule.ID) {
	row := rule.Of(id)
	httpd.SetRule(w, id)
	httpd.SetVerdict(w, record.Refused)
	httpd.Error(w, r, row.Status, row.Explain())
}
