// Package tunnel joins two connections: what one side sends, the other gets,
// until both have ended or nothing was sent for too long. It is what becomes of
// a request for an upgrade, and of CONNECT.
//
//	var open tunnel.Set
//	sent, got, err := open.Join(tunnel.Ends{Client: c, Early: r, Server: s}, 10*time.Minute)
//
// It does not look at what passes. An end of one direction is passed on as an
// end of writing, so that the other direction goes on. Whoever has a Set closes
// it, which ends what runs and waits for it; from then on Join refuses.
package tunnel

import (
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// ErrClosed is returned by Join after Close.
var ErrClosed = errors.New("tunnel: the set is closed")

// Set has tunnels that Close ends. The zero value is ready. It must not be
// copied; its methods may be called at the same time.
type Set struct {
	mu      sync.Mutex // guards closed and open; held while a tunnel's ends are closed
	closed  bool
	open    map[*tunnel]struct{}
	running sync.WaitGroup
}

// Ends are the connections that are joined. Join closes neither.
type Ends struct {
	Client net.Conn
	Early  io.Reader // what the client has sent already, and the rest; nil: Client itself
	Server io.ReadWriteCloser
}

// Join joins two connections and returns when both directions have ended, with
// the bytes that went to the server and to the client. idle is the longest time
// in which neither side sends anything; 0 means no limit. The caller closes
// both ends, which may have been closed by then.
func (s *Set) Join(e Ends, idle time.Duration) (sent, got int64, err error) {
	t := &tunnel{Ends: e, idle: idle, start: time.Now()}
	if t.Early == nil {
		t.Early = e.Client
	}
	if !s.enter(t) {
		return 0, 0, ErrClosed
	}
	defer s.leave(t)
	t.run()
	return t.sent, t.got, nil
}

// Open returns how many tunnels there are.
func (s *Set) Open() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.open)
}

// Close ends all tunnels and waits for them.
func (s *Set) Close() {
	s.mu.Lock()
	s.closed = true
	for t := range s.open {
		t.end()
	}
	s.mu.Unlock()
	s.running.Wait()
}

func (s *Set) enter(t *tunnel) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	if s.open == nil {
		s.open = map[*tunnel]struct{}{}
	}
	s.open[t] = struct{}{}
	s.running.Add(1)
	return true
}

func (s *Set) leave(t *tunnel) {
	s.mu.Lock()
	delete(s.open, t)
	s.mu.Unlock()
	s.running.Done()
}

// tunnel is one pair of connections.
type tunnel struct {
	Ends
	idle      time.Duration
	last      atomic.Int64 // when something was last sent, since start
	start     time.Time
	timer     *time.Timer
	once      sync.Once
	sent, got int64
}

// run copies both ways.
func (t *tunnel) run() {
	if t.idle > 0 {
		// The timer is set before it can fire: look resets it.
		t.timer = time.AfterFunc(time.Hour, t.look)
		t.timer.Reset(t.idle)
		defer t.timer.Stop()
	}
	back := make(chan struct{})
	go func() {
		defer close(back)
		t.got = t.copy(t.Client, t.Server)
	}()
	t.sent = t.copy(t.Server, t.Early)
	<-back
}

// copy copies one direction to its end, which it passes on: the other
// direction goes on.
func (t *tunnel) copy(to io.Writer, from io.Reader) (total int64) {
	bp := buffers.Get().(*[]byte)
	defer buffers.Put(bp)
	for {
		n, err := from.Read(*bp)
		if n > 0 {
			t.last.Store(int64(time.Since(t.start)))
			written, werr := to.Write((*bp)[:n])
			total += int64(written)
			if werr != nil {
				t.end()
				return total
			}
		}
		if err == io.EOF {
			cw, ok := to.(interface{ CloseWrite() error })
			if !ok || cw.CloseWrite() != nil {
				t.end()
			}
			return total
		}
		if err != nil {
			t.end()
			return total
		}
	}
}

// look ends the tunnel if it has been idle for long enough.
func (t *tunnel) look() {
	quiet := time.Since(t.start) - time.Duration(t.last.Load())
	if quiet >= t.idle {
		t.end()
		return
	}
	t.timer.Reset(t.idle - quiet)
}

// end closes both connections, which ends both copies.
func (t *tunnel) end() {
	t.once.Do(func() {
		t.Client.Close()
		t.Server.Close()
	})
}

var buffers = sync.Pool{New: func() any {
	b := make([]byte, 32<<10)
	return &b
}}
