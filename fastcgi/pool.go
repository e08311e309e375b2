package fastcgi

import (
	"context"
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"freshet/internal/gateway"
	"freshet/internal/rule"
)

// source gives out connections; [pool] those to an address, [supervisor] those
// to workers.
type source interface {
	// take returns a connection for one exchange; with fresh a new one.
	take(ctx context.Context, fresh bool) (*conn, *gateway.Fault)
	// give takes it back; with keep it may carry another request.
	give(c *conn, keep bool)
	// stalled says that an exchange waits over a connection which never
	// yielded anything, or that it does not any more.
	stalled(is bool)
	state(*PoolState)
	close() error
}

// tally is what is counted of connections.
type tally struct {
	dials, reused, stale, retried atomic.Int64

	mu       sync.Mutex // guards what follows
	last     string
	lastTime time.Time
}

// failed notes what failed last.
func (t *tally) failed(err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.last, t.lastTime = err.Error(), time.Now()
}

func (t *tally) fill(s *PoolState) {
	s.Dials, s.Reused, s.Stale, s.Retried = t.dials.Load(), t.reused.Load(), t.stale.Load(), t.retried.Load()
	t.mu.Lock()
	defer t.mu.Unlock()
	s.LastError, s.LastTime = t.last, t.lastTime
}

// pool is a source of connections to one address. How many there are at most is
// its callers' affair (gateway.Turns).
type pool struct {
	network, address string
	connect, keep    time.Duration // keep 0: connections are not kept
	tally            *tally

	waiting atomic.Int64 // exchanges that stalled; see stalled

	mu     sync.Mutex // guards what follows; a leaf
	idle   []*conn    // the one that was used last is the last
	open   int
	closed bool
	reaper *time.Timer // runs while a connection is idle
	reaps  bool
}

// errClosed is why a handler that was closed asks nobody.
var errClosed = errors.New("the handler is closed")

func (p *pool) take(ctx context.Context, fresh bool) (*conn, *gateway.Fault) {
	if !fresh {
		if c := p.kept(); c != nil {
			return c, nil
		}
	}
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		return nil, &gateway.Fault{Rule: rule.ScriptStopped, Err: errClosed}
	}
	p.open++
	p.mu.Unlock()
	p.tally.dials.Add(1)
	nc, err := dial(ctx, p.network, p.address, p.connect)
	if err != nil {
		p.mu.Lock()
		p.open--
		p.mu.Unlock()
		p.tally.failed(err)
		return nil, &gateway.Fault{Rule: dialRule(err), Err: err}
	}
	return newConn(nc), nil
}

// kept returns a connection that was kept; nil when there is none.
func (p *pool) kept() *conn {
	for {
		c := p.pop()
		if c == nil {
			return nil
		}
		if c.alive() {
			p.tally.reused.Add(1)
			return c
		}
		p.tally.stale.Add(1)
		p.give(c, false)
	}
}

// dialRule tells a backend whose queue is full, or that is slow to accept, from
// one that is not there.
func dialRule(err error) rule.ID {
	var timeout net.Error
	switch {
	case errors.Is(err, syscall.EAGAIN):
		return rule.FastcgiOverloaded
	case errors.As(err, &timeout) && timeout.Timeout():
		return rule.FastcgiConnectTimeout
	}
	return rule.FastcgiUnreachable
}

// dial connects. A Unix socket whose queue is full says so at once (EAGAIN),
// and has no way to wait for it.
func dial(ctx context.Context, network, address string, within time.Duration) (net.Conn, error) {
	d := net.Dialer{Timeout: within}
	until := time.Now().Add(within)
	for pause := 2 * time.Millisecond; ; pause = min(2*pause, 100*time.Millisecond) {
		nc, err := d.DialContext(ctx, network, address)
		if err == nil || !errors.Is(err, syscall.EAGAIN) || time.Now().Add(pause).After(until) {
			return nc, err
		}
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return nil, err
		}
	}
}

// pop takes the connection that was used last: the others get old, and are
// closed when fewer are needed.
func (p *pool) pop() *conn {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := len(p.idle) - 1
	if n < 0 {
		return nil
	}
	c := p.idle[n]
	p.idle[n] = nil
	p.idle = p.idle[:n]
	return c
}

func (p *pool) give(c *conn, keep bool) {
	p.mu.Lock()
	// A worker of the backend that has this connection serves no other: when
	// one waits for a worker, this one is let go.
	if keep && p.keep > 0 && !p.closed && p.waiting.Load() == 0 {
		c.since = time.Now()
		p.idle = append(p.idle, c)
		if !p.reaps {
			p.reapIn(p.keep)
		}
		p.mu.Unlock()
		return
	}
	p.open--
	p.mu.Unlock()
	c.nc.Close()
}

// reapIn has reap called; p.mu is held.
func (p *pool) reapIn(d time.Duration) {
	p.reaps = true
	if p.reaper == nil {
		p.reaper = time.AfterFunc(d, p.reap)
		return
	}
	p.reaper.Reset(d)
}

// reap closes what has been idle for too long.
func (p *pool) reap() {
	p.mu.Lock()
	now := time.Now()
	n := 0
	for n < len(p.idle) && now.Sub(p.idle[n].since) >= p.keep {
		n++
	}
	old := p.drop(n)
	if p.reaps = len(p.idle) > 0; p.reaps {
		p.reapIn(p.keep - now.Sub(p.idle[0].since))
	}
	p.mu.Unlock()
	closeAll(old)
}

// drop takes the n connections that were idle for longest; p.mu is held.
func (p *pool) drop(n int) []*conn {
	old := append([]*conn(nil), p.idle[:n]...)
	kept := copy(p.idle, p.idle[n:])
	clear(p.idle[kept:])
	p.idle = p.idle[:kept]
	p.open -= n
	return old
}

func closeAll(conns []*conn) {
	for _, c := range conns {
		c.nc.Close()
	}
}

func (p *pool) stalled(is bool) {
	if !is {
		p.waiting.Add(-1)
		return
	}
	p.waiting.Add(1)
	p.mu.Lock()
	old := p.drop(min(1, len(p.idle)))
	p.mu.Unlock()
	closeAll(old)
}

func (p *pool) state(s *PoolState) {
	p.mu.Lock()
	defer p.mu.Unlock()
	s.Open, s.Idle = p.open, len(p.idle)
}

func (p *pool) close() error {
	p.mu.Lock()
	p.closed = true
	old := p.drop(len(p.idle))
	if p.reaper != nil {
		p.reaper.Stop()
	}
	p.mu.Unlock()
	closeAll(old)
	return nil
}
