package socketserver

import (
	"errors"
	"log"
	"net"
	"net/netip"
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
