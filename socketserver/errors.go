package socketserver

import (
	"errors"
	"fmt"
	"io"
	"net"
	"syscall"
)

// ErrRefused is what HandleRequest returns when the one connection that came
// was refused, by a limit or by Verify.
var ErrRefused = errors.New("socketserver: connection refused")

// ErrTimeout is what a Stream returns when one of its time limits has passed.
// It is a net.Error whose Timeout is true. The stream can still be written to.
var ErrTimeout error = timeoutError{}

type timeoutError struct{}

func (timeoutError) Error() string   { return "socketserver: time limit of the stream has passed" }
func (timeoutError) Timeout() bool   { return true }
func (timeoutError) Temporary() bool { return false }

// ErrLineTooLong is what a Stream returns for a line beyond its MaxLine.
var ErrLineTooLong = errors.New("socketserver: line too long")

// PanicError is what OnError gets when a handler panicked.
type PanicError struct {
	Value any
	Stack []byte // of the goroutine that panicked, at most 64 KiB
}

// Error says what the handler panicked with, without the stack.
func (e *PanicError) Error() string { return fmt.Sprintf("handler panicked: %v", e.Value) }

// Unwrap returns the value, when it is an error.
func (e *PanicError) Unwrap() error {
	err, _ := e.Value.(error)
	return err
}

// Report tells the server of an error with c: OnError gets it, or else ErrorLog
// does. nil is ignored.
func (c *Conn) Report(err error) {
	if err == nil {
		return
	}
	c.srv.countFailure()
	if c.srv.OnError != nil {
		c.srv.OnError(c, err)
		return
	}
	c.srv.logf("serving %v: %v", c.RemoteAddr(), err)
}

func (s *Server) countFailure() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.counts.Failed++
}

// ordinary reports whether err is a way in which connections end, and nobody's
// fault: the client left, or the server drains.
func ordinary(err error) bool {
	return err == nil || err == io.EOF || errors.Is(err, ErrServerClosed) || errors.Is(err, net.ErrClosed) ||
		errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}
