package socketserver

import (
	"net"
	"net/netip"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

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

// acceptors are the goroutines that accept from one listener: one more than
// there are processors, for what Early does is done by them, and more when that
// many are busy. With Queue there is one, or MaxConns would be passed.
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
			if a.idle.Add(1) > int32(runtime.GOMAXPROCS(0))+1 {
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
