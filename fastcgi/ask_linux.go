package fastcgi

import (
	"io"
	"os"
	"syscall"
)

// A request that goes with one write, and the first read of its answer, are
// made inside one RawConn.Read callback, which says "wait" right after the
// write. The usual way would first try to read what cannot have come yet. No
// wake-up is lost by that: internal/outbound/raw_linux.go tells why.

// asking is what ask is doing.
type asking struct {
	out   []byte // is not written yet
	in    []byte // is for the answer
	wrote bool   // all of out
	n     int    // octets of in
	err   error  // of reading
}

// ask writes out and reads into p. When it writes less than all, and there is
// no error, the rest is to be written otherwise.
func (c *conn) ask(out, p []byte) (wrote, n int, err error) {
	if c.raw == nil {
		return 0, 0, nil
	}
	if c.step == nil {
		c.step = c.onStep
	}
	c.asking = asking{out: out, in: p}
	err = c.raw.Read(c.step)
	a := c.asking
	c.asking = asking{}
	if err == nil {
		err = a.err
	}
	return len(out) - len(a.out), a.n, err
}

// onStep is the callback of ask.
func (c *conn) onStep(fd uintptr) (done bool) {
	a := &c.asking
	if !a.wrote {
		n, err := retried(syscall.Write, fd, a.out)
		a.out = a.out[n:]
		a.wrote = err == nil && len(a.out) == 0
		return !a.wrote
	}
	n, err := retried(syscall.Read, fd, a.in)
	switch {
	case err == syscall.EAGAIN:
		return false
	case err != nil:
		a.err = os.NewSyscallError("read", err)
	case n == 0:
		a.err = io.EOF
	}
	a.n = n
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
