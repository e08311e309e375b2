package socketserver_test

import (
	"context"
	"errors"
	"io"
	"log"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"freshet/socketserver"
)

// patience is for what only a failure waits for.
const patience = time.Minute

func serve(t *testing.T, s *socketserver.Server, l net.Listener) {
	t.Helper()
	served := make(chan error, 1)
	go func() { served <- s.Serve(l) }()
	t.Cleanup(func() {
		s.Close()
		if err := <-served; err != socketserver.ErrServerClosed {
			t.Errorf("Serve: %v", err)
		}
	})
}

func listen(t *testing.T, addr string) net.Listener {
	t.Helper()
	l, err := socketserver.Listen(addr, 0)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func dial(t *testing.T, l net.Listener) net.Conn {
	t.Helper()
	c, err := net.Dial(l.Addr().Network(), l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	c.SetDeadline(time.Now().Add(patience))
	t.Cleanup(func() { c.Close() })
	return c
}

func echo(c *socketserver.Conn) { io.Copy(c, c) }

func TestEcho(t *testing.T) {
	addrs := map[string]string{"tcp": "127.0.0.1:0", "unix": "unix:" + filepath.Join(t.TempDir(), "s")}
	if runtime.GOOS == "linux" {
		addrs["abstract"] = "unix:@freshet-test-" + filepath.Base(t.TempDir())
	}
	for name, addr := range addrs {
		t.Run(name, func(t *testing.T) {
			l, err := socketserver.Listen(addr, 16)
			if err != nil {
				t.Fatal(err)
			}
			serve(t, &socketserver.Server{Handler: echo}, l)
			c := dial(t, l)
			io.WriteString(c, "ping")
			b := make([]byte, 4)
			if _, err := io.ReadFull(c, b); err != nil || string(b) != "ping" {
				t.Errorf("%q, %v", b, err)
			}
		})
	}
}

func TestListenReplacesOnlyStaleSockets(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	l := listen(t, "unix:"+path)
	if _, err := socketserver.Listen("unix:"+path, 0); !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("a socket in use: %v", err)
	}
	l.(*net.UnixListener).SetUnlinkOnClose(false)
	l.Close()
	listen(t, "unix:"+path).Close()
	if err := os.WriteFile(path, []byte("data"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := socketserver.Listen("unix:"+path, 0); err == nil || !strings.Contains(err.Error(), "not a socket") {
		t.Errorf("a plain file: %v", err)
	}
	if b, _ := os.ReadFile(path); string(b) != "data" {
		t.Error("the plain file is gone")
	}
}

func TestDeadline(t *testing.T) {
	result := make(chan error, 1)
	l := listen(t, "127.0.0.1:0")
	serve(t, &socketserver.Server{SweepEvery: time.Millisecond, Handler: func(c *socketserver.Conn) {
		c.Arm(socketserver.Clock(time.Now()), 5*time.Millisecond)
		_, err := c.Read(make([]byte, 1))
		if !c.Overdue() {
			err = errors.New("not overdue")
		}
		c.Forgive()
		io.WriteString(c, "late")
		result <- err
	}}, l)
	c := dial(t, l)
	if b, err := io.ReadAll(c); err != nil || string(b) != "late" {
		t.Errorf("%q, %v", b, err)
	}
	if err := <-result; !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("read: %v", err)
	}
}

func TestDisarmedDeadlineDoesNothing(t *testing.T) {
	l := listen(t, "127.0.0.1:0")
	armed := make(chan struct{})
	serve(t, &socketserver.Server{SweepEvery: time.Millisecond, Handler: func(c *socketserver.Conn) {
		c.Arm(socketserver.Clock(time.Now()), time.Hour)
		c.Disarm()
		close(armed)
		echo(c)
	}}, l)
	c := dial(t, l)
	<-armed
	io.WriteString(c, "x")
	if _, err := io.ReadFull(c, make([]byte, 1)); err != nil {
		t.Error(err)
	}
}

func TestAgainRunsOnANewGoroutine(t *testing.T) {
	l := listen(t, "127.0.0.1:0")
	s := &socketserver.Server{Handler: func(c *socketserver.Conn) {
		n, _ := c.State.(int)
		io.WriteString(c, string(rune('a'+n)))
		if n < 3 {
			c.State = n + 1
			c.Again()
		}
	}}
	serve(t, s, l)
	if b, err := io.ReadAll(dial(t, l)); err != nil || string(b) != "abcd" {
		t.Errorf("%q, %v", b, err)
	}
}

func TestDetachedConnectionIsNotTheServers(t *testing.T) {
	l := listen(t, "127.0.0.1:0")
	conns := make(chan *socketserver.Conn, 1)
	s := &socketserver.Server{Handler: func(c *socketserver.Conn) {
		c.Detach()
		conns <- c
	}}
	serve(t, s, l)
	c := dial(t, l)
	sc := <-conns
	if n := s.Len(); n != 0 {
		t.Errorf("%d connections counted", n)
	}
	if err := s.Shutdown(context.Background()); err != nil {
		t.Errorf("Shutdown: %v", err)
	}
	io.WriteString(sc.Conn, "still here")
	sc.Conn.Close()
	if b, err := io.ReadAll(c); err != nil || string(b) != "still here" {
		t.Errorf("%q, %v", b, err)
	}
}

// flaky is a listener whose first accepts fail.
type flaky struct {
	net.Listener
	mu    sync.Mutex
	fails int
}

func (f *flaky) Accept() (net.Conn, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.fails > 0 {
		f.fails--
		return nil, &net.OpError{Op: "accept", Err: syscall.EMFILE}
	}
	return f.Listener.Accept()
}

func TestAcceptErrorsAreWaitedOut(t *testing.T) {
	var logged strings.Builder
	l := listen(t, "127.0.0.1:0")
	serve(t, &socketserver.Server{Handler: echo, ErrorLog: log.New(&logged, "", 0)}, &flaky{Listener: l, fails: 2})
	c := dial(t, l)
	io.WriteString(c, "x")
	if _, err := io.ReadFull(c, make([]byte, 1)); err != nil {
		t.Error(err)
	}
	if n := strings.Count(logged.String(), "too many open files"); n != 2 {
		t.Errorf("logged %q", logged.String())
	}
}

func TestRefusal(t *testing.T) {
	l := listen(t, "127.0.0.1:0")
	serve(t, &socketserver.Server{Handler: echo, MaxConns: 1, MaxConnsPerClient: -1,
		Refused: func(c net.Conn, why socketserver.Refusal) {
			if why == socketserver.TooMany {
				io.WriteString(c, "full")
			}
		}}, l)
	first := dial(t, l)
	io.WriteString(first, "x")
	io.ReadFull(first, make([]byte, 1))
	if b, err := io.ReadAll(dial(t, l)); err != nil || string(b) != "full" {
		t.Errorf("%q, %v", b, err)
	}
}

func TestCloseCutsConnections(t *testing.T) {
	l := listen(t, "127.0.0.1:0")
	s := &socketserver.Server{Handler: echo}
	served := make(chan error, 1)
	go func() { served <- s.Serve(l) }()
	c := dial(t, l)
	io.WriteString(c, "x")
	io.ReadFull(c, make([]byte, 1))
	s.Close()
	if _, err := c.Read(make([]byte, 1)); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("read after Close: %v", err)
	}
	if err := <-served; err != socketserver.ErrServerClosed {
		t.Errorf("Serve: %v", err)
	}
	if err := s.Serve(listen(t, "127.0.0.1:0")); err != socketserver.ErrServerClosed {
		t.Errorf("Serve after Close: %v", err)
	}
}
