package fastcgi

import (
	"net/http"
	"time"

	"freshet/httpd"
	"freshet/internal/field"
	"freshet/internal/gateway"
	"freshet/internal/record"
)

// The hot path. A backend that is at hand, over a connection that was kept, and
// answers all at once, shortly and with nothing but a document, is asked without
// any of what ServeHTTP needs. The exchange is the same; where it turns out that
// the request needs more, it goes on in ServeHTTP from where it is.

// AskHot implements httpd.HotAsker.
func (h *Handler) AskHot(r *http.Request, a *httpd.Answer) *httpd.Reply {
	p, ok := h.source.(*pool)
	if !ok || r.Method != http.MethodGet || h.closed.Load() {
		return nil
	}
	f := h.find(r.URL.EscapedPath())
	if f.kind != runScript || !h.turns.Try() {
		return nil
	}
	x := h.newExchange(nil, r, roleResponder)
	x.turn, x.script, x.unique = true, f.script, a.RequestID()
	x.told = new(record.Detail)
	if x.prepare() != nil || len(x.buf.octets) > oneWrite {
		x.done()
		return nil
	}
	c := p.kept()
	if c == nil || !x.over(c) {
		x.done()
		return nil
	}
	x.tries, x.in.hot = 1, true
	x.send(c)
	if x.out.Gather() {
		x.head, x.fault = x.out.ReadHead(false, h.o.MaxHead)
		x.read = true
		if x.fault == nil && x.plain() {
			x.tell(x.head, nil)
			a.Detail, a.Done = x.told, x
			x.reply = httpd.Reply{Status: x.head.Status, Header: x.head.Header, Body: x.out.Rest()}
			x.begun = true // it may still be wanted as it is
			return &x.reply
		}
	}
	x.begun = true
	a.Begin(x)
	return nil
}

// plain reports whether an answer that is whole is to be sent as it is.
func (x *exchange) plain() bool {
	head, body := x.head, x.out.Rest()
	h := head.Header
	switch most := x.h.o.MaxOutput; {
	case head.Kind == gateway.LocalRedirect, gateway.Bodyless(http.MethodGet, head.Status):
		return false
	case head.Length >= 0 && head.Length != int64(len(body)), most > 0 && int64(len(body)) > most:
		return false
	case len(h["X-Sendfile"]) > 0, len(h["X-Accel-Redirect"]) > 0, field.IsEventStream(h.Get("Content-Type")):
		return false
	}
	if _, typed := h["Content-Type"]; !typed {
		h["Content-Type"] = nil // it must not be guessed
	}
	return true
}

// Release ends an exchange of the hot path.
func (x *exchange) Release() { x.done() }

// begunFor returns the exchange that the hot path began for a request, nil when
// there is none.
func (h *Handler) begunFor(w http.ResponseWriter, r *http.Request, s *gateway.Script) *exchange {
	x, _ := httpd.Begun(w).(*exchange)
	if x == nil {
		return nil
	}
	if x.h != h || x.script != *s || r.Method != http.MethodGet {
		x.done()
		return nil
	}
	x.w, x.r, x.told = w, r, httpd.DetailOf(w)
	return x
}

// resume goes on with what the hot path began.
func (x *exchange) resume() (*gateway.Head, *gateway.Fault) {
	x.begun, x.in.hot = false, false
	if at := x.in.quietAt; !at.IsZero() && !time.Now().Before(at) {
		x.in.quietAt = time.Time{}
		x.quiet()
	}
	if !x.read {
		return x.readHead()
	}
	return x.headRead(x.head, x.fault)
}
