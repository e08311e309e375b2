package socketserver

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"time"
)

// HandleRequest accepts one connection from l, serves it and returns when its
// handler, or its child, has ended; with the other models the handler runs on
// the calling goroutine. l stays open. When no connection comes within Timeout
// it calls OnTimeout and returns an error that is os.ErrDeadlineExceeded. The
// error is ErrRefused when the connection was refused, ErrServerClosed after
// Shutdown or Close. What goes wrong while the connection is served goes to
// OnError.
func (s *Server) HandleRequest(l net.Listener) error {
	s.init()
	if s.Model.kind == process {
		if err := s.mayFork(); err != nil {
			return err
		}
	}
	if !s.addListener(l) {
		return ErrServerClosed
	}
	nc, err := s.acceptWithin(l)
	s.mu.Lock()
	delete(s.listeners, l)
	s.mu.Unlock()
	if err != nil {
		if s.isClosed() {
			return ErrServerClosed
		}
		if errors.Is(err, os.ErrDeadlineExceeded) && s.OnTimeout != nil {
			s.OnTimeout()
		}
		return err
	}
	if s.turns != nil {
		return s.serveHere(nc)
	}
	c := s.take(nc)
	switch {
	case c == nil:
		return ErrRefused
	case s.Model.kind == process:
		s.fork(c)
	case s.Early == nil || !c.early():
		c.serveWhole()
	}
	return nil
}

// acceptWithin accepts a connection within Timeout.
func (s *Server) acceptWithin(l net.Listener) (net.Conn, error) {
	if s.Timeout <= 0 {
		return l.Accept()
	}
	dl, ok := l.(interface{ SetDeadline(time.Time) error })
	if !ok {
		return nil, fmt.Errorf("accept on %s within %v: its listener has no deadlines: %w", l.Addr(), s.Timeout, errors.ErrUnsupported)
	}
	if err := dl.SetDeadline(time.Now().Add(s.Timeout)); err != nil {
		return nil, err
	}
	defer dl.SetDeadline(time.Time{})
	return l.Accept()
}

// ServeContext is Serve until ctx is done. Then it shuts the server down: it
// returns nil when all connections ended within Grace, and
// context.DeadlineExceeded when some had to be cut.
func (s *Server) ServeContext(ctx context.Context, l net.Listener) error {
	drained := make(chan error, 1)
	stop := context.AfterFunc(ctx, func() { drained <- s.graceful() })
	err := s.Serve(l)
	if stop() { // ctx had no part in it
		return err
	}
	return <-drained
}
