package proxy

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"sync"
	"sync/atomic"
	"time"

	"freshet/httpd"
	"freshet/internal/outbound"
	"freshet/internal/record"
	"freshet/internal/rule"
	"freshet/internal/wire"
)

// exchange is one request on its way through the proxy.
type exchange struct {
	h       *Handler
	w       http.ResponseWriter
	r       *http.Request
	rc      *http.ResponseController
	upgrade string         // protocols that the client may be switched to
	told    *record.Detail // nil when the writer is not the engine's

	heard atomic.Bool // a byte of an answer came

	// mu guards what follows, and w until begun and while pending: the transport
	// may deliver interim answers, and read the body, on other goroutines.
	mu          sync.Mutex
	begun       bool // the final answer is being written
	bodyStarted bool
	bodyErr     error // reading the client's body failed
	pending     bool  // see setPending
}

// attempt is one request to one origin.
type attempt struct {
	x      *exchange
	o      *origin
	lease  lease
	cancel context.CancelCauseFunc
	watch  watch
	body   *requestBody // nil without one
	timer  *time.Timer  // nil when the transport has limits of its own

	sent     time.Time
	connect  atomic.Int64 // nanoseconds that connecting took
	timedOut atomic.Bool
}

var errHeadTimeout = errors.New("no head of an answer in time")

func (x *exchange) serve() {
	if x.r.ProtoMajor == 1 && x.r.ProtoAtLeast(1, 1) {
		x.upgrade = upgradeOf(x.r.Header)
	}
	header := x.h.header(x.r, x.upgrade)
	a, resp, err := x.ask(header)
	if err != nil {
		x.fail(err)
		return
	}
	defer a.done()
	if x.h.o.Forward && resp.StatusCode == http.StatusProxyAuthRequired {
		// It is this proxy that is to log in, and not the client: which would take
		// it for this proxy's, and ask people for a password.
		resp.Body.Close()
		x.fail(&Error{Rule: rule.ProxyParentLogin, Kind: string(outbound.RequestError), Origin: a.o.name, peer: a.o.peer})
		return
	}
	x.begin(a)
	if resp.StatusCode == http.StatusSwitchingProtocols {
		x.switchProtocols(a, resp)
		return
	}
	defer resp.Body.Close()
	x.answer(a, resp)
}

// begin says that the final answer has come, and is about to be written.
func (x *exchange) begin(a *attempt) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.begun = true
	if a.body != nil && !x.bodyStarted && len(x.r.Header["Expect"]) == 0 {
		// It came before the body was begun; which may still be sent.
		x.takeBody()
	}
}

// ask sends the request to an origin, and to further ones while that is safe.
func (x *exchange) ask(header http.Header) (*attempt, *http.Response, *Error) {
	var tried []*origin
	var last *Error
	for n := 0; ; n++ {
		o, l, wait := x.h.pick(x.r, tried)
		if o == nil {
			if last == nil {
				last = &Error{Rule: rule.ProxyNoOrigin, Kind: string(outbound.DestinationUnavailable), wait: wait}
			}
			return nil, nil, last
		}
		if o.prefix != "" && leavesPrefix(x.r.URL) {
			l.undecided()
			return nil, nil, &Error{Rule: rule.ProxyLeavesPrefix}
		}
		a := &attempt{x: x, o: o, lease: l}
		resp, err := a.send(header)
		if err == nil {
			return a, resp, nil
		}
		a.done()
		last = err
		if n >= x.h.o.Retries || !x.again(err) {
			return nil, nil, last
		}
		tried = append(tried, o)
	}
}

// again reports whether the request may be sent once more after the failure:
// nothing was heard, and it never arrived or does no harm twice
// (RFC 9110 §9.2.2).
func (x *exchange) again(err *Error) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	switch {
	case x.heard.Load(), x.bodyStarted, x.bodyErr != nil, x.r.Context().Err() != nil:
		return false
	case err.unsent:
		return true
	case !err.ended:
		return false
	}
	return x.upgrade == "" && wire.Idempotent(x.r.Method)
}

