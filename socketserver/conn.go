package socketserver

import (
	"errors"
	"math"
	"net"
	"net/netip"
	"runtime"
	"sync/atomic"
	"time"
)

// longAgo is a deadline that has passed whatever the clock says.
var longAgo = time.Unix(1, 0)

// Conn is a connection that a Server looks after.
type Conn struct {
	net.Conn
	srv    *Server
	index  int32 // place in srv.conns, -1 when not there; guarded by srv.mu
	client int32 // slot in srv.perClient; guarded by srv.mu

	// State is the handler's own, for when it is called again.
	State any

	child    *child       // of Process, which serves it; guarded by srv.mu
	deadline atomic.Int64 // by Clock; 0 when none is armed
	overdue  atomic.Bool
	waiting  atomic.Bool
	detached atomic.Bool
	again    bool
	here     bool // who called serve calls it again, not a new goroutine
}

// serve has a small frame, for it stays on the stack of every connection.
func (c *Conn) serve() {
	defer func() { c.returned(recover()) }()
	c.srv.Handler(c)
}

// early calls Early, and reports whether the connection is over.
func (c *Conn) early() (over bool) {
	over = true // when it panics
	defer func() {
		if over {
			c.returned(recover())
		}
	}()
	over = c.srv.Early(c)
	return over
}

// panicked reports what a handler panicked with; the stack is still there.
func (c *Conn) panicked(p any) {
	stack := make([]byte, 64<<10)
	stack = stack[:runtime.Stack(stack, false)]
	if c.srv.OnError != nil {
		c.Report(&PanicError{Value: p, Stack: stack})
		return
	}
	c.srv.countFailure()
	c.srv.logf("panic serving %v: %v\n%s", c.Remote(), p, stack)
}

// returned ends the connection, or has the handler called again.
func (c *Conn) returned(p any) {
	if p != nil {
		c.panicked(p)
		c.again = false
	}
	if c.again {
		if !c.here {
			c.again = false
			go c.serve()
		}
		return
	}
	if c.detached.Load() {
		return
	}
	c.srv.remove(c)
	c.Conn.Close()
	c.srv.handlers.Done()
}

// Again says that the handler has not ended the connection when it returns: it
// is to be called once more, on a new goroutine. A goroutine's stack grows as
// deep as its deepest call and hardly ever shrinks; a handler that is about to
// wait for long gives that memory back by starting over. With the models Inline
// and Pool it is called again by the goroutine that has the turn.
func (c *Conn) Again() { c.again = true }

// Remote returns the client's address and port, which are not valid for a
// Unix socket.
func (c *Conn) Remote() netip.AddrPort {
	return RemoteOf(c.Conn)
}

// RemoteOf returns the client's address and port of any connection, which are
// not valid when it has none.
func RemoteOf(nc net.Conn) netip.AddrPort {
	if a, ok := nc.(interface{ AddrPort() netip.AddrPort }); ok {
		return a.AddrPort()
	}
	if t, ok := nc.RemoteAddr().(*net.TCPAddr); ok {
		return t.AddrPort()
	}
	return netip.AddrPort{}
}

// Server returns the server that accepted c.
func (c *Conn) Server() *Server { return c.srv }

// epoch is where Clock starts.
var epoch = time.Now()

// Clock is a moment on a clock that is never set, in nanoseconds: deadlines are
// by it.
func Clock(t time.Time) int64 { return int64(t.Sub(epoch)) }

// Arm sets the deadline to d after a moment, by Clock; a previous one is
// forgotten. A d of 0 sets none.
func (c *Conn) Arm(from int64, d time.Duration) {
	if d <= 0 {
		c.deadline.Store(0)
		return
	}
	at := from + int64(d)
	if at < from { // so far away that it does not fit
		at = math.MaxInt64
	}
	c.deadline.Store(max(at, 1))
}

// Disarm forgets the deadline.
func (c *Conn) Disarm() { c.deadline.Store(0) }

// Arrived says that what c waited for has come: it does not wait any more, the
// deadline is forgotten, and so is a wake that came too late.
func (c *Conn) Arrived() {
	c.waiting.Store(false)
	if c.deadline.Swap(0) != 0 && !c.srv.waking.Load() {
		return
	}
	// The sweeper or a drain may be waking c at this moment. Both hold mu
	// while they do: after this it is done.
	c.srv.mu.Lock()
	woken := c.overdue.Load() || c.srv.waking.Load()
	c.srv.mu.Unlock()
	if woken {
		c.Forgive()
	}
}

// Overdue reports whether an armed deadline has passed. All reads and writes
// then fail with os.ErrDeadlineExceeded until Forgive is called.
func (c *Conn) Overdue() bool { return c.overdue.Load() }

// Forgive makes an overdue or woken connection usable again, to say goodbye.
func (c *Conn) Forgive() {
	c.overdue.Store(false)
	c.Conn.SetDeadline(time.Time{})
}

// Waits says that c waits for its client with nothing begun, until Arrived. A
// waiting connection is woken when the server drains: its read fails with
// os.ErrDeadlineExceeded though it is not overdue.
func (c *Conn) Waits() {
	c.waiting.Store(true)
	if c.srv.Draining() {
		c.wake()
	}
}

// wake makes blocked and future reads and writes fail at once.
func (c *Conn) wake() { c.Conn.SetDeadline(longAgo) }

// cut ends the connection while its handler may be using it: both directions of
// the socket, which reaches a handler that uses another descriptor of it too.
// The handler's goroutine closes it.
func (c *Conn) cut() {
	if c.child != nil { // which has the connection
		c.child.terminate()
		return
	}
	if d, ok := c.Conn.(interface {
		CloseRead() error
		CloseWrite() error
	}); ok {
		werr := d.CloseWrite()
		if rerr := d.CloseRead(); !errors.Is(werr, errors.ErrUnsupported) || !errors.Is(rerr, errors.ErrUnsupported) {
			return // any other error: the client has ended it already
		}
	}
	go c.Conn.Close() // may have to wait for a read under way
}

// Detach gives the connection to somebody else: limits no longer count it,
// shutdown does not wait for it, and it is not closed when the handler
// returns.
func (c *Conn) Detach() {
	if c.detached.CompareAndSwap(false, true) {
		c.Disarm()
		c.srv.remove(c)
		c.srv.handlers.Done()
	}
}
