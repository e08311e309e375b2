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
	DefaultMaxConns     = 65536
	DefaultMaxProcesses = 64 // of MaxConns with the model Process
	DefaultSweepEvery   = 100 * time.Millisecond
	DefaultGrace        = 10 * time.Second
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
	// Handler serves one connection. Where it runs is up to Model: by default
	// on a goroutine of its own. The connection is closed when it returns,
	// unless it was detached. It must be set. [Requests] and [StreamFunc] make one of handlers
	// that return errors.
	Handler func(*Conn)

	// Model says who runs Handler. The zero Model is PerConnection.
	Model Model

	// Name tells servers apart: the children of Process find theirs by it.
	Name string

	// Fork says how children of the model Process are started.
	Fork ProcessOptions

	// Early, when not nil, is called with each connection before Handler, on
	// the goroutine that accepted it: it must never wait. When it says that
	// the connection is over, no goroutine is started for it. See
	// the EarlyFD method of the connections of [Listen] on Linux for what it may do.
	Early func(*Conn) (over bool)

	// Verify, when not nil, is asked about each connection before it is
	// admitted, on the goroutine that accepted it: it must not wait. When it
	// says no, or panics, the connection is closed without a word. It sees the
	// peer of the connection; what a PROXY header says is known only later.
	Verify func(net.Conn) bool

	// Proxy, when not nil, expects connections to begin with a header of the
	// PROXY protocol.
	Proxy *ProxyProtocol

	// MaxConns bounds the open connections of all listeners together.
	// 0 means DefaultMaxConns, with the model Process DefaultMaxProcesses;
	// negative means no limit. Inline and Pool have a lower bound of their own,
	// and leave who is beyond it in the kernel's accept queue.
	MaxConns int

	// MaxConnsPerClient bounds the open connections of one IP address (of one
	// /64 for IPv6). 0 means half of MaxConns, so that no single client can
	// take all; negative means no limit. Unix sockets have no address and
	// no such limit. It counts peers of connections: behind a proxy, which is
	// the one peer there is, it should be negative.
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

	// Timeout is how long HandleRequest waits for a connection; 0 means until
	// one comes. OnTimeout, when not nil, is called when none came.
	Timeout   time.Duration
	OnTimeout func()

	// Grace is what ServeContext gives connections to end by themselves. 0 means
	// DefaultGrace; negative means none.
	Grace time.Duration

	// OnError, when not nil, is called instead of writing to ErrorLog with what
	// goes wrong with one connection: what its handler reports or panics with
	// (*PanicError), how its child ended (*ChildError). It is called by the
	// goroutine that served the connection, by many at once. c may be closed.
	OnError func(c *Conn, err error)

	// ErrorLog gets what happens to listeners, and to connections when OnError
	// is nil. nil means log.Default().
	ErrorLog *log.Logger

	once     sync.Once
	draining atomic.Bool
	waking   atomic.Bool // waiting connections are, or were, woken before their deadlines
	refusing atomic.Int32

	mu        sync.Mutex
	conns     []*Conn // every open connection; Conn.index is its place
	perClient clients
	counts    Counts
	listeners map[net.Listener]struct{}
	room      *sync.Cond // on mu: a connection ended, or the server closed
	closed    bool
	cutting   bool // connections are cut, not waited for
	sweeping  bool
	done      chan struct{} // closed by Close and at the end of Shutdown: stops the sweeper
	handlers  sync.WaitGroup

	forks forks         // of Process
	turns chan struct{} // of Inline and Pool: a place for each handler that runs
}

func (s *Server) init() {
	s.once.Do(func() {
		s.perClient.slots = make(map[netip.Addr]int32)
		s.listeners = make(map[net.Listener]struct{})
		s.room = sync.NewCond(&s.mu)
		s.done = make(chan struct{})
		if n := s.Model.running(); n > 0 {
			s.turns = make(chan struct{}, n)
		}
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
		if s.Model.kind == process {
			return DefaultMaxProcesses
		}
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

// Counts are what became of the connections that a server accepted.
type Counts struct {
	Accepted uint64 // admitted: a handler ran, or will
	Refused  uint64 // beyond MaxConns or MaxConnsPerClient
	Rejected uint64 // by Verify
	Failed   uint64 // calls of OnError, or lines in its place
}

// Counts returns the counts since the server was made.
func (s *Server) Counts() Counts {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.counts
}

// Len returns the number of open connections.
func (s *Server) Len() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.conns)
}
