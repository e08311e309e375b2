package httpd

import (
	"strconv"

	"freshet/internal/wire"
)

// advance answers the complete requests in the input as far as the hot path
// can, and says what comes next.
func (c *conn) advance() step {
	s := c.s
	if s == nil {
		return stepWait
	}
	if c.over {
		return stepEnd
	}
	for s.r < s.w {
		n, broken := c.srv.limits.ParseRequest(s.in[s.r:s.w], &s.head)
		if broken != 0 {
			c.refusal = broken
			return stepRefuse
		}
		if n == 0 {
			return stepMore
		}
		c.served++
		c.phase = phaseIdle // the next head has a time of its own
		s.headLen = n
		s.head.Now, s.head.Read = c.now, c.read
		if s.head.TLS = c.tls != nil; s.head.TLS {
			s.head.ServerName = c.tls.ServerName
		}
		if !c.answerHot() {
			return stepHandle
		}
		s.r += n
		if c.over {
			return stepClose
		}
		if s.tail != nil || s.file != nil || len(s.out) >= outMax || len(s.recs) >= maxRecords {
			return stepFlush
		}
	}
	s.r, s.w = 0, 0
	return stepWait
}

// keeps reports whether the connection may outlive the request in h.
func (c *conn) keeps(h *wire.Head) bool {
	return !h.Close && c.served < c.srv.times.maxRequests &&
		!c.srv.noKeep.Load() && !c.srv.socks.Draining()
}

// answerHot asks the hot handler and gathers its answer. It is not to be used
// for requests that have more to them than a head.
func (c *conn) answerHot() bool {
	s := c.s
	h := &s.head
	if c.srv.Hot == nil || h.ContentLength != 0 || h.Upgrade || h.ExpectContinue || h.Major != 1 {
		return false
	}
	a := &s.ans
	*a = Answer{Scratch: s.dyn[:0], ask: hotAsk{c: c}}
	answered := c.srv.Hot.ServeHot(h, a)
	now := h.Now
	if s.asked {
		s.asked = false
		c.begun, s.begun = s.begun, nil
		c.setNow() // RFC 9110 §6.6.1: Date is when the answer began
		now = c.now
	}
	if !answered {
		return false
	}
	if c.begun != nil { // and somebody else had an answer
		c.begun.Release()
		c.begun = nil
	}
	if n := cap(a.Scratch); n > cap(s.dyn) && n <= outMax {
		s.dyn = a.Scratch
	}
	keep := c.keeps(h)
	c.over = !keep
	s.out = append(s.out, a.Head...)
	if a.measured {
		s.out = append(strconv.AppendInt(append(s.out, "Content-Length: "...), int64(len(a.Body)), 10), "\r\n"...)
	}
	s.out = c.srv.appendStamps(s.out, now, !a.HasServer, !a.HasDate)
	s.out = c.srv.appendID(s.out, c.requestID(), a.Status)
	s.out = append(appendConnection(s.out, h.Minor >= 1, keep), "\r\n"...)
	sent := int64(len(a.Body))
	switch {
	case h.Method == "HEAD":
		sent = 0
		if a.Done != nil {
			a.Done.Release()
		}
	case a.File != nil:
		s.file, s.off, s.size, s.done = a.File, a.Offset, a.Size, a.Done
		sent = a.Size
	case len(a.Body) <= copyMax:
		s.out = append(s.out, a.Body...)
		if a.Done != nil {
			a.Done.Release()
		}
	default:
		s.tail = a.Body
	}
	if c.srv.Sink != nil {
		r := c.note(h)
		r.Status, r.Bytes, r.Rule, r.Verdict, r.Place, r.Hot = a.Status, sent, a.Rule, a.Verdict, a.Place, true
		if a.asked { // as on the other path
			r.Detail, r.Waited, r.Hot = a.Detail, now-h.Now, false
		}
	}
	return true
}

// note gathers the record of an answer until it is written.
func (c *conn) note(h *wire.Head) *Record {
	s := c.s
	s.recs = append(s.recs, Record{
		ID: c.requestID(), Start: h.Now, Remote: c.sc.Remote(), Method: h.Method, Target: h.Target, Proto: protoOf(h),
		Host: h.Host, Referer: h.Get(wire.Referer), Agent: h.Get(wire.UserAgent), User: userOf(h),
		TLS: c.tls != nil,
	})
	return &s.recs[len(s.recs)-1]
}

// protoOf names the version; "" when it is not known.
func protoOf(h *wire.Head) string {
	switch {
	case h.Major == 1 && h.Minor == 0:
		return "HTTP/1.0"
	case h.Major == 1:
		return "HTTP/1.1"
	case h.Minor == 9:
		return "HTTP/0.9"
	}
	return ""
}
