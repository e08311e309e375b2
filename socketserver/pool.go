package socketserver

import "net"

// Inline and Pool: as many goroutines as handlers may run, each of which accepts
// a connection and serves it. While all serve, nobody accepts, and who comes
// waits in the kernel's queue.

// work starts a goroutine that accepts and serves.
func (a *acceptors) work(s *Server) {
	a.all.Go(func() {
		exited := true // a handler that calls runtime.Goexit takes the goroutine with it
		defer func() {
			if exited {
				a.work(s)
			}
		}()
		err := s.serveAll(a)
		exited = false
		select {
		case a.ended <- err:
		default:
		}
	})
}

// serveAll accepts and serves until the listener or the server is closed.
func (s *Server) serveAll(a *acceptors) error {
	p := pauses{l: a.l}
	for {
		s.awaitTurn()
		if s.Queue {
			s.waitForRoom()
		}
		nc, err := a.l.Accept()
		if err != nil {
			if err := p.after(s, err); err != nil {
				return err
			}
			continue
		}
		p.last = 0
		_ = s.serveHere(nc) // a refusal has been counted
	}
}

// serveHere serves nc on this goroutine, when it is its turn.
func (s *Server) serveHere(nc net.Conn) error {
	c := s.take(nc)
	if c == nil {
		return ErrRefused
	}
	s.turns <- struct{}{}
	defer func() { <-s.turns }()
	if s.Early == nil || !c.early() {
		c.serveWhole()
	}
	return nil
}

// serveWhole calls the handler on this goroutine until the connection is over.
func (c *Conn) serveWhole() {
	c.here = true
	c.serve()
	for c.again {
		c.again = false
		c.serve()
	}
}

// awaitTurn waits until a handler may run. With several listeners it may still
// be another one's by the time that a connection comes: that one waits for its
// turn in serveHere.
func (s *Server) awaitTurn() {
	select {
	case s.turns <- struct{}{}:
		<-s.turns
	case <-s.done:
	}
}
