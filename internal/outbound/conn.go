package outbound

import (
	"context"
	"crypto/tls"
	"net"
	"sync"
	"syscall"
	"time"

	"freshet/internal/wire"
)

// conn is a connection to an origin. It belongs to one request at a time, and
// between requests to its host's list.
type conn struct {
	t       *Transport
	host    *host
	nc      net.Conn // what is read and written
	own     net.Conn // the same, but when that is watched
	watched bool
	base    net.Conn // the connection below TLS, else nc
	secure  bool
	state   *tls.ConnectionState
	raw     syscall.RawConn // of base; nil if it has none
	peek    func(fd uintptr)
	peeked  bool // what peek found: alive, and nothing to read
	step    func(fd uintptr) (done bool)
	abort   func() // closes the connection, from any goroutine
	expires time.Time

	// What trip is doing.
	tripped tripState
	tripOut []byte
	tripErr error

	// The exchange that is under way.
	ctx      context.Context
	stop     func() bool // ends the watch for ctx's end; nil if that cannot come
	s        *scratch
	r, w     int // s.in[r:w] is read and not yet used
	reused   bool
	armed    bool     // the deadline for the next head is set
	answered bool     // an octet of an answer has come
	interim  int      // interim answers so far
	sending  *sending // the request body that another goroutine sends, or nil
}

// scratch is the memory that an exchange needs, pooled.
type scratch struct {
	in    []byte
	out   []byte
	head  wire.ResponseHead
	names []string
}

const (
	inBytes  = 16 << 10 // of input that a scratch starts with
	outBytes = 8 << 10  // of output, with a body that goes with the head
)

var scratches = sync.Pool{New: func() any {
	return &scratch{in: make([]byte, inBytes), out: make([]byte, 0, outBytes)}
}}

func (c *conn) setUp() {
	c.peek, c.step = c.look, c.onStep
	c.abort = func() { c.base.Close() }
}

// begin starts an exchange.
func (c *conn) begin(ctx context.Context) {
	c.ctx = ctx
	if ctx.Done() != nil {
		c.stop = context.AfterFunc(ctx, c.abort)
	}
	c.s = scratches.Get().(*scratch)
	c.r, c.w, c.interim = 0, 0, 0
	c.armed, c.answered = false, false
	c.sending = nil
}

// end ends the exchange; the connection goes back to its host if whole: if the
// messages on it ended where they should.
func (c *conn) end(whole bool) {
	whole = whole && c.r == c.w && (c.sending == nil || c.sending.sent())
	whole = c.release() && whole
	if c.s != nil {
		c.free()
	}
	if whole {
		c.t.put(c)
		return
	}
	c.drop()
}

// release ends the watch for the context's end; false if that has come.
func (c *conn) release() bool {
	ok := c.stop == nil || c.stop()
	c.ctx, c.stop = nil, nil
	return ok
}

// free gives the scratch back. One that has grown is left to the collector.
func (c *conn) free() {
	s := c.s
	c.s = nil
	c.r, c.w = 0, 0
	if len(s.in) > inBytes || cap(s.out) > outBytes*2 {
		return
	}
	s.out = s.out[:0]
	scratches.Put(s)
}

// drop closes the connection and gives its place up.
func (c *conn) drop() {
	c.close()
	c.t.giveUp(c.host)
}

// close closes the connection. TLS says so to the peer, for which it waits no
// longer than it takes to hand over the alert.
func (c *conn) close() {
	if c.secure {
		c.nc.SetWriteDeadline(time.Now().Add(closeTime))
		c.nc.Close()
		return
	}
	c.base.Close()
}

const closeTime = 100 * time.Millisecond

// read reads more input. It makes room first if there is none; the caller sees
// to it that the input does not grow without bound.
func (c *conn) read() error {
	s := c.s
	switch {
	case c.r == c.w:
		c.r, c.w = 0, 0
	case c.w == len(s.in) && c.r > 0:
		c.w = copy(s.in, s.in[c.r:c.w])
		c.r = 0
	case c.w == len(s.in):
		s.in = append(s.in, make([]byte, len(s.in))...)
	}
	n, err := c.nc.Read(s.in[c.w:])
	c.w += n
	if n > 0 {
		return nil
	}
	return err
}

// readBefore sets the deadline of reads, writeBefore that of writes; 0 means
// none.
func (c *conn) readBefore(d time.Duration)  { c.nc.SetReadDeadline(deadline(d)) }
func (c *conn) writeBefore(d time.Duration) { c.nc.SetWriteDeadline(deadline(d)) }

func deadline(d time.Duration) (at time.Time) {
	if d > 0 {
		at = time.Now().Add(d)
	}
	return at
}

// write writes all of p.
func (c *conn) write(p []byte) *Error {
	c.writeBefore(c.t.times.write)
	if _, err := c.nc.Write(p); err != nil {
		kind := ConnectionTerminated
		if isTimeout(err) {
			kind = ConnectionWriteTimeout
		}
		return c.failed("write request", kind, err)
	}
	return nil
}

// failed makes the error of an operation on the connection.
func (c *conn) failed(op string, kind Kind, err error) *Error {
	return c.host.failed(c.ctx, op, kind, err)
}

// usable reports whether an idle connection can take a request: the peer has
// neither closed it nor sent what nobody asked for.
func (c *conn) usable() bool {
	if c.secure && !c.nothingDecrypted() {
		return false
	}
	if c.raw == nil {
		return true
	}
	c.peeked = false
	return c.raw.Control(c.peek) == nil && c.peeked
}

// past is a deadline that is over: a read returns what is there, or nothing.
var past = time.Unix(1, 0)

// nothingDecrypted reports whether TLS holds no data of a record that was read
// in part.
func (c *conn) nothingDecrypted() bool {
	var b [1]byte
	c.nc.SetReadDeadline(past)
	n, err := c.nc.Read(b[:])
	return n == 0 && isTimeout(err)
}
