package socketserver

import (
	"context"
	"time"
)

// Draining reports whether Shutdown or Close was called: handlers should end
// their connections after what they are doing.
func (s *Server) Draining() bool { return s.draining.Load() }

// Shutdown stops accepting, wakes connections that are waiting so that they
// end, and waits until all have ended or ctx is done; then the rest is
// closed and ctx's error returned. Children of the model Process drain in the
// same way; when ctx is done they get SIGTERM, and SIGKILL after
// ProcessOptions.KillAfter, and Shutdown returns when they have ended.
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
		if s.Model.kind == process {
			s.killChildren(ended)
		}
		return ctx.Err()
	}
}

// Close stops accepting and closes every connection at once. Handlers see
// errors from their reads and writes; Close does not wait for them. Children of
// the model Process are killed.
func (s *Server) Close() error {
	s.stopAccepting()
	s.closeConns()
	s.stopSweeping()
	if s.Model.kind == process {
		s.signalChildren((*child).kill)
	}
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
	for _, c := range s.conns {
		if c.child != nil {
			c.child.drain()
		}
	}
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
	s.cutting = true
	for _, c := range s.conns {
		c.cut()
	}
}

// sweep wakes connections whose deadline has passed, until the server stops or has
// none: an idle process is not woken ten times a second for nothing.
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
			if !s.wakeOverdue(Clock(t)) {
				return
			}
		}
	}
}

// wakeOverdue reports whether to go on; if not, the next connection has sweep begin.
func (s *Server) wakeOverdue(now int64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.conns) == 0 {
		s.sweeping = false
		return false
	}
	for _, c := range s.conns {
		if d := c.deadline.Load(); d != 0 && now >= d && c.deadline.CompareAndSwap(d, 0) {
			c.overdue.Store(true)
			c.wake()
		}
	}
	return true
}
