package outbound

import (
	"io"
	"os"
	"syscall"
	"unsafe"
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
//
// The calls are made without telling the scheduler: on a non-blocking socket
// they return within microseconds.

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
func (c *conn) direct() bool { return c.raw != nil && !c.secure }

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
		n, errno := rawCall(syscall.SYS_WRITE, fd, c.tripOut)
		c.tripOut = c.tripOut[n:]
		switch {
		case errno != 0 && errno != syscall.EAGAIN:
			c.tripErr = os.NewSyscallError("write", errno)
			c.tripped = tripDone
		case len(c.tripOut) > 0:
			c.tripped = tripCannot
		default:
			c.tripped = tripRead
			return false
		}
		return true
	}
	n, errno := rawCall(syscall.SYS_READ, fd, c.s.in[c.w:])
	switch {
	case errno == syscall.EAGAIN:
		return false
	case errno != 0:
		c.tripErr = os.NewSyscallError("read", errno)
	case n == 0:
		c.tripErr = io.EOF
	}
	c.w += n
	c.tripped = tripDone
	return true
}

// rawCall is read(2) or write(2), again when a signal came.
func rawCall(call, fd uintptr, p []byte) (int, syscall.Errno) {
	for {
		n, _, errno := syscall.RawSyscall(call, fd, uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p)))
		switch errno {
		case 0:
			return int(n), 0
		case syscall.EINTR:
			continue
		}
		return 0, errno
	}
}
