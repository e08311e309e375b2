package socketserver

import (
	"context"
	"errors"
	"log"
	"net"
	"net/netip"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// ErrServerClosed is returned by Serve after Shutdown or Close.
var ErrServerClosed = errors.New("socketserver: server closed")

// Defaults of Server's fields.
const (
	DefaultMaxConns   = 65536
	DefaultSweepEvery = 100 * time.Millisecond
)

// maxRefusing bounds the goroutines that say why a connection is refused;
// beyond it connections are closed without a word.
const maxRefusing = 64

// Refusal says which limit a connection ran into.
type Refusal uint8

// The limits.
const (
	TooMany          Refusal = iota + 1 // Server.MaxConns
	TooManyPerClient                    // Server.MaxConnsPerClient
)

// Server accepts connections and hands each to Handler. Its fields must not
// change once Serve was called.
type Server struct {
	// Handler serves one connection, on a goroutine of its own. The
	// connection is closed when it returns, unless it was detached.
	Handler func(*Conn)

	// Early, when not nil, is called with each connection before Handler, on
	// the goroutine that accepted it: it must never wait. When it says that
	// the connection is over, no goroutine is started for it. See
	// the EarlyFD method of the connections of [Listen] on Linux for what it may do.
	Early func(*Conn) (over bool)

	// MaxConns bounds the open connections of all listeners together.
	// 0 means DefaultMaxConns; negative means no limit.
	MaxConns int

	// MaxConnsPerClient bounds the open connections of one IP address (of one
	// /64 for IPv6). 0 means half of MaxConns, so that no single client can
	// take all; negative means no limit. Unix sockets have no address and
	// no such limit.
	MaxConnsPerClient int

	// Queue says what happens beyond MaxConns: false (the default) calls
	// Refused, true leaves further connections in the kernel's accept queue
	// until one ends.
	Queue bool

	// Refused, when not nil, is called with a connection beyond a limit, to
	// say so; it must return soon. The connection is closed when it returns.
	Refused func(net.Conn, Refusal)

	// SweepEvery is how often armed deadlines are looked at. 0 means
	// DefaultSweepEvery.
	SweepEvery time.Duration

	// ErrorLog gets what happens to listeners. nil means log.Default().
	ErrorLog *log.Logger

	once     sync.Once
	draining atomic.Bool
	waking   atomic.Bool // waiting connections are, or were, woken before their deadlines
	refusing atomic.Int32

	mu        sync.Mutex
	conns     []*Conn // every open connection; Conn.index is its place
	perClient map[netip.Addr]int
	listeners map[net.Listener]struct{}
	room      *sync.Cond // on mu: a connection ended, or the server closed
	closed    bool
	sweeping  bool
	done      chan struct{} // closed by Close and at the end of Shutdown: stops the sweeper
	handlers  sync.WaitGroup
}

func (s *Server) init() {
	s.once.Do(func() {
		s.perClient = make(map[netip.Addr]int)
		s.listeners = make(map[net.Listener]struct{})
		s.room = sync.NewCond(&s.mu)
		s.done = make(chan struct{})
	})
}

func (s *Server) logf(format string, args ...any) {
	l := s.ErrorLog
	if l == nil {
		l = log.Default()
	}
	l.Printf(format, args...)
}

func (s *Server) maxConns() int {
	if s.MaxConns == 0 {
		return DefaultMaxConns
	}
	return s.MaxConns
}

func (s *Server) maxPerClient() int {
	if s.MaxConnsPerClient == 0 {
		return s.maxConns() / 2
	}
	return s.MaxConnsPerClient
}

// Serve accepts connections on l until the server is shut down, and then
// returns ErrServerClosed. It closes l. Errors of single accepts (out of
// descriptors, a connection that was reset in the queue) are logged and
// waited out, from 5 ms up to 1 s.
func (s *Server) Serve(l net.Listener) error {
	s.init()
	if !s.addListener(l) {
		l.Close()
		return ErrServerClosed
	}
	defer s.dropListener(l)
	a := &acceptors{l: l, ended: make(chan error, 1)}
	a.start(s)
	err := <-a.ended
	l.Close() // ends the others
	a.all.Wait()
	return err
}

// acceptors are the goroutines that accept from one listener: as many as there
// are processors, for what Early does is done by them, and more when that many
// are busy. With Queue there is one, or MaxConns would be passed.
type acceptors struct {
	l     net.Listener
	all   sync.WaitGroup
	idle  atomic.Int32 // those that wait, or are about to
	ended chan error   // the first error
}

func (a *acceptors) start(s *Server) {
	a.idle.Add(1)
	a.all.Go(func() {
		if err := s.acceptAll(a); err != nil {
			select {
			case a.ended <- err:
			default:
			}
		}
	})
}

// acceptAll accepts connections until the listener or the server is closed, or
// there are enough others that do.
func (s *Server) acceptAll(a *acceptors) error {
	l := a.l
	var pause time.Duration
	for {
		if s.Queue {
			s.waitForRoom()
		}
		nc, err := l.Accept()
		if err == nil {
			pause = 0
			// Early may take longer than it should (a file system that
			// hangs): somebody else waits in Accept meanwhile.
			if a.idle.Add(-1) == 0 && s.Early != nil && !s.Queue {
				a.start(s)
			}
			s.admit(nc)
			if a.idle.Add(1) > int32(runtime.GOMAXPROCS(0)) {
				a.idle.Add(-1)
				return nil
			}
			continue
		}
		if s.isClosed() {
			return ErrServerClosed
		}
		if ne, ok := err.(interface{ Temporary() bool }); !ok || !ne.Temporary() {
			return err
		}
		pause = min(max(2*pause, 5*time.Millisecond), time.Second)
		s.logf("accept on %s: %v; trying again in %v", l.Addr(), err, pause)
		select {
		case <-time.After(pause):
		case <-s.done:
		}
	}
}

// admit starts the handler for nc, or refuses it.
func (s *Server) admit(nc net.Conn) {
	c := &Conn{Conn: nc, srv: s}
	refusal, ok := s.add(c)
	for refusal == TooMany && s.Queue { // another listener took the room
		s.waitForRoom()
		refusal, ok = s.add(c)
	}
	if !ok {
		nc.Close()
		return
	}
	if refusal != 0 {
		s.refuse(nc, refusal)
		return
	}
	if s.Early == nil || !c.early() {
		go c.serve()
	}
}

// add registers c; it is not ok when the server is closed.
func (s *Server) add(c *Conn) (refusal Refusal, ok bool) {
	client := clientOf(c.Remote().Addr())
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return 0, false
	}
	if n := s.maxConns(); n > 0 && len(s.conns) >= n {
		return TooMany, true
	}
	if client.IsValid() {
		if n := s.maxPerClient(); n > 0 && s.perClient[client] >= n {
			return TooManyPerClient, true
		}
		s.perClient[client]++
	}
	c.index = len(s.conns)
	s.conns = append(s.conns, c)
	s.handlers.Add(1)
	if !s.sweeping {
		s.sweeping = true
		go s.sweep()
	}
	return 0, true
}

