package httpd

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"syscall"

	"freshet/internal/record"
	"freshet/internal/rule"
	"freshet/socketserver"
)

// step is what a connection has to do next.
type step uint8

const (
	stepWait   step = iota // read; no input is left
	stepMore               // read; a head has begun
	stepFlush              // write what is gathered, then go on with the input
	stepHandle             // call the handler for scratch.head
	stepRefuse             // answer conn.refusal and end
	stepClose              // write what is gathered and end
	stepPark               // wait for long: start over on a small stack
	stepEnd                // end at once
)

// phase says what an armed deadline is for.
type phase uint8

const (
	phaseHead phase = iota // a head, from accept or its first byte
	phaseIdle              // the next request
	phaseBusy              // the next request, for one sweep: then look again and park (see rawio_linux.go)
)

// conn serves one connection, on one goroutine.
type conn struct {
	srv  *Server
	sc   *socketserver.Conn
	from *listener
	tcp  net.Conn        // the accepted connection
	nc   net.Conn        // what is read and written: tcp, or TLS over it
	raw  syscall.RawConn // of tcp, when nc is tcp and rawio works on it; else nil

	joined *together // between TLS and tcp, when TLS is ours; else nil

	early bool // nobody has waited for tcp yet: see serveEarly
	below bool // read and written below net.Conn
	tls   *tls.ConnectionState

	s       *scratch // nil while waiting
	next    step     // what the raw callback left to do
	left    bool     // serveEarly left next to do
	phase   phase
	refusal rule.ID
	served  int       // requests read
	name    record.ID // of the connection; 0 until it is asked for
	named   int       // the count of requests when it was made
	now     int64     // when the input was read last, nanoseconds since 1970
	read    int64     // the same by Monotonic
	began   int64     // when the head began that phaseHead is about, by Monotonic
	last    bool      // the server drains: look once more for input, then end
	begun   releaser  // by the hot path, for the handler that is called next
	over    bool      // the answer that is gathered, or was sent, is the last
	locked  bool      // inside the callback of raw: nobody else can read
	linger  bool      // the client may still be sending: see end
	reset   bool      // the end must not look like that of the answer: see end
	one     [1]byte   // a read that waits without a buffer

	// The callbacks of raw, made once.
	readable, writable func(fd uintptr) bool
	writeErr           syscall.Errno // of writable

	ctx    context.Context // for handlers; nil until the first
	remote string          // RemoteAddr for handlers; "" until the first
	state  http.ConnState
}

// serveConn is the handler of socketserver.
func (s *Server) serveConn(sc *socketserver.Conn) {
	c, begun := sc.State.(*conn)
	if !begun {
		if c = s.newConn(sc); c == nil {
			return
		}
	}
	if c.serve() == stepPark {
		sc.State = c
		sc.Again()
		return
	}
	c.end()
}

// newConn makes what serves a connection; nil when TLS fails, or when the
// connection was served as HTTP/2.
func (s *Server) newConn(sc *socketserver.Conn) *conn {
	a := sc.Conn.(*accepted)
	c := &conn{srv: s, sc: sc, from: a.from, tcp: a.Conn, nc: a.Conn}
	c.setNow()
	c.began = c.read
	over, secure := c.nc.(*tls.Conn)
	switch {
	case a.from.tls != nil:
		c.joined, secure = &together{Conn: c.tcp, inUse: &s.joins}, true
		c.nc = tls.Server(c.joined, a.from.tls)
	case secure:
		c.tcp = over.NetConn()
	}
	if s.ConnState != nil {
		c.setState(http.StateNew)
	}
	sc.Arm(c.read, s.times.head)
	sc.Waits()
	if secure {
		if !c.startTLS() {
			return nil
		}
		return c
	}
	if _, c.early = c.tcp.(earlyConn); c.early {
		c.below = true
	} else {
		c.openRaw()
	}
	return c
}

// earlyConn is a connection of [socketserver.Listen] that nobody had to wait
// for yet: it is a mere descriptor.
type earlyConn interface {
	EarlyFD() (fd uintptr, ok bool)
}

// openRaw has the connection read and written below net.Conn, where that works.
func (c *conn) openRaw() {
	c.early = false
	c.raw = rawConn(c.tcp)
	c.below = c.raw != nil
	if c.below {
		c.readable, c.writable = c.onReadable, c.onWritable
	}
}

// serveEarly looks whether the first request has arrived with the connection,
// as it has on a busy server and after [socketserver.DeferAccept]. When the hot
// path can answer it, and it closes the connection, that is all: no goroutine,
// no poller, four system calls. Else what was read goes on to serveConn.
func (s *Server) serveEarly(sc *socketserver.Conn) (over bool) {
	a := sc.Conn.(*accepted)
	if _, ok := a.Conn.(earlyConn); !ok || a.from.tls != nil {
		return false
	}
	c := s.newConn(sc)
	sc.State = c
	fd, ok := a.Conn.(earlyConn).EarlyFD()
	c.left = ok && c.onReadable(fd)
	if c.left && c.next == stepEnd {
		c.end()
		return true
	}
	return false
}

// serve serves until the connection is over (stepEnd) or has been idle for a
// while (stepPark).
func (c *conn) serve() step {
	if c.early {
		c.openRaw()
	}
	var st step
	if c.left {
		st, c.left = c.next, false // with stepWait there is output left to write
	} else {
		st = c.receive()
	}
	for st != stepEnd && st != stepPark {
		st = c.do(st)
	}
	return st
}

// do does one step. It is a function of its own to keep its frame, and that of
// all it calls, off the stack of a connection that waits.
func (c *conn) do(st step) step {
	switch st {
	case stepWait, stepMore:
		if !c.flush() {
			return stepEnd
		}
		c.await(st)
		return c.receive()
	case stepFlush:
		if !c.flush() {
			return stepEnd
		}
		return c.advance()
	case stepHandle:
		if !c.handle() {
			return stepEnd
		}
		return c.advance()
	case stepRefuse:
		c.refuse(c.refusal)
	case stepClose:
		c.flush()
	}
	return stepEnd
}
