package outbound

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/textproto"

	"freshet/internal/rule"
)

// exchange sends a request and reads the head of its answer. The request's body
// is closed, now or when it has been sent. When it fails the connection is gone.
func (c *conn) exchange(req *http.Request) (*http.Response, *Error) {
	c.begin(req.Context())
	trace := traceOf(c.ctx)
	if trace != nil && trace.GotConn != nil {
		trace.GotConn(httptrace.GotConnInfo{Conn: c.nc, Reused: c.reused, WasIdle: c.reused})
	}
	plan := planBody(req)
	small := plan.length >= 0 && plan.length <= smallBody && !plan.expects
	clean, failed := c.sendHead(req, plan, small)
	if small {
		closeBody(req)
	}
	if failed != nil {
		if !small {
			closeBody(req)
		}
		c.end(clean)
		return nil, failed
	}

	goAhead := true
	n := 0
	if plan.expects {
		n, goAhead, failed = c.await(req, trace, true)
		if !goAhead {
			closeBody(req)
		}
	}
	if failed == nil && goAhead {
		if !small {
			c.send(req, plan)
		}
		n, _, failed = c.await(req, trace, false)
	}
	if failed != nil {
		c.end(false)
		return nil, failed
	}
	return c.answer(req, n, goAhead)
}

// sendHead writes the head of req, with the body if that is small. When it
// fails and nothing was written the connection is still clean.
func (c *conn) sendHead(req *http.Request, plan bodyPlan, small bool) (clean bool, failed *Error) {
	var via *Parent
	if c.host.forwards {
		via = c.host.key.via
	}
	out, err := c.s.appendHead(c.s.out[:0], req, plan, via)
	c.s.out = out
	if err != nil {
		return true, &Error{Op: "write request", Kind: RequestError, Peer: c.host.addr, Err: err}
	}
	if small && plan.length > 0 {
		c.s.out, err = appendSmall(out, req.Body, plan.length)
		if err != nil {
			failed = c.failed("read request body", RequestError, err)
			failed.Remote = false
			return true, failed
		}
	}
	out = c.s.out
	if plan.length == 0 && c.direct() {
		stale, n, err := c.trip(out)
		switch {
		case stale:
			return false, errStale
		case err != nil:
			return false, c.headError(err)
		case n == len(out):
			return false, nil
		}
		out = out[n:]
	}
	return false, c.write(out)
}

// errStale is the error of an idle connection that was dead before the request
// was written. Nobody sees it.
var errStale = &Error{Op: "look at an idle connection", Kind: ConnectionTerminated, Err: io.EOF}

// await reads heads up to the final one, the end of which is n. With expecting
// it also returns, with goAhead, when 100 (Continue) comes or has not come in
// time.
func (c *conn) await(req *http.Request, trace *httptrace.ClientTrace, expecting bool) (n int, goAhead bool, failed *Error) {
	h := &c.s.head
	for {
		n, goAhead, failed = c.readHead(expecting)
		if failed != nil || goAhead {
			return 0, goAhead, failed
		}
		if h.Status >= 200 || h.Status == 101 {
			if c.sending != nil {
				c.sending.hear()
			}
			if h.Status == 101 && req.Header.Get("Upgrade") == "" {
				return 0, false, c.fault(rule.ResponseUpgrade)
			}
			return n, false, nil
		}
		if c.interim++; c.interim > orInt(c.t.MaxInterim, 16) {
			return 0, false, c.fault(rule.ResponseInterimFlood)
		}
		if trace != nil {
			if err := c.s.tell(trace); err != nil {
				return 0, false, &Error{Op: "forward interim answer", Kind: ProtocolError, Peer: c.host.addr, Err: err}
			}
		}
		goAhead = expecting && h.Status == 100
		c.r += n
		if goAhead {
			return 0, true, nil
		}
	}
}

// tell tells the trace of an interim answer.
func (s *scratch) tell(trace *httptrace.ClientTrace) error {
	if s.head.Status == 100 && trace.Got100Continue != nil {
		trace.Got100Continue()
	}
	if trace.Got1xxResponse == nil {
		return nil
	}
	_, header := s.makeHeader()
	return trace.Got1xxResponse(s.head.Status, textproto.MIMEHeader(header))
}

// hear notes that the answer has begun.
func (c *conn) hear() {
	if c.answered {
		return
	}
	c.answered = true
	if trace := traceOf(c.ctx); trace != nil && trace.GotFirstResponseByte != nil {
		trace.GotFirstResponseByte()
	}
}

// readHead reads until there is a whole head in the input, at c.r, of n octets.
// With expecting it returns goAhead when there is none in time.
func (c *conn) readHead(expecting bool) (n int, goAhead bool, failed *Error) {
	limit := c.t.times.head
	if expecting && c.t.times.expect > 0 {
		limit = c.t.times.expect
	}
	for {
		if c.r < c.w {
			c.hear()
			var broken rule.ID
			n, broken = c.t.limits.ParseResponse(c.s.in[c.r:c.w], &c.s.head)
			if broken != 0 {
				return 0, false, c.fault(broken)
			}
			if n > 0 {
				c.armed = false
				return n, false, nil
			}
		}
		if !c.armed && (c.sending == nil || c.sending.over()) {
			c.readBefore(limit)
			c.armed = true
		}
		if err := c.read(); err != nil {
			if expecting && isTimeout(err) && c.ctx.Err() == nil {
				c.armed = false
				return 0, true, nil
			}
			return 0, false, c.headError(err)
		}
	}
}

// headError makes the error of an answer that ended in or before its head.
func (c *conn) headError(err error) *Error {
	if c.sending != nil {
		if failed := c.sending.failure(); failed != nil {
			return failed
		}
	}
	const op = "read response head"
	switch {
	case isTimeout(err):
		return c.failed(op, ResponseTimeout, err)
	case c.w > c.r && errors.Is(err, io.EOF):
		return c.failed(op, ResponseIncomplete, io.ErrUnexpectedEOF)
	}
	return c.failed(op, ConnectionTerminated, err)
}

// fault makes the error of an answer that broke a rule.
func (c *conn) fault(broken rule.ID) *Error {
	return &Error{Op: "read response head", Kind: FaultKind(broken), Peer: c.host.addr, Remote: true, Err: &Fault{broken}}
}
