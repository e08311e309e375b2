package httpd

import (
	"errors"
	"net"
	"net/http"
	"time"

	"freshet/internal/rule"
	"freshet/socketserver"
)

// receive waits for input, answers what it can on the hot path, and returns
// what is left to do.
func (c *conn) receive() step {
	if c.raw != nil {
		if err := c.raw.Read(c.readable); err != nil {
			return c.woken(err)
		}
		return c.next
	}
	n, err := c.input()
	if n > 0 {
		c.arrived()
		return c.advance()
	}
	return c.woken(err)
}

// input reads what is there, without holding a buffer while nothing is begun.
func (c *conn) input() (int, error) {
	if c.s == nil || c.s.r == c.s.w {
		c.release()
		n, err := c.nc.Read(c.one[:])
		if n == 1 {
			s := c.take()
			s.in[0], s.r, s.w = c.one[0], 0, 1
		}
		return n, err
	}
	n, err := c.nc.Read(c.s.room())
	c.s.w += n
	return n, err
}

// setNow reads the clock.
func (c *conn) setNow() {
	now := time.Now()
	c.now, c.read = now.UnixNano(), socketserver.Clock(now)
}

// arrived notes that input was read.
func (c *conn) arrived() {
	c.setNow()
	c.sc.Arrived()
	if c.srv.ConnState != nil {
		c.setState(http.StateActive)
	}
}

// await prepares for waiting: for the next request, or for the rest of a head.
func (c *conn) await(st step) {
	if st == stepMore {
		if c.phase != phaseHead {
			c.phase, c.began = phaseHead, c.read
		}
		c.sc.Arm(c.began, c.srv.times.head)
		return
	}
	switch {
	case c.served == 0:
		c.sc.Arm(c.began, c.srv.times.head)
	case c.below:
		c.phase = phaseBusy
		c.sc.Arm(c.read, min(c.srv.sweepEvery(), c.srv.idleTime()))
	default:
		c.phase = phaseIdle
		c.sc.Arm(c.read, c.srv.times.idle)
	}
	c.sc.Waits()
	if c.srv.ConnState != nil {
		c.setState(http.StateIdle)
	}
}

// woken says what an error of a wait means.
func (c *conn) woken(err error) step {
	begun := c.s != nil && c.s.w > c.s.r
	if c.sc.Overdue() {
		switch {
		case c.phase == phaseBusy:
			c.sc.Forgive()
			c.phase = phaseIdle
			c.sc.Arm(Monotonic(), c.srv.times.idle)
			c.sc.Waits()
			return stepPark
		case begun:
			// The buffer may have moved since the head was parsed.
			c.srv.limits.ParseRequest(c.s.in[c.s.r:c.s.w], &c.s.head)
			c.refusal = rule.HeadTimeout
			return stepRefuse
		}
		return stepEnd
	}
	if !c.last && isTimeout(err) && (c.srv.socks.Draining() || c.srv.noKeep.Load()) {
		// Woken because idle connections are to end: a request that has arrived
		// in the meantime is still answered.
		c.last = true
		c.sc.Forgive()
		if !begun && c.raw == nil {
			c.nc.SetReadDeadline(time.Now().Add(time.Millisecond))
		}
		return c.receive()
	}
	return stepEnd
}

func isTimeout(err error) bool {
	var ne net.Error
	return errors.As(err, &ne) && ne.Timeout()
}
