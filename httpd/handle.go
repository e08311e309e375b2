package httpd

import (
	"errors"
	"net/http"
	"net/url"
	"runtime"
	"strings"
	"time"

	"freshet/internal/rule"
	"freshet/internal/wire"
)

// handle answers the request of scratch.head by the handler. It is false when
// the connection is over.
func (c *conn) handle() bool {
	s := c.s
	h := &s.head
	x := &exchange{}
	if c.begun != nil {
		x.response.begun, c.begun = c.begun, nil
		defer x.response.dropBegun()
	}
	// A handler may take its time: what is gathered must not wait for it.
	if !c.flush() {
		return false
	}
	if limit := c.srv.times.maxBody; limit >= 0 && h.ContentLength > limit {
		c.refuse(rule.BodyTooLarge)
		return false
	}
	c.keepHead()
	w := &x.response
	w.ctx = &x.ctx
	x.ctx = requestContext{Context: c.baseContext(), c: c}
	if broken := c.fillRequest(x); broken != 0 {
		c.refuse(broken)
		return false
	}
	r := &x.request
	s.r += s.headLen
	w.init(c, r, h)
	if h.ContentLength == 0 {
		r.Body = http.NoBody
		x.ctx.ready = true
	} else {
		w.body = &body{w: w, left: h.ContentLength, chunked: h.Chunked, limit: c.srv.times.maxBody, expects: h.ExpectContinue}
		w.body.dec.Limits = &c.srv.limits
		r.Body = w.body
		announceTrailer(r, h)
	}
	c.setHandlerDeadlines()
	c.run(w, r)
	return c.finish(w)
}

// exchange is a request being handled, in one piece of memory: one allocation
// costs less than five. It is not used again, for a handler may keep any of it.
type exchange struct {
	request  http.Request
	url      url.URL
	response response
	ctx      requestContext
	values   [8]string // of the first fields
}

func (c *conn) setHandlerDeadlines() {
	if d := c.srv.ReadTimeout; d > 0 {
		c.nc.SetReadDeadline(time.Now().Add(d))
	}
	if d := c.srv.WriteTimeout; d > 0 {
		c.nc.SetWriteDeadline(time.Now().Add(d))
	}
}

// announceTrailer gives the request the names of the trailers that it
// announces, as net/http does.
func announceTrailer(r *http.Request, h *wire.Head) {
	if !h.Chunked || !h.Has(wire.Trailer) {
		return
	}
	for i := range h.Fields {
		if h.Fields[i].Known != wire.Trailer {
			continue
		}
		for name := range strings.SplitSeq(h.Fields[i].Value, ",") {
			name = wire.CanonicalName(strings.TrimSpace(name))
			switch name {
			case "", "Transfer-Encoding", "Trailer", "Content-Length":
				continue
			}
			if r.Trailer == nil {
				r.Trailer = make(http.Header)
			}
			r.Trailer[name] = nil
		}
	}
}

// run calls the handler. A panic is its own affair: it costs this connection.
func (c *conn) run(w *response, r *http.Request) {
	defer func() {
		p := recover()
		if p == nil {
			return
		}
		if err, ok := p.(error); ok && errors.Is(err, http.ErrAbortHandler) {
			w.aborted = rule.HandlerAborted
			return
		}
		w.aborted = rule.HandlerPanic
		stack := make([]byte, 64<<10)
		stack = stack[:runtime.Stack(stack, false)]
		c.srv.logf("panic serving %v: %v\n%s", r.RemoteAddr, p, stack)
	}()
	if r.RequestURI == "*" && r.Method == http.MethodOptions && !c.srv.DisableGeneralOptionsHandler {
		w.why = rule.ServerOptions
		w.Header()["Content-Length"] = []string{"0"}
		return
	}
	c.srv.handler().ServeHTTP(w, r)
}

// keepEarly puts the byte that the watcher read into the input; what is read
// next follows it.
func (c *conn) keepEarly(w *response) {
	if b, ok := w.ctx.watch.early(); ok {
		c.s.room()[0] = b
		c.s.w++
	}
}

// finish completes the answer and gets the connection ready for the next
// request. It is false when the connection is over.
func (c *conn) finish(w *response) bool {
	watched := w.ctx.end()
	if watched {
		w.ctx.watch.stop(c)
		w.ctx.cancel(contextEnded)
	}
	if w.hijacked {
		if w.body != nil {
			w.body.Close()
		}
		return false
	}
	began := w.committed
	w.done()
	if began {
		c.setNow() // the answer began some time ago
	}
	if c.srv.ReadTimeout > 0 || c.srv.WriteTimeout > 0 || w.deadlines {
		w.flushOut() // the deadlines are for all of the answer
		c.nc.SetDeadline(time.Time{})
	}
	if watched {
		c.keepEarly(w)
	}
	c.reset = w.aborted != 0 && w.committed && !w.chunked && w.length < 0
	if w.err != nil {
		c.report(c.cutBy(w.err))
		return false
	}
	if w.body != nil && !w.body.drain() {
		w.closing, c.linger = true, true
	}
	if w.aborted != 0 || w.closing {
		c.over = true
		c.flush()
		return false
	}
	// What the handler wrote stays gathered: it goes out when the input has no
	// further complete request for the hot path.
	return true
}