// send makes the attempt. When it returns an answer, the attempt lasts until done.
func (a *attempt) send(header http.Header) (*http.Response, *Error) {
	x, h, r := a.x, a.x.h, a.x.r
	ctx, cancel := context.WithCancelCause(context.WithoutCancel(r.Context()))
	a.cancel = cancel
	a.watch.start(x, cancel)
	a.sent = time.Now()
	a.o.active.Add(1)
	a.o.requests.Add(1)
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GotConn:              a.connected,
		GotFirstResponseByte: func() { x.heard.Store(true) },
		Got1xxResponse:       x.interim,
	})
	out := (&http.Request{
		Method: r.Method,
		URL:    a.o.urlFor(r),
		Proto:  "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: header,
		Host:   h.hostFor(a.o, r),
	}).WithContext(ctx)
	if h.timed {
		a.timer = time.AfterFunc(time.Hour, a.overdue)
		a.timer.Stop()
	}
	if r.Body != nil && r.Body != http.NoBody && r.ContentLength != 0 {
		a.body = &requestBody{x: x, trailer: make(http.Header), ended: a.startHeadTime}
		out.Body, out.ContentLength = a.body, r.ContentLength
		if r.ContentLength < 0 {
			announceTrailers(a.body.trailer, r.Trailer)
			out.Trailer = a.body.trailer
		}
	} else {
		a.startHeadTime()
	}
	var resp *http.Response
	err := h.sign(out)
	if err == nil {
		resp, err = a.roundTrip(out)
	}
	a.stopTime()
	a.tell(resp)
	if err == nil {
		if a.lease.answered() {
			h.o.ErrorLog.Info("origin is back", "origin", a.o.name)
		}
		return resp, nil
	}
	if cause := context.Cause(ctx); cause != nil {
		err = cause // the client's end, or a limit on time
	}
	return nil, a.judge(err)
}

// roundTrip calls the transport. When that panics, the attempt is given back
// all the same: a trial that never ended would keep its origin out for good.
func (a *attempt) roundTrip(out *http.Request) (*http.Response, error) {
	returned := false
	defer func() {
		if !returned {
			a.lease.undecided()
			a.done()
		}
	}()
	resp, err := a.x.h.rt.RoundTrip(out)
	returned = true
	return resp, err
}

// judge turns the error of a transport into one of ours, and tells the
// origin's circuit.
func (a *attempt) judge(err error) *Error {
	x, h := a.x, a.x.h
	e := classify(err)
	e.Origin = a.o.name
	e.peer = a.o.peer
	x.mu.Lock()
	bodyErr := x.bodyErr
	x.mu.Unlock()
	switch {
	case bodyErr != nil:
		e.Rule, e.Kind, e.client = httpd.BodyRule(bodyErr), "", true
	case x.r.Context().Err() != nil:
		e.Rule, e.Kind, e.client = rule.ProxyClientGone, "", true
	}
	if !e.client {
		a.o.failure.Store(e)
	}
	if e.client || !e.counts {
		a.lease.undecided()
	} else if a.lease.failed(h.o.Now(), h.o.MaxFails, h.o.FailTimeout, err) {
		h.o.ErrorLog.Warn("origin is taken out", "origin", a.o.name, "for", h.o.FailTimeout, "error", err)
	}
	return e
}

// done ends the attempt.
func (a *attempt) done() {
	a.stopTime()
	a.watch.end()
	a.cancel(nil)
	if a.body != nil {
		a.x.mu.Lock()
		a.body.dead = true
		a.x.mu.Unlock()
	}
	a.o.active.Add(-1)
}

func (a *attempt) startHeadTime() {
	if d := a.x.h.o.HeadTimeout; a.timer != nil && d > 0 {
		a.timer.Reset(d)
	}
}

func (a *attempt) startBodyTime() {
	if d := a.x.h.o.BodyTimeout; a.timer != nil && d > 0 {
		a.timer.Reset(d)
	}
}

// overdue is called when the origin took too long.
func (a *attempt) overdue() {
	a.timedOut.Store(true)
	a.cancel(errHeadTimeout)
}

func (a *attempt) stopTime() {
	if a.timer != nil {
		a.timer.Stop()
	}
}

// announceTrailers puts the names of the trailers that the client announced
// into those that are sent.
func announceTrailers(to, from http.Header) {
	for name := range from {
		if trailerAllowed(name) {
			to[name] = nil
		}
	}
}

// interim passes a 1xx answer on. 100 is the server's own affair: it sends it
// when the body is first read.
func (x *exchange) interim(code int, fields textproto.MIMEHeader) error {
	x.heard.Store(true)
	if code == http.StatusContinue || !x.r.ProtoAtLeast(1, 1) {
		return nil
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.begun {
		return nil
	}
	kept := http.Header{}
	h := x.w.Header()
	for name, values := range h {
		kept[name] = values
	}
	clear(h)
	for name, values := range fields {
		h[name] = values
	}
	removeHop(h)
	x.w.WriteHeader(code)
	clear(h)
	for name, values := range kept {
		h[name] = values
	}
	return nil
}

// setRule records why the answer is what it is.
func (x *exchange) setRule(id rule.ID) { httpd.SetRule(x.w, id) }
