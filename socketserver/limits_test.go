package socketserver_test

import (
	"context"
	"errors"
	"io"
	"log"
	"math"
	"net"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"freshet/socketserver"
)

// A deadline that is as far away as can be does not pass at once.
func TestFarDeadline(t *testing.T) {
	l := listen(t, "127.0.0.1:0")
	overdue := make(chan bool, 1)
	serve(t, &socketserver.Server{SweepEvery: time.Millisecond, Handler: func(c *socketserver.Conn) {
		c.Arm(socketserver.Clock(time.Now()), math.MaxInt64)
		c.Read(make([]byte, 1))
		overdue <- c.Overdue()
	}}, l)
	c := dial(t, l)
	c.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
	c.Read(make([]byte, 1))
	c.Close()
	if <-overdue {
		t.Error("a deadline 292 years away has passed")
	}
}

// A detached connection is not waited for, though its handler goes on.
func TestShutdownDoesNotWaitForDetached(t *testing.T) {
	l := listen(t, "127.0.0.1:0")
	detached, release := make(chan struct{}), make(chan struct{})
	s := &socketserver.Server{Handler: func(c *socketserver.Conn) {
		c.Detach()
		defer c.Close()
		close(detached)
		<-release
	}}
	serve(t, s, l)
	dial(t, l)
	<-detached
	defer close(release)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := s.Shutdown(ctx); err != nil {
		t.Error(err)
	}
}

// A socket whose owner is too busy to accept is in use, not stale.
func TestListenDoesNotReplaceABusySocket(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	l, err := socketserver.Listen("unix:"+path, 1)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for {
		c, err := net.Dial("unix", path)
		if err != nil {
			break // the queue is full
		}
		defer c.Close()
	}
	if l2, err := socketserver.Listen("unix:"+path, 0); !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("took over a socket that is in use: %v", err)
		if err == nil {
			l2.Close()
		}
	}
}

// ends is a listener that ends by an error of its own.
type ends struct {
	net.Listener
	n atomic.Int32
}

func (e *ends) Accept() (net.Conn, error) {
	e.n.Add(1)
	return nil, io.ErrClosedPipe
}

// An error that will not pass ends Serve, as it does that of net/http.
func TestPermanentAcceptErrorEndsServe(t *testing.T) {
	e := &ends{Listener: listen(t, "127.0.0.1:0")}
	s := &socketserver.Server{Handler: echo, ErrorLog: log.New(io.Discard, "", 0)}
	served := make(chan error, 1)
	go func() { served <- s.Serve(e) }()
	select {
	case err := <-served:
		if err != io.ErrClosedPipe {
			t.Error(err)
		}
	case <-time.After(patience):
		t.Errorf("still trying after %d errors", e.n.Load())
		s.Close()
		<-served
	}
}

// With Queue nobody is refused, however many listeners there are.
func TestQueueOfTwoListeners(t *testing.T) {
	a, b := listen(t, "127.0.0.1:0"), listen(t, "127.0.0.1:0")
	refused := make(chan socketserver.Refusal, 10)
	s := &socketserver.Server{Handler: echo, MaxConns: 1, MaxConnsPerClient: -1, Queue: true, Refused: func(_ net.Conn, r socketserver.Refusal) { refused <- r }}
	serve(t, s, a)
	serve(t, s, b)
	ping := func(c net.Conn) error {
		io.WriteString(c, "x")
		_, err := io.ReadFull(c, make([]byte, 1))
		return err
	}
	// One round through each so that both loops wait in Accept.
	for _, l := range []net.Listener{a, b} {
		c := dial(t, l)
		if err := ping(c); err != nil {
			t.Fatal(err)
		}
		c.Close()
		for s.Len() > 0 {
			time.Sleep(time.Millisecond)
		}
	}
	time.Sleep(20 * time.Millisecond)
	first := dial(t, a)
	if err := ping(first); err != nil {
		t.Fatal(err)
	}
	second := dial(t, b)
	io.WriteString(second, "x")
	select {
	case r := <-refused:
		t.Errorf("refused: %v", r)
	case <-time.After(50 * time.Millisecond):
	}
	first.Close()
	if err := ping(second); err != nil {
		t.Errorf("from the queue: %v", err)
	}
}
