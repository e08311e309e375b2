package httpd_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"freshet/httpd"
	"freshet/internal/rule"
	"freshet/internal/wiretest"
)

// A limit on heads holds for every version of HTTP.
func TestHeadLimitsInEveryVersion(t *testing.T) {
	certFile, keyFile := wiretest.WriteKeyPair(t, t.TempDir(), "a")
	many := func(n int) http.Header {
		h := make(http.Header)
		for i := range n {
			h["X-"+strings.Repeat("a", i%50)+string(rune('a'+i/50))] = []string{"1"}
		}
		return h
	}
	tests := []struct {
		name   string
		path   string
		header http.Header
		status int
		rule   rule.ID
	}{
		{"target", "/" + strings.Repeat("a", 9<<10), nil, 414, rule.TargetTooLong},
		{"fields", "/", many(200), 431, rule.TooManyFields},
		{"bytes", "/", http.Header{"A": {strings.Repeat("a", 40<<10)}}, 431, rule.HeadTooLarge},
	}
	for _, proto := range []string{"HTTP/1.1", "HTTP/2.0"} {
		for _, tt := range tests {
			t.Run(proto+" "+tt.name, func(t *testing.T) {
				addr := startTLS(t, &httpd.Server{Handler: http.HandlerFunc(hello)}, certFile, keyFile)
				client := tlsClient(proto)
				defer client.CloseIdleConnections()
				req, err := http.NewRequest("GET", "https://"+addr+tt.path, nil)
				if err != nil {
					t.Fatal(err)
				}
				if tt.header != nil {
					req.Header = tt.header
				}
				resp, err := client.Do(req)
				if err != nil {
					t.Fatal(err)
				}
				resp.Body.Close()
				if resp.StatusCode != tt.status {
					t.Errorf("got %d, want %d", resp.StatusCode, tt.status)
				}
			})
		}
	}
}

// A body that stalls has its limit in every version of HTTP.
func TestBodyStallsInEveryVersion(t *testing.T) {
	certFile, keyFile := wiretest.WriteKeyPair(t, t.TempDir(), "a")
	for _, proto := range []string{"HTTP/1.1", "HTTP/2.0"} {
		t.Run(proto, func(t *testing.T) {
			failed := make(chan error, 1)
			addr := startTLS(t, &httpd.Server{BodyTimeout: soon, SweepEvery: time.Millisecond, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				_, err := io.Copy(io.Discard, r.Body)
				failed <- err
			})}, certFile, keyFile)
			client := tlsClient(proto)
			defer client.CloseIdleConnections()
			pr, pw := io.Pipe()
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			req, _ := http.NewRequestWithContext(ctx, "POST", "https://"+addr, pr)
			req.ContentLength = 5
			sent := make(chan struct{})
			go func() {
				defer close(sent)
				if resp, err := client.Do(req); err == nil {
					resp.Body.Close()
				}
			}()
			io.WriteString(pw, "he")
			select {
			case err := <-failed:
				if err == nil {
					t.Error("the body was complete")
				}
			case <-time.After(patience):
				t.Error("no limit")
			}
			cancel()
			pw.Close()
			<-sent
		})
	}
}

type keyOf string

// Requests of every version have the values of BaseContext and ConnContext.
func TestContextsInEveryVersion(t *testing.T) {
	certFile, keyFile := wiretest.WriteKeyPair(t, t.TempDir(), "a")
	for _, proto := range []string{"HTTP/1.1", "HTTP/2.0"} {
		t.Run(proto, func(t *testing.T) {
			var mu sync.Mutex
			states := map[net.Conn][]http.ConnState{}
			srv := &httpd.Server{
				BaseContext: func(net.Listener) context.Context { return context.WithValue(context.Background(), keyOf("base"), "b") },
				ConnContext: func(ctx context.Context, c net.Conn) context.Context {
					return context.WithValue(ctx, keyOf("conn"), "c")
				},
				ConnState: func(c net.Conn, st http.ConnState) {
					mu.Lock()
					defer mu.Unlock()
					states[c] = append(states[c], st)
				},
				Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					for _, k := range []string{"base", "conn"} {
						if r.Context().Value(keyOf(k)) == nil {
							io.WriteString(w, k+" is missing;")
						}
					}
					if _, ok := r.Context().Value(http.LocalAddrContextKey).(*net.TCPAddr); !ok {
						io.WriteString(w, "local address is missing")
					}
				}),
			}
			addr := startTLS(t, srv, certFile, keyFile)
			client := tlsClient(proto)
			resp, err := client.Get("https://" + addr)
			if err != nil {
				t.Fatal(err)
			}
			b, _ := io.ReadAll(resp.Body)
			resp.Body.Close()
			if len(b) > 0 {
				t.Errorf("%s", b)
			}
			client.CloseIdleConnections()
			srv.Shutdown(t.Context())
			mu.Lock()
			defer mu.Unlock()
			for c, s := range states {
				if len(states) != 1 || s[0] != http.StateNew || s[len(s)-1] != http.StateClosed {
					t.Errorf("states of %T: %v", c, s)
				}
			}
		})
	}
}

