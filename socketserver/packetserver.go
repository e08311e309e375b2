package socketserver

import (
	"log"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// Defaults of PacketServer's fields.
const (
	DefaultMaxHandlers  = 1024
	DefaultPacketQueue  = 1024
	DefaultMaxDatagram  = 65535
	DefaultPacketMemory = 16 << 20
	DefaultBatch        = 32
	DefaultReplyTimeout = 100 * time.Millisecond
)

// PacketServer reads datagrams from UDP and Unix sockets and gives each to
// Handler.
//
//	s := &socketserver.PacketServer{Handler: func(p *socketserver.Packet) {
//		p.Write(p.Data)
//	}}
//	pc, err := socketserver.ListenPacket(":9000", false)
//	…
//	err = s.Serve(pc)
//
// Nothing in it grows with what is sent: a bounded number of handlers runs, a
// bounded number of datagrams waits for them, and then the server stops
// reading, so that the kernel drops what does not fit the socket's buffer, and
// counts it. On Linux datagrams are read and answered many with one system
// call. Its fields must not change once Serve was called. All methods may be
// called by many goroutines at once.
type PacketServer struct {
	// Handler is given each datagram. The Packet and its Data are the
	// handler's until it returns; then they are used again. A handler that
	// panics has lost that one datagram. It must be set.
	Handler func(*Packet)

	// Model says who runs Handler. The zero Model, PerConnection, is a
	// goroutine for each datagram.
	Model Model

	// Name tells servers apart: the children of Process find theirs by it.
	Name string

	// Fork says how children of the model Process are started.
	Fork ProcessOptions

	// MaxHandlers bounds the handlers that run at once with PerConnection and
	// Process. 0 means DefaultMaxHandlers, with Process DefaultMaxProcesses.
	MaxHandlers int

	// Queue bounds the datagrams that were read and wait for a handler, with
	// all models but Inline, which has no queue. 0 means DefaultPacketQueue.
	// When it is full, the server reads no more until a handler is free.
	Queue int

	// MaxDatagram is the longest datagram that is taken, in bytes. Longer ones
	// are dropped and counted (Stats.Truncated), never handed over cut. 0 means
	// DefaultMaxDatagram, which all of UDP fits.
	MaxDatagram int

	// Memory bounds the bytes of all datagrams of more than 2 KiB that wait or
	// are with a handler; the server reads no more while it is used up. 0 means
	// DefaultPacketMemory; less than twice MaxDatagram counts as that. Shorter
	// ones have 2 KiB each. On Linux each socket being read also has buffers of
	// Batch times MaxDatagram, of which no more is touched than datagrams fill.
	Memory int

	// Batch is how many datagrams are read, or answered, with one system
	// call, where the system can (Linux). 0 means DefaultBatch.
	Batch int

	// ReceiveBuffer is the size of the socket's own buffer (SO_RCVBUF), in
	// bytes: what it has no room for, the kernel drops. 0 leaves the system's
	// default. That the system grants less is logged.
	ReceiveBuffer int

	// ReusePort has ListenAndServe share its address; see ListenPacket.
	ReusePort bool

	// ReplyTimeout is how long a reply may wait for room: in the socket's send
	// buffer or, of a Unix socket, in the receiver's queue. Then it is dropped
	// and counted. 0 means DefaultReplyTimeout. What the client of a Unix
	// socket does not read stays in the send buffer (on Linux, if it has
	// connected): one that never reads can take all of it.
	ReplyTimeout time.Duration

	// Timeout is how long HandleRequest waits for a datagram; 0 means until one
	// comes. OnTimeout, when not nil, is called when none came.
	Timeout   time.Duration
	OnTimeout func()

	// Grace is what ServeContext gives handlers to return. 0 means
	// DefaultGrace; negative means none.
	Grace time.Duration

	// Verify, when not nil, says which datagrams the handler gets to see: one
	// for which it returns false is dropped and counted. It runs on the
	// goroutine that reads, and so must not wait.
	Verify func(*Packet) bool

	// OnError, when not nil, is told what went wrong with a datagram, in place
	// of ErrorLog: a handler that panicked (*PanicError), how its child ended
	// (*ChildError), a reply that Packet.Write gathered and that could not be
	// sent. It
	// is called by the goroutine that found out, and the Packet is valid until
	// it returns.
	OnError func(*Packet, error)

	// ErrorLog gets what happens to sockets, and what goes wrong with
	// datagrams when there is no OnError. nil means log.Default().
	ErrorLog *log.Logger

	once     sync.Once
	draining atomic.Bool
	counts   packetCounts
	queue    packetQueue
	memory   packetMemory
	forks    forks
	done     chan struct{} // closed by Close, and by Shutdown when its time is up

	mu      sync.Mutex // guards what follows
	sockets map[*packetSocket]struct{}
	closed  bool   // nothing more is served
	dropped uint64 // by the kernel, of sockets that are gone
}

func (s *PacketServer) init() {
	s.once.Do(func() {
		s.sockets = make(map[*packetSocket]struct{})
		s.done = make(chan struct{})
		s.memory.free = max(orDefault(s.Memory, DefaultPacketMemory), 2*s.maxDatagram())
		s.queue.init(s)
	})
}

func orDefault[T int | time.Duration](v, otherwise T) T {
	if v <= 0 {
		return otherwise
	}
	return v
}

func (s *PacketServer) maxDatagram() int { return orDefault(s.MaxDatagram, DefaultMaxDatagram) }

func (s *PacketServer) logf(format string, args ...any) {
	l := s.ErrorLog
	if l == nil {
		l = log.Default()
	}
	l.Printf(format, args...)
}

// ListenAndServe opens a socket with ListenPacket and serves it.
func (s *PacketServer) ListenAndServe(addr string) error {
	pc, err := ListenPacket(addr, s.ReusePort)
	if err != nil {
		return err
	}
	return s.Serve(pc)
}

// PacketStats is what a PacketServer has counted since it began. Received is
// the sum of Truncated, Refused, Discarded and Handled, and of what is waiting or with a
// handler at the moment.
type PacketStats struct {
	Received  uint64 // datagrams that were read
	Truncated uint64 // longer than MaxDatagram
	Refused   uint64 // by Verify
	Handled   uint64 // given to a handler, which returned
	Failed    uint64 // of those: the handler panicked, or its process failed
	Discarded uint64 // waiting for a handler when the server was closed
	Dropped   uint64 // by the kernel, for a full socket buffer (Linux); between calls of HandleRequest they do not count
	Replies   uint64 // sent, not counting those of children
	Unsent    uint64 // replies that could not be sent
	Waiting   int    // now, for a handler
	Running   int    // handlers now, and those that send their replies; Inline has none that count
}

// packetCounts are the parts of PacketStats that are counted.
type packetCounts struct {
	received, truncated, refused, handled, failed, discarded, replies, unsent atomic.Uint64
}

// Stats returns the counts. Those of one datagram are not all added at one
// moment.
func (s *PacketServer) Stats() PacketStats {
	s.init()
	c := &s.counts
	st := PacketStats{
		Truncated: c.truncated.Load(), Refused: c.refused.Load(), Handled: c.handled.Load(),
		Failed: c.failed.Load(), Discarded: c.discarded.Load(), Received: c.received.Load(),
		Replies: c.replies.Load(), Unsent: c.unsent.Load(),
	}
	st.Waiting, st.Running = s.queue.lengths()
	s.mu.Lock()
	defer s.mu.Unlock()
	st.Dropped = s.dropped
	for sock := range s.sockets {
		st.Dropped += sock.io.dropped() - sock.before
	}
	return st
}

// packetSocket is a socket that is served.
type packetSocket struct {
	srv  *PacketServer
	pc   net.PacketConn
	io   packetIO
	held atomic.Int64  // its packets that are not released, and 1 while it is read
	idle chan struct{} // closed when held is 0
	ours bool          // pc is Serve's to close

	spare packetSpare

	before uint64 // of what the kernel dropped, what does not count; guarded by srv.mu
}

// release takes n from held.
func (k *packetSocket) release(n int64) {
	if k.held.Add(-n) == 0 {
		close(k.idle)
	}
}
