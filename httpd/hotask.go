package httpd

import (
	"net/http"
	"net/url"

	"freshet/internal/record"
	"freshet/internal/wire"
)

// Some answers are made by somebody else within microseconds, such as those of
// a program that waits for requests. A HotHandler may ask for them, so that they
// need none of what a Handler is given: see [Answer.Request].

// Reply is an answer that was asked for. Its memory is that of [Answer.Done],
// which gives it back.
type Reply struct {
	Status int
	Header http.Header // as a Handler would set it; it may be changed
	Body   []byte      // all of it
}

// HotAsker is what a HotHandler in front asks: a Handler that can also answer
// a request on the hot path.
type HotAsker interface {
	http.Handler

	// AskHot returns the answer to r, which is [Answer.Request] of a, or what was
	// made of that. Done is set then. Else it returns nil, and ServeHTTP is to be
	// called; what was begun it finds by [Begun].
	AskHot(r *http.Request, a *Answer) *Reply
}

// releaser is what has to be given back.
type releaser interface{ Release() }

// hotAsk is what an Answer has for those who ask.
type hotAsk struct{ c *conn }

// Request returns the request as a Handler would get it, for somebody who is
// asked for an answer and will not be waited for longer than some milliseconds.
// It is nil when nobody may be waited for. The request and all of its strings
// belong to the engine again when the request is answered; its context has
// values, and no end.
func (a *Answer) Request() *http.Request {
	c := a.ask.c
	if c == nil || c.raw == nil || c.srv.ReadTimeout > 0 || c.srv.WriteTimeout > 0 {
		return nil
	}
	s := c.s
	if len(s.out) > 0 || s.tail != nil || s.file != nil {
		return nil // what is gathered must not wait
	}
	if s.asking == nil {
		s.asking = new(exchange)
	}
	x := s.asking
	if clear(x.request.Header); len(s.head.Fields) > keptFields {
		x.request.Header = nil
	}
	x.url = url.URL{}
	x.ctx = requestContext{Context: c.baseContext(), c: c}
	if c.fillRequest(x) != 0 {
		return nil // the other path says so
	}
	x.request.Body = http.NoBody
	s.asked, a.asked = true, true
	return &x.request
}

// RequestID returns the name of the request; see the function RequestID. It is
// for those who got a Request.
func (a *Answer) RequestID() string {
	var b [record.IDLen]byte
	return string(a.ask.c.requestID().Append(b[:0]))
}

// Begin notes what was begun, and not ended, for a request that goes to the
// Handler after all: whoever is asked there finds it by [Begun]. It is released
// if nobody does.
func (a *Answer) Begin(begun releaser) { a.ask.c.s.begun = begun }

// SetReply makes the answer that of a reply. It is false, and nothing is set,
// when the reply asks for more than a head and a body.
func (a *Answer) SetReply(p *Reply) bool {
	c := a.ask.c
	w := &c.s.asking.response
	*w = response{}
	w.init(c, nil, &c.s.head)
	w.header, w.status = p.Header, p.Status
	w.prepareFields()
	if w.closing || w.upgrading || len(w.trailers) > 0 || len(p.Body) > bodyBuffer || w.length >= 0 && w.length != int64(len(p.Body)) {
		w.header = nil
		return false
	}
	b := w.appendHeader(wire.AppendStatusLine(a.Scratch[:0], p.Status))
	w.header = nil
	if w.lateTrailers || !w.hasType && !w.hasCoding {
		return false
	}
	a.Status, a.Scratch, a.Head, a.Body = p.Status, b, b, p.Body
	a.HasDate, a.HasServer, a.measured = w.hasDate, w.hasServer, w.length < 0
	return true
}

// keptFields is how many fields a request may have for the memory of its map to
// be used again.
const keptFields = 64

// dropBegun ends what was begun and is nobody's.
func (w *response) dropBegun() {
	if w.begun != nil {
		w.begun.Release()
		w.begun = nil
	}
}

// Begun returns what a HotHandler began for the request that w answers, nil for
// nothing; it is the caller's then. It finds the engine's writer as SetRule
// does.
func Begun(w http.ResponseWriter) any {
	for w != nil {
		switch n := w.(type) {
		case *response:
			begun := n.begun
			n.begun = nil
			if begun == nil {
				return nil
			}
			return begun
		case interface{ Unwrap() http.ResponseWriter }:
			w = n.Unwrap()
		default:
			return nil
		}
	}
	return nil
}
