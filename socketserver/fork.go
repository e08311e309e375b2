package socketserver

import (
	"context"
	"errors"
	"net"
	"os"
	"time"
)

// fork has a child serve c, waits for its end and reports how that was. It runs
// on a goroutine of its own, which costs no thread while the child lives.
func (s *Server) fork(c *Conn) {
	defer s.handlers.Done()
	defer s.remove(c)
	defer c.Conn.Close()
	s.forks.hold()
	defer s.forks.release()
	ch, err := s.startChild(c)
	if err != nil {
		c.Report(&ChildError{Name: s.Name, Err: err})
		return
	}
	c.Conn.Close() // the child has it
	s.adopt(c, ch)
	state, err := ch.wait()
	s.mu.Lock()
	c.child = nil
	cutting := s.cutting
	s.mu.Unlock()
	if (err != nil || !state.Success()) && !cutting {
		c.Report(&ChildError{Name: s.Name, PID: ch.process.Pid, State: state, Err: err})
	}
}

func (s *Server) startChild(c *Conn) (*child, error) {
	fc, ok := c.Conn.(interface{ File() (*os.File, error) })
	if !ok {
		return nil, errors.New("connections of this listener have no descriptor that could be handed over")
	}
	file, err := fc.File()
	if err != nil {
		return nil, err
	}
	defer file.Close()
	kind, name := s.forkName()
	return s.forks.start(&s.Fork, kind, name, file)
}

// adopt makes ch known to who drains or closes the server, and makes up for
// what they have said before.
func (s *Server) adopt(c *Conn, ch *child) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c.child = ch
	switch {
	case s.cutting:
		ch.kill()
	case s.closed:
		ch.drain()
	}
}

// mayFork says why this process cannot start children.
func (s *Server) mayFork() error {
	if !canFork {
		return ErrNoProcesses
	}
	if _, ok := os.LookupEnv(childEnv); ok {
		return ErrNoInChild
	}
	return nil
}

// signalChildren calls signal for each child.
func (s *Server) signalChildren(signal func(*child)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.conns {
		if c.child != nil {
			signal(c.child)
		}
	}
}

// killChildren kills those that do not obey the signal they were sent, and
// waits until all have ended.
func (s *Server) killChildren(ended <-chan struct{}) {
	select {
	case <-ended:
		return
	case <-time.After(s.Fork.killAfter()):
	}
	s.signalChildren((*child).kill)
	<-ended
}

func (s *Server) forkName() (kind, name string) { return "stream", s.Name }

// serveChild runs the handler in a child, on the goroutine that called InChild.
// It does not recover: a panic is to end the process with its stack.
func (s *Server) serveChild(files []*os.File) error {
	nc, err := net.FileConn(files[0])
	files[0].Close() // nc is a copy
	if err != nil {
		return err
	}
	if s.Proxy != nil {
		nc = s.Proxy.Conn(nc)
	}
	s.init()
	c := &Conn{Conn: nc, srv: s}
	s.mu.Lock()
	s.enlist(c) // also when the parent drains already: it has accepted it
	s.mu.Unlock()
	for again := true; again; again = c.again {
		c.again = false
		s.Handler(c)
	}
	if c.detached.Load() {
		return nil
	}
	s.remove(c)
	err = c.Conn.Close()
	s.handlers.Done()
	if errors.Is(err, net.ErrClosed) { // by the handler
		err = nil
	}
	return err
}

// drainChild is what Shutdown does, in a child.
func (s *Server) drainChild() { s.stopAccepting() }

// graceful shuts the server down within its grace.
func (s *Server) graceful() error {
	grace := s.Grace
	if grace == 0 {
		grace = DefaultGrace
	}
	ctx, cancel := context.WithTimeout(context.Background(), max(grace, 0))
	defer cancel()
	return s.Shutdown(ctx)
}
