package outbound

import (
	"io"
	"os"
	"syscall"
)

// A request without a body, on a plain connection, costs three system calls
// besides the wait: a look whether the connection is alive, the write, and the
// read of the answer. They are made inside one RawConn.Read callback, which
// says "wait" right after the write. The usual way would first try to read what
// cannot have come yet.
//
// No wake-up is lost by that: the runtime's poller is edge-triggered and forgets
// a remembered edge only before the callback's first call. What comes after the
// look, be it the answer or the end of the connection, makes a new edge.

// tripState is how far the callback has come.
type tripState uint8

const (
	tripLook  tripState = iota
	tripWrite           // the connection is new, or was found alive
	tripRead
	tripStale  // the connection was dead before anything was written
	tripCannot // not all could be written at once
	tripDone   // something was read, or c.tripErr says why not
)

// direct reports whether requests without a body go by trip.
func (c *conn) direct() bool { return c.raw != nil && !c.secure && !c.watched }

// trip writes out and reads the first octets of the answer. stale says that
// nothing was written, as the idle connection was dead; written is how much was
// otherwise, and less than all of out only when there was no error.
func (c *conn) trip(out []byte) (stale bool, written int, err error) {
	c.tripped, c.tripOut, c.tripErr = tripWrite, out, nil
	if c.reused {
		c.tripped = tripLook
	}
	c.readBefore(c.t.times.head)
	c.armed = true
	err = c.raw.Read(c.step)
	written = len(out) - len(c.tripOut)
	c.tripOut = nil
	switch {
	case c.tripped == tripStale:
		return true, 0, nil
	case err == nil:
		err = c.tripErr
	}
	return false, written, err
}

// onStep is the callback of trip.
func (c *conn) onStep(fd uintptr) (done bool) {
	switch c.tripped {
	case tripLook:
		if c.look(fd); !c.peeked {
			c.tripped = tripStale
			return true
		}
		fallthrough
	case tripWrite:
		n, err := retried(syscall.Write, fd, c.tripOut)
		c.tripOut = c.tripOut[n:]
		switch {
		case err != nil && err != syscall.EAGAIN:
			c.tripErr = os.NewSyscallError("write", err)
			c.tripped = tripDone
		case len(c.tripOut) > 0:
			c.tripped = tripCannot
		default:
			c.tripped = tripRead
			return false
		}
		return true
	}
	n, err := retried(syscall.Read, fd, c.s.in[c.w:])
	switch {
	case err == syscall.EAGAIN:
		return false
	case err != nil:
		c.tripErr = os.NewSyscallError("read", err)
	case n == 0:
		c.tripErr = io.EOF
	}
	c.w += n
	c.tripped = tripDone
	return true
}

// retried is what syscall.Read or syscall.Write returns when no signal comes in
// between.
func retried(call func(fd int, p []byte) (int, error), fd uintptr, p []byte) (int, error) {
	for {
		n, err := call(int(fd), p)
		if err != syscall.EINTR {
			return max(n, 0), err
		}
	}
}
