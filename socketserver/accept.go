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
// waited out, from 5 ms up to 1 s. With the models Inline and Pool it returns
// no earlier than the handlers that it runs. It may be called for several
// listeners, which share all limits.
func (s *Server) Serve(l net.Listener) error {
	s.init()
	if !s.addListener(l) {
		l.Close()
		return ErrServerClosed
	}
	defer s.dropListener(l)
	if s.Model.kind == process {
		if err := s.mayFork(); err != nil {
			return err
		}
		s.forks.hold()
		defer s.forks.release()
	}
	a := &acceptors{l: l, ended: make(chan error, 1)}
	if n := s.Model.running(); n > 0 {
		for range n {
			a.work(s)
		}
	} else {
		a.start(s)
	}
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
	p := pauses{l: a.l}
	for {
		if s.Queue {
			s.waitForRoom()
		}
		nc, err := a.l.Accept()
		if err == nil {
			p.last = 0
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
		if err := p.after(s, err); err != nil {
			return err
		}
	}
}

// pauses waits out errors of a listener.
type pauses struct {
	l    net.Listener
	last time.Duration
}

// after returns nil after a pause when an accept may succeed after err, else
// what ends Serve.
func (p *pauses) after(s *Server, err error) error {
	if s.isClosed() {
		return ErrServerClosed
	}
	if ne, ok := err.(interface{ Temporary() bool }); !ok || !ne.Temporary() {
		return err
	}
	p.last = min(max(2*p.last, 5*time.Millisecond), time.Second)
	s.logf("accept on %s: %v; trying again in %v", p.l.Addr(), err, p.last)
	select {
	case <-time.After(p.last):
	case <-s.done:
	}
	return nil
}

// admit starts the handler for nc, or refuses it.
func (s *Server) admit(nc net.Conn) {
	c := s.take(nc)
	switch {
	case c == nil:
	case s.Model.kind == process:
		go s.fork(c)
	case s.Early == nil || !c.early():
		go c.serve()
	}
}

// take registers nc. It returns nil when nc is refused, which it has seen to.
func (s *Server) take(nc net.Conn) *Conn {
	if s.Verify != nil && !s.verified(nc) {
		nc.Close()
		return nil
	}
	if s.Proxy != nil && s.Model.kind != process { // there it is the child that reads
		nc = s.Proxy.Conn(nc)
	}
	c := &Conn{Conn: nc, srv: s}
	refusal, ok := s.add(c)
	for refusal == TooMany && s.Queue { // another listener took the room
		s.waitForRoom()
		refusal, ok = s.add(c)
	}
	if !ok {
		nc.Close()
		return nil
	}
	if refusal != 0 {
		s.refuse(nc, refusal)
		return nil
	}
	return c
}

// verified asks Verify.
func (s *Server) verified(nc net.Conn) (ok bool) {
	defer func() {
		if p := recover(); p != nil {
			s.logf("panic verifying %v: %v", nc.RemoteAddr(), p)
		}
		if !ok {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.counts.Rejected++
		}
	}()
	return s.Verify(nc)
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
		if !s.Queue {
			s.counts.Refused++
		}
		return TooMany, true
	}
	if c.client, ok = s.perClient.enter(client, s.maxPerClient()); !ok {
		s.counts.Refused++
		return TooManyPerClient, true
	}
	s.enlist(c)
	return 0, true
}

// enlist puts c into the set; s.mu is held.
func (s *Server) enlist(c *Conn) {
	s.counts.Accepted++
	c.index = int32(len(s.conns))
	s.conns = append(s.conns, c)
	s.handlers.Add(1)
	if !s.sweeping {
		s.sweeping = true
		go s.sweep()
	}
}

// remove takes c out of the set; its handler has returned, or it was detached.
func (s *Server) remove(c *Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c.index < 0 {
		return
	}
	last := int32(len(s.conns) - 1)
	s.conns[c.index] = s.conns[last]
	s.conns[c.index].index = c.index
	s.conns[last] = nil
	s.conns = s.conns[:last]
	c.index = -1
	s.perClient.leave(c.client)
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

// clients counts connections per client. A connection remembers its slot, for
// the address it has may change (see ProxyProtocol) and is not looked up twice.
type clients struct {
	slots  map[netip.Addr]int32
	counts []clientCount // by slot, from 1 on: those without an address have slot 0
	free   []int32       // slots that nobody has
}

type clientCount struct {
	client netip.Addr
	n      int
}

// enter counts one more connection of a client, unless it has limit already; a
// limit of 0 or less is none.
func (p *clients) enter(client netip.Addr, limit int) (slot int32, ok bool) {
	if !client.IsValid() {
		return 0, true
	}
	if slot, ok = p.slots[client]; ok {
		if count := &p.counts[slot-1]; limit <= 0 || count.n < limit {
			count.n++
			return slot, true
		}
		return 0, false
	}
	if last := len(p.free) - 1; last >= 0 {
		slot, p.free = p.free[last], p.free[:last]
	} else {
		p.counts = append(p.counts, clientCount{})
		slot = int32(len(p.counts))
	}
	p.counts[slot-1] = clientCount{client, 1}
	p.slots[client] = slot
	return slot, true
}

// leave counts one connection less.
func (p *clients) leave(slot int32) {
	if slot == 0 {
		return
	}
	count := &p.counts[slot-1]
	if count.n--; count.n == 0 {
		delete(p.slots, count.client)
		p.free = append(p.free, slot)
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