// remove takes c out of the set; its handler has returned, or it was detached.
func (s *Server) remove(c *Conn) {
	client := clientOf(c.Remote().Addr())
	s.mu.Lock()
	defer s.mu.Unlock()
	if c.index < 0 {
		return
	}
	last := len(s.conns) - 1
	s.conns[c.index] = s.conns[last]
	s.conns[c.index].index = c.index
	s.conns[last] = nil
	s.conns = s.conns[:last]
	c.index = -1
	if client.IsValid() {
		if s.perClient[client]--; s.perClient[client] <= 0 {
			delete(s.perClient, client)
		}
	}
	s.room.Broadcast()
}

func (s *Server) refuse(nc net.Conn, why Refusal) {
	if s.Refused == nil || s.refusing.Add(1) > maxRefusing {
		if s.Refused != nil {
			s.refusing.Add(-1)
		}
		nc.Close()
		return
	}
	go func() {
		defer s.refusing.Add(-1)
		defer nc.Close()
		nc.SetDeadline(time.Now().Add(time.Second))
		s.Refused(nc, why)
	}()
}

func (s *Server) waitForRoom() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for n := s.maxConns(); n > 0 && len(s.conns) >= n && !s.closed; {
		s.room.Wait()
	}
}

func (s *Server) addListener(l net.Listener) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	s.listeners[l] = struct{}{}
	return true
}

func (s *Server) dropListener(l net.Listener) {
	l.Close()
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.listeners, l)
}

func (s *Server) isClosed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.closed
}

// Len returns the number of open connections.
func (s *Server) Len() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.conns)
}

// Draining reports whether Shutdown or Close was called: handlers should end
// their connections after what they are doing.
func (s *Server) Draining() bool { return s.draining.Load() }

// Shutdown stops accepting, wakes connections that are waiting so that they
// end, and waits until all have ended or ctx is done; then the rest is
// closed and ctx's error returned.
func (s *Server) Shutdown(ctx context.Context) error {
	s.stopAccepting()
	ended := make(chan struct{})
	go func() {
		s.handlers.Wait()
		close(ended)
	}()
	select {
	case <-ended:
		s.stopSweeping()
		return nil
	case <-ctx.Done():
		s.closeConns()
		s.stopSweeping()
		return ctx.Err()
	}
}

// Close stops accepting and closes every connection at once. Handlers see
// errors from their reads and writes; Close does not wait for them.
func (s *Server) Close() error {
	s.stopAccepting()
	s.closeConns()
	s.stopSweeping()
	return nil
}

func (s *Server) stopAccepting() {
	s.init()
	s.draining.Store(true)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	for l := range s.listeners {
		l.Close()
	}
	s.wakeWaiting()
	s.room.Broadcast()
}

// WakeWaiting wakes the connections that wait, as a drain does: their reads
// fail with os.ErrDeadlineExceeded though they are not overdue.
func (s *Server) WakeWaiting() {
	s.init()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.wakeWaiting()
}

// wakeWaiting does it; s.mu is held.
func (s *Server) wakeWaiting() {
	s.waking.Store(true)
	for _, c := range s.conns {
		if c.waiting.Load() {
			c.wake()
		}
	}
}

func (s *Server) stopSweeping() {
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case <-s.done:
	default:
		close(s.done)
	}
}

func (s *Server) closeConns() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.conns {
		c.cut()
	}
}

// sweep wakes connections whose deadline has passed, until the server stops.
func (s *Server) sweep() {
	every := s.SweepEvery
	if every <= 0 {
		every = DefaultSweepEvery
	}
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-s.done:
			return
		case t := <-tick.C:
			s.wakeOverdue(Clock(t))
		}
	}
}

func (s *Server) wakeOverdue(now int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.conns {
		if d := c.deadline.Load(); d != 0 && now >= d && c.deadline.CompareAndSwap(d, 0) {
			c.overdue.Store(true)
			c.wake()
		}
	}
}

// clientOf is what counts as one client: an IPv4 address, or an IPv6 /64,
// which is what a single customer usually has.
func clientOf(a netip.Addr) netip.Addr {
	a = a.Unmap().WithZone("")
	if a.Is6() {
		p, _ := a.Prefix(64)
		return p.Addr()
	}
	return a
}
