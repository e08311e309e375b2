package socketserver_test

import (
	"context"
	"errors"
	"io"
	"log"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"freshet/socketserver"
)

func hello(c *socketserver.Conn) { io.WriteString(c, "hello") }

func TestHandleRequest(t *testing.T) {
	for _, addr := range []string{"127.0.0.1:0", "unix:" + filepath.Join(t.TempDir(), "s")} {
		for _, m := range []socketserver.Model{socketserver.PerConnection, socketserver.Inline, socketserver.Pool(2)} {
			t.Run(m.String(), func(t *testing.T) {
				l := listen(t, addr)
				defer l.Close()
				handled := 0
				s := &socketserver.Server{Model: m, Timeout: time.Minute, Handler: func(c *socketserver.Conn) {
					if handled++; handled < 3 {
						c.Again()
						return
					}
					handled = 0
					hello(c)
				}}
				defer s.Close()
				for range 2 {
					c := dial(t, l)
					if err := s.HandleRequest(l); err != nil {
						t.Error(err)
					}
					if s.Len() != 0 {
						t.Error("it returned before the handler did")
					}
					if b, err := io.ReadAll(c); err != nil || string(b) != "hello" {
						t.Errorf("%q, %v", b, err)
					}
				}
				if n := s.Counts().Accepted; n != 2 {
					t.Errorf("%d connections", n)
				}
			})
		}
	}
}

func TestHandleRequestTimeout(t *testing.T) {
	for _, addr := range []string{"127.0.0.1:0", "unix:" + filepath.Join(t.TempDir(), "s")} {
		l := listen(t, addr)
		defer l.Close()
		timeouts := 0
		s := &socketserver.Server{Handler: hello, Timeout: time.Millisecond, OnTimeout: func() { timeouts++ }}
		defer s.Close()
		if err := s.HandleRequest(l); !errors.Is(err, os.ErrDeadlineExceeded) || timeouts != 1 {
			t.Errorf("%v, %d calls of OnTimeout", err, timeouts)
		}
		dial(t, l) // the listener still works, and its deadline is gone
		s.Timeout = time.Minute
		if err := s.HandleRequest(l); err != nil {
			t.Error(err)
		}
	}
	s := &socketserver.Server{Handler: hello, Timeout: time.Millisecond}
	l := listen(t, "127.0.0.1:0")
	defer l.Close()
	if err := s.HandleRequest(struct{ net.Listener }{l}); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("a listener without deadlines: %v", err)
	}
}

func TestHandleRequestRefusesAndCloses(t *testing.T) {
	l := listen(t, "127.0.0.1:0")
	defer l.Close()
	s := &socketserver.Server{Handler: hello, Verify: func(net.Conn) bool { return false }}
	dial(t, l)
	if err := s.HandleRequest(l); err != socketserver.ErrRefused {
		t.Error(err)
	}
	waits := make(chan error)
	go func() { waits <- s.HandleRequest(l) }()
	s.Close()
	if err := <-waits; err != socketserver.ErrServerClosed {
		t.Error(err)
	}
	if err := s.HandleRequest(l); err != socketserver.ErrServerClosed {
		t.Error(err)
	}
}

// ServeContext drains when its context is done; what does not end in its grace
// is cut.
func TestServeContext(t *testing.T) {
	for _, c := range []struct {
		grace time.Duration
		want  error
	}{{time.Minute, nil}, {-1, context.DeadlineExceeded}, {time.Millisecond, context.DeadlineExceeded}} {
		l := listen(t, "127.0.0.1:0")
		began, end := make(chan struct{}), make(chan struct{})
		s := &socketserver.Server{Grace: c.grace, Handler: func(conn *socketserver.Conn) {
			close(began)
			if c.want == nil {
				<-end
				hello(conn)
				return
			}
			conn.Read(make([]byte, 1))
		}}
		ctx, cancel := context.WithCancel(t.Context())
		served := make(chan error, 1)
		go func() { served <- s.ServeContext(ctx, l) }()
		client := dial(t, l)
		<-began
		cancel()
		for !s.Draining() {
			time.Sleep(time.Millisecond)
		}
		close(end)
		if b, _ := io.ReadAll(client); c.want == nil && string(b) != "hello" {
			t.Errorf("during the grace: %q", b)
		}
		if err := <-served; err != c.want {
			t.Errorf("grace %v: %v, want %v", c.grace, err, c.want)
		}
	}
	s := &socketserver.Server{Handler: hello}
	l := listen(t, "127.0.0.1:0")
	served := make(chan error, 1)
	go func() { served <- s.ServeContext(t.Context(), l) }()
	io.ReadAll(dial(t, l))
	s.Close()
	if err := <-served; err != socketserver.ErrServerClosed {
		t.Errorf("closed by other means: %v", err)
	}
}

// Who is not verified is closed without a handler, and counted; a Verify that
// panics says no.
func TestVerify(t *testing.T) {
	for _, m := range []socketserver.Model{socketserver.PerConnection, socketserver.Inline, socketserver.Pool(2)} {
		l := listen(t, "127.0.0.1:0")
		var asked atomic.Int32
		var logged strings.Builder
		s := &socketserver.Server{Model: m, Handler: hello, ErrorLog: log.New(&logged, "", 0), Verify: func(nc net.Conn) bool {
			if nc.RemoteAddr().(*net.TCPAddr).Port == 0 {
				t.Error("no address")
			}
			n := asked.Add(1)
			if n == 2 {
				panic("no idea")
			}
			return n > 2
		}}
		served := make(chan error, 1)
		go func() { served <- s.Serve(l) }()
		for _, want := range []string{"", "", "hello"} {
			if b, _ := io.ReadAll(dial(t, l)); string(b) != want {
				t.Errorf("%v: %q, want %q", m, b, want)
			}
		}
		if n := s.Counts(); n.Accepted != 1 || n.Rejected != 2 {
			t.Errorf("%v: counted %+v", m, n)
		}
		s.Close()
		<-served
		if !strings.Contains(logged.String(), "no idea") {
			t.Errorf("%v: logged %q", m, logged.String())
		}
	}
}

// Without OnError what goes wrong is logged.
func TestErrorsAreLogged(t *testing.T) {
	var logged strings.Builder
	l := listen(t, "127.0.0.1:0")
	s := &socketserver.Server{ErrorLog: log.New(&logged, "", 0), Handler: func(c *socketserver.Conn) {
		c.Report(nil)
		c.Report(errors.New("bad luck"))
		panic("worse luck")
	}}
	served := make(chan error, 1)
	go func() { served <- s.Serve(l) }()
	io.ReadAll(dial(t, l))
	s.Close()
	<-served
	for s.Len() > 0 {
		time.Sleep(time.Millisecond)
	}
	for _, want := range []string{"serving 127.0.0.1:", "bad luck", "panic serving 127.0.0.1:", "worse luck", "handlerequest_test.go"} {
		if !strings.Contains(logged.String(), want) {
			t.Errorf("%q is not in %q", want, logged.String())
		}
	}
	if n := s.Counts().Failed; n != 2 {
		t.Errorf("%d failures", n)
	}
}
