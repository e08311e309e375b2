package fastcgi

import (
	"errors"
	"io"
	"net"
	"os"
	"syscall"
	"time"
)

// watchAfter is how long a backend may be silent before anybody looks whether
// the client is still there, and before the request is shown: most answers
// are whole by then.
const watchAfter = 10 * time.Millisecond

// watchSlack is how much later that may be over a connection that was used
// before, whose deadline is then set once for many requests.
const watchSlack = 40 * time.Millisecond

// errTimeout is the end of a limit on a backend's time.
var errTimeout = errors.New("the backend was silent for too long")

// conn is a connection to a backend. One exchange at a time has it.
type conn struct {
	nc  net.Conn
	raw syscall.RawConn // of nc; nil when it has none

	// Of the worker at its other end; zero without Options.Workers.
	worker     *worker
	generation int
	pid        int
	untried    bool // its worker has not answered anybody yet
	hung       bool // it may still be busy with a request that was given up
	cut        bool // it ended before it said anything

	fresh  bool      // nothing was ever heard over it
	since  time.Time // when it became idle
	silent bool      // what look found
	peek   func(fd uintptr)

	armed time.Time // deadline for reading that nc has; zero: none

	asking asking
	step   func(fd uintptr) (done bool) // of ask
}

func newConn(nc net.Conn) *conn {
	c := &conn{nc: nc, fresh: true}
	if sc, ok := nc.(syscall.Conn); ok {
		c.raw, _ = sc.SyscallConn()
		c.peek = c.look
	}
	return c
}

// alive reports whether a kept connection seems to be of use.
func (c *conn) alive() bool {
	if c.raw == nil {
		return true
	}
	c.silent = false
	return c.raw.Control(c.peek) == nil && c.silent
}

// reading is the answer of one exchange as it comes: a gateway.Source of what
// is in STDOUT.
type reading struct {
	c *conn
	demux
	out    []byte // the request, when it is sent with the first read; nil: sent
	kept   bool   // the connection was used before
	unsent bool   // nothing of the request could be written
	heard  bool   // something came
	err    error  // that ended it, but io.EOF

	limit   time.Duration        // on silence, or on all of the head; 0: none
	head    bool                 // it is waited for
	from    time.Time            // when the limit began
	working func(time.Time) bool // not nil: whether the request itself still got further since
	flushAt time.Time            // gateway.Relay's deadline; zero: none
	quietAt time.Time            // when quiet is called; zero: not any more
	quiet   func()
	hot     bool // at quietAt reading is given up for now
}

// SetReadDeadline implements gateway.Source: Relay asks for a pause.
func (s *reading) SetReadDeadline(t time.Time) error {
	s.flushAt = t
	return nil
}

// Read implements io.Reader. At the end of the request, and nowhere else, it
// returns io.EOF; together with the last of the content when both came at once.
func (s *reading) Read(p []byte) (int, error) {
	for {
		switch {
		case s.err != nil:
			return 0, s.err
		case s.ended:
			return 0, io.EOF
		}
		got, err := s.receive(p)
		n, bad := s.feed(p[:got])
		switch {
		case bad != nil:
			s.err = bad
		case s.ended:
			err = io.EOF
		case err == io.EOF:
			s.err = io.ErrUnexpectedEOF
		case err != nil && !errors.Is(err, os.ErrDeadlineExceeded):
			s.err = err
		}
		if s.err != nil {
			return n, s.err
		}
		if n > 0 || err != nil {
			return n, err
		}
	}
}

// receive reads from the connection, until something came, or Relay's pause or
// the limit is over.
func (s *reading) receive(p []byte) (int, error) {
	for {
		s.arm()
		n, err := s.next(p)
		if n > 0 {
			again := s.heard
			s.heard, s.c.fresh = true, false
			if !s.head {
				s.from = time.Time{}
			} else if again && s.overdue(time.Now()) {
				err = errTimeout
			}
			return n, err
		}
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			return 0, err
		}
		now := time.Now()
		if !s.quietAt.IsZero() && !now.Before(s.quietAt) {
			if s.hot {
				return 0, os.ErrDeadlineExceeded
			}
			s.quietAt = time.Time{}
			s.quiet()
		}
		if s.overdue(now) {
			return 0, errTimeout
		}
		if !s.flushAt.IsZero() && !now.Before(s.flushAt) {
			return 0, os.ErrDeadlineExceeded
		}
	}
}

// next reads, once the request is sent.
func (s *reading) next(p []byte) (int, error) {
	if s.out == nil {
		return s.c.nc.Read(p)
	}
	wrote, n, err := s.c.ask(s.out, p)
	s.out = s.out[wrote:]
	switch {
	case len(s.out) == 0:
		s.out = nil
		return n, err
	case err != nil: // a time was over before
		return 0, err
	}
	more, err := s.c.nc.Write(s.out)
	s.unsent = err != nil && wrote+more == 0
	s.out = nil
	return s.c.nc.Read(p) // what failed is heard of now
}

// overdue reports whether the limit is over; it begins anew while the request
// itself gets further.
func (s *reading) overdue(now time.Time) bool {
	if s.limit == 0 || now.Sub(s.from) < s.limit {
		return false
	}
	if s.working != nil && s.working(s.from) {
		s.from = now
		return false
	}
	return true
}

// arm gives the connection the deadline of what comes first. Those that are
// coarse, the limit on silence and the first look after the client, are left
// alone while they are not much too late, so that most reads need not set one.
func (s *reading) arm() {
	if s.limit > 0 && s.from.IsZero() {
		s.from = time.Now()
	}
	var exact time.Time
	for _, t := range [...]time.Time{s.flushAt, s.quietAt} {
		if !t.IsZero() && (exact.IsZero() || t.Before(exact)) {
			exact = t
		}
	}
	armed := s.c.armed
	if s.flushAt.IsZero() && !s.quietAt.IsZero() && !s.c.fresh && (s.limit == 0 || s.limit > 8*watchSlack) {
		if armed.Before(exact) || armed.After(exact.Add(watchSlack)) {
			s.set(exact.Add(watchSlack))
		}
		return
	}
	if !exact.IsZero() {
		if !armed.Equal(exact) {
			s.set(exact)
		}
		return
	}
	if s.limit == 0 {
		if !armed.IsZero() {
			s.set(time.Time{})
		}
		return
	}
	late := s.from.Add(s.limit)
	if armed.Before(late) || armed.After(late.Add(s.limit/4)) {
		s.set(late.Add(s.limit / 4))
	}
}

func (s *reading) set(t time.Time) {
	s.c.armed = t
	s.c.nc.SetReadDeadline(t)
}

// free reports whether the backend's worker has nothing more to do with the
// request: it ended it, or closed the connection.
func (s *reading) free() bool {
	if s.ended || s.err == nil || s.err == errTimeout {
		return s.ended
	}
	var broken *protocolError
	return !errors.Is(s.err, net.ErrClosed) && !errors.As(s.err, &broken)
}

// usable reports whether the connection may carry another request: the answer
// has ended, and nothing followed.
func (s *reading) usable() bool {
	return s.ended && s.err == nil && !s.trailing && s.protocol == requestComplete
}
