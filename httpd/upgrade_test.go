package httpd_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"freshet/httpd"
)

func hijack(w http.ResponseWriter) net.Conn {
	c, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(err)
	}
	return c
}

// Nobody reads from a connection that was hijacked but its new owner, even
// when somebody asks for the request's context afterwards.
func TestHijackedConnectionIsNotWatched(t *testing.T) {
	hijacked, got := make(chan struct{}), make(chan string)
	addr := start(t, &httpd.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c := hijack(w)
		defer c.Close()
		r.Context().Done()
		close(hijacked)
		select {
		case <-r.Context().Done(): // a watcher that took a byte does not end it: give it the time to take one
		case <-time.After(2 * soon):
		}
		b, _ := io.ReadAll(c)
		got <- string(b)
	})})
	c := dial(t, addr)
	io.WriteString(c, get)
	<-hijacked
	io.WriteString(c, "precious")
	c.Conn.(*net.TCPConn).CloseWrite()
	if s := <-got; s != "precious" {
		t.Errorf("the new owner read %q", s)
	}
}

// The request's context ends when the handler that hijacked returns.
func TestContextEndsAfterHijack(t *testing.T) {
	ended := make(chan error, 1)
	addr := start(t, &httpd.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		done := r.Context().Done()
		c := hijack(w)
		go func() {
			defer c.Close()
			select {
			case <-done:
				ended <- r.Context().Err()
			case <-time.After(patience):
				ended <- nil
			}
		}()
	})})
	c := dial(t, addr)
	io.WriteString(c, get)
	if err := <-ended; err != context.Canceled {
		t.Errorf("context error %v", err)
	}
}

// Shutdown does not wait for a handler that hijacked and goes on.
func TestShutdownDoesNotWaitForHijacked(t *testing.T) {
	began, release := make(chan struct{}), make(chan struct{})
	srv := &httpd.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c := hijack(w)
		defer c.Close()
		close(began)
		<-release
	})}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go srv.Serve(l)
	c := dial(t, l.Addr().String())
	io.WriteString(c, get)
	<-began
	defer close(release)
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := srv.Shutdown(ctx); err != nil {
		t.Errorf("Shutdown: %v", err)
	}
}

// A head that was written before Hijack has been sent.
func TestHijackAfterWriteHeader(t *testing.T) {
	std, ours := bothServers(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Connection", "upgrade")
		w.Header().Set("Upgrade", "x")
		w.WriteHeader(101)
		c := hijack(w)
		io.WriteString(c, "raw")
		c.Close()
	}))
	raw := "GET / HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n"
	for name, addr := range map[string]string{"net/http": std, "ours": ours} {
		if got := tryTalk(addr, raw); !strings.HasPrefix(got, "HTTP/1.1 101 ") || !strings.HasSuffix(got, "raw") {
			t.Errorf("%s: %q", name, got)
		}
	}
}