// A connection whose handshake fails is closed, and ConnState hears of it.
func TestConnStateOfAFailedHandshake(t *testing.T) {
	certFile, keyFile := wiretest.WriteKeyPair(t, t.TempDir(), "a")
	closed := make(chan struct{}, 10)
	addr := startTLS(t, &httpd.Server{ErrorLog: log.New(io.Discard, "", 0), ConnState: func(c net.Conn, st http.ConnState) {
		if st == http.StateClosed {
			closed <- struct{}{}
		}
	}}, certFile, keyFile)
	talk(t, addr, "nonsense that is no handshake\r\n\r\n")
	select {
	case <-closed:
	case <-time.After(patience):
		t.Error("ConnState did not hear that the connection is closed")
	}
}

// Handlers that abort and panic are told apart in every version.
func TestAbortInEveryVersion(t *testing.T) {
	certFile, keyFile := wiretest.WriteKeyPair(t, t.TempDir(), "a")
	for _, proto := range []string{"HTTP/1.1", "HTTP/2.0"} {
		t.Run(proto, func(t *testing.T) {
			sink := newRecords()
			addr := startTLS(t, &httpd.Server{Sink: sink, ErrorLog: log.New(io.Discard, "", 0), Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/abort" {
					panic(http.ErrAbortHandler)
				}
				panic("oops")
			})}, certFile, keyFile)
			client := tlsClient(proto)
			defer client.CloseIdleConnections()
			if _, err := client.Post("https://"+addr+"/abort", "", nil); err == nil {
				t.Error("an aborted answer has arrived")
			}
			resp, err := client.Post("https://"+addr+"/panic", "", nil)
			if err != nil {
				t.Errorf("a panic before the answer is no 500: %v", err)
			} else if resp.Body.Close(); resp.StatusCode != 500 {
				t.Errorf("panic: %d", resp.StatusCode)
			}
			for i, want := range []rule.ID{rule.HandlerAborted, rule.HandlerPanic} {
				if r := sink.wait(t, i); r.Rule != want {
					t.Errorf("record %d: %v, want %v", i, r.Rule, want)
				}
			}
		})
	}
}

// ServeTLS after Close leaves nothing behind.
func TestServeTLSAfterClose(t *testing.T) {
	certFile, keyFile := wiretest.WriteKeyPair(t, t.TempDir(), "a")
	before := runtime.NumGoroutine()
	srv := new(httpd.Server)
	srv.Close()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := srv.ServeTLS(l, certFile, keyFile); err != httpd.ErrServerClosed {
		t.Error(err)
	}
	for end := time.Now().Add(patience); runtime.NumGoroutine() > before; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%d goroutines, had %d", runtime.NumGoroutine(), before)
		}
	}
}

// Close may be called while ServeTLS begins.
func TestCloseWhileServeTLSBegins(t *testing.T) {
	certFile, keyFile := wiretest.WriteKeyPair(t, t.TempDir(), "a")
	for range 20 {
		srv := new(httpd.Server)
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		served := make(chan error)
		go func() { served <- srv.ServeTLS(l, certFile, keyFile) }()
		srv.Close()
		if err := <-served; err != httpd.ErrServerClosed {
			t.Error(err)
		}
	}
}

// The time that a handler takes does not count as idle, over TLS either: the
// connection is there for another request.
func TestIdleTimeBeginsAfterTheAnswer(t *testing.T) {
	certFile, keyFile := wiretest.WriteKeyPair(t, t.TempDir(), "a")
	wiretest.Longer(t, 50*time.Millisecond, func(idle time.Duration) error { return twoRequests(t, idle, certFile, keyFile) })
}

// twoRequests sends two, one after the other, to a handler that takes twice the
// idle time.
func twoRequests(t *testing.T, idle time.Duration, certFile, keyFile string) error {
	addr := startTLS(t, &httpd.Server{IdleTimeout: idle, ReadHeaderTimeout: -1, SweepEvery: time.Millisecond, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		time.Sleep(2 * idle)
	})}, certFile, keyFile)
	tc, err := tls.Dial("tcp", addr, &tls.Config{InsecureSkipVerify: true})
	if err != nil {
		return err
	}
	defer tc.Close()
	c := &client{Conn: tc, br: bufio.NewReader(tc)}
	for i := range 2 {
		if i > 0 {
			time.Sleep(idle / 4)
		}
		if _, err := io.WriteString(c, get); err != nil {
			return err
		}
		if status, _, err := c.answer(); status != 200 || err != nil {
			return fmt.Errorf("request %d: %d, %v", i, status, err)
		}
	}
	return nil
}

// Whoever scans a TLS port with what is no HTTP/2 does not fill the log.
func TestScanOfATLSPort(t *testing.T) {
	certFile, keyFile := wiretest.WriteKeyPair(t, t.TempDir(), "a")
	var said lines
	srv := &httpd.Server{Handler: http.HandlerFunc(hello), ErrorLog: log.New(&said, "", 0)}
	addr := startTLS(t, srv, certFile, keyFile)
	const scans = 20
	for range scans {
		c, err := tls.Dial("tcp", addr, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2"}})
		if err != nil {
			t.Fatal(err)
		}
		io.WriteString(c, "this is no preface of HTTP/2")
		io.Copy(io.Discard, c) // until it is closed
		c.Close()
	}
	srv.Close()
	got := said.all()
	if len(got) != 2 || !strings.Contains(got[0], "error reading preface") || !strings.HasPrefix(got[1], fmt.Sprintf("httpd: %d more connections failed like this one", scans-1)) {
		t.Errorf("%q", got)
	}
}

// lines keeps those of a log.
type lines struct {
	mu   sync.Mutex
	said []string
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.said = append(l.said, string(p))
	return len(p), nil
}

func (l *lines) all() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.said
}
