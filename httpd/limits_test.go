package httpd_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"freshet/httpd"
	"freshet/internal/rule"
	"freshet/internal/wiretest"
)

// records is a sink that keeps what it gets.
type records struct {
	mu   sync.Mutex
	got  []httpd.Record
	next chan struct{}
}

func newRecords() *records { return &records{next: make(chan struct{}, 1000)} }

func (s *records) Record(r *httpd.Record) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := *r
	c.Method, c.Target = strings.Clone(r.Method), strings.Clone(r.Target)
	s.got = append(s.got, c)
	s.next <- struct{}{}
}

// wait returns the n-th record, from 0.
func (s *records) wait(t *testing.T, n int) httpd.Record {
	t.Helper()
	for {
		s.mu.Lock()
		if len(s.got) > n {
			defer s.mu.Unlock()
			return s.got[n]
		}
		s.mu.Unlock()
		select {
		case <-s.next:
		case <-time.After(patience):
			t.Fatalf("no record %d", n)
		}
	}
}

const soon = 30 * time.Millisecond

func TestLimits(t *testing.T) {
	post := "POST / HTTP/1.1\r\nHost: x\r\n"
	tests := []struct {
		name string
		srv  httpd.Server
		raw  string
		half bool // end our side after sending
		want string
		rule rule.ID
	}{
		{"no head in time", httpd.Server{ReadHeaderTimeout: soon}, "", false, "", 0},
		{"idle", httpd.Server{IdleTimeout: soon}, get, false, "HTTP/1.1 200 ", rule.HandlerAnswered},
		{"body stalls", httpd.Server{BodyTimeout: soon}, post + "Content-Length: 5\r\n\r\nab", false, "HTTP/1.1 408 ", rule.BodyTimeout},
		{"body ends early", httpd.Server{}, post + "Content-Length: 5\r\n\r\nab", true, "HTTP/1.1 400 ", rule.BodyIncomplete},
		{"chunk is broken", httpd.Server{}, post + "Transfer-Encoding: chunked\r\n\r\n5\r\nabcdefg\r\n", false, "HTTP/1.1 400 ", rule.ChunkEnd},
		{"body declared too large", httpd.Server{MaxBodyBytes: 3}, post + "Content-Length: 5\r\n\r\nabcde", false, "HTTP/1.1 413 ", rule.BodyTooLarge},
		{"body grows too large", httpd.Server{MaxBodyBytes: 3}, post + "Transfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n0\r\n\r\n", false, "HTTP/1.1 413 ", rule.BodyTooLarge},
		{"head too large", httpd.Server{MaxHeaderBytes: 200}, "GET / HTTP/1.1\r\nHost: x\r\nA: " + strings.Repeat("a", 300) + "\r\n\r\n", false, "HTTP/1.1 431 ", rule.HeadTooLarge},
		{"too many fields", httpd.Server{MaxFields: 3}, "GET / HTTP/1.1\r\nHost: x\r\nA: 1\r\nB: 1\r\nC: 1\r\n\r\n", false, "HTTP/1.1 431 ", rule.TooManyFields},
		{"target too long", httpd.Server{MaxTargetBytes: 10}, "GET /0123456789 HTTP/1.1\r\nHost: x\r\n\r\n", false, "HTTP/1.1 414 ", rule.TargetTooLong},
		{"requests of a connection", httpd.Server{MaxRequestsPerConn: 1}, get, false, "HTTP/1.1 200 ", rule.HandlerAnswered},
	}
	for i := range tests {
		tt := &tests[i]
		t.Run(tt.name, func(t *testing.T) {
			sink := newRecords()
			tt.srv.Sink = sink
			tt.srv.SweepEvery = time.Millisecond
			tt.srv.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.Copy(io.Discard, r.Body) })
			addr := start(t, &tt.srv)
			c, err := net.Dial("tcp", addr)
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			c.SetDeadline(time.Now().Add(patience))
			io.WriteString(c, tt.raw)
			if tt.half {
				c.(*net.TCPConn).CloseWrite()
			}
			got, err := io.ReadAll(c) // ends only when the server closes
			if err != nil {
				t.Errorf("read: %v", err)
			}
			if !strings.HasPrefix(string(got), tt.want) || tt.want == "" && len(got) > 0 {
				t.Errorf("got %q, want %q…", got, tt.want)
			}
			if tt.rule != 0 {
				if r := sink.wait(t, 0); r.Rule != tt.rule {
					t.Errorf("rule %v, want %v", r.Rule, tt.rule)
				}
			}
		})
	}
}

// Half a head is answered when its time is over; nothing at all is not.
func TestHalfAHead(t *testing.T) {
	wiretest.Longer(t, soon, func(limit time.Duration) error {
		sink := newRecords()
		c := dial(t, start(t, &httpd.Server{ReadHeaderTimeout: limit, SweepEvery: time.Millisecond, Sink: sink, Handler: http.HandlerFunc(hello)}))
		io.WriteString(c, "GET / HTTP/1.1\r\nHos")
		got, err := io.ReadAll(c)
		if err != nil || !strings.HasPrefix(string(got), "HTTP/1.1 408 ") {
			return fmt.Errorf("got %q, %v", got, err)
		}
		if r := sink.wait(t, 0); r.Rule != rule.HeadTimeout {
			return fmt.Errorf("rule %v", r.Rule)
		}
		return nil
	})
}

// A client that takes nothing of a large answer is cut, on both paths.
func TestSendTimeout(t *testing.T) {
	big := make([]byte, 64<<20)
	for _, hot := range []bool{false, true} {
		t.Run(fmt.Sprintf("hot=%v", hot), func(t *testing.T) {
			sink := newRecords()
			srv := &httpd.Server{SendTimeout: soon, SweepEvery: time.Millisecond, Sink: sink,
				Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.Write(big) })}
			if hot {
				srv.Hot = bodyHot(big)
			}
			addr := start(t, srv)
			c, err := net.Dial("tcp", addr)
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			io.WriteString(c, get)
			sink.wait(t, 0)
			c.SetDeadline(time.Now().Add(patience))
			if n, _ := io.Copy(io.Discard, c); n >= int64(len(big)) {
				t.Errorf("all %d bytes arrived", n)
			}
		})
	}
}

type bodyHot []byte

func (b bodyHot) ServeHot(q *httpd.Head, a *httpd.Answer) bool {
	a.Status = 200
	a.Head = fmt.Appendf(a.Scratch, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n", len(b))
	a.Body = b
	return true
}

func TestSlowLorisHoldsNobody(t *testing.T) {
	addr := start(t, &httpd.Server{ReadHeaderTimeout: time.Minute, MaxConnsPerClient: -1, Handler: http.HandlerFunc(hello)})
	for range 200 {
		c, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		io.WriteString(c, "GET / HTTP/1.1\r\nHost: x\r\nA")
	}
	if got := talk(t, addr, get); !strings.HasPrefix(got, "HTTP/1.1 200 ") {
		t.Errorf("got %q", got)
	}
}

func TestConnectionLimits(t *testing.T) {
	for name, srv := range map[string]*httpd.Server{
		"in all":     {MaxConns: 2},
		"per client": {MaxConnsPerClient: 2},
	} {
		t.Run(name, func(t *testing.T) {
			srv.Handler = http.HandlerFunc(hello)
			addr := start(t, srv)
			var open []net.Conn
			for range 2 {
				c, err := net.Dial("tcp", addr)
				if err != nil {
					t.Fatal(err)
				}
				defer c.Close()
				io.WriteString(c, get)
				if _, err := http.ReadResponse(bufio.NewReader(c), nil); err != nil {
					t.Fatal(err)
				}
				open = append(open, c)
			}
			c, err := net.Dial("tcp", addr)
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			c.SetDeadline(time.Now().Add(patience))
			resp, err := http.ReadResponse(bufio.NewReader(c), nil)
			if err != nil {
				t.Fatal(err)
			}
			if resp.StatusCode != 503 || resp.Header.Get("Retry-After") == "" || !resp.Close {
				t.Errorf("beyond the limit: %d %v", resp.StatusCode, resp.Header)
			}
			// One that ends makes room for another.
			open[0].Close()
			for {
				got := tryTalk(addr, get)
				if strings.HasPrefix(got, "HTTP/1.1 200 ") {
					break
				}
				if !strings.HasPrefix(got, "HTTP/1.1 503 ") {
					t.Fatalf("got %q", got)
				}
			}
		})
	}
}

// tryTalk is talk for servers that may answer before they have read anything.
func tryTalk(addr, raw string) string {
	c, err := net.Dial("tcp", addr)
	if err != nil {
		return err.Error()
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(patience))
	io.WriteString(c, raw)
	c.(*net.TCPConn).CloseWrite()
	b, _ := io.ReadAll(c)
	return string(b)
}

func TestQueueConns(t *testing.T) {
	addr := start(t, &httpd.Server{MaxConns: 1, QueueConns: true, Handler: http.HandlerFunc(hello)})
	first, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	io.WriteString(first, get)
	if _, err := http.ReadResponse(bufio.NewReader(first), nil); err != nil {
		t.Fatal(err)
	}
	got := make(chan string)
	go func() { got <- tryTalk(addr, get) }()
	select {
	case s := <-got:
		t.Fatalf("answered beyond the limit: %q", s)
	case <-time.After(soon):
	}
	first.Close()
	if s := <-got; !strings.HasPrefix(s, "HTTP/1.1 200 ") {
		t.Errorf("from the queue: %q", s)
	}
}

func TestShutdownLetsRequestsFinish(t *testing.T) {
	began, release := make(chan struct{}), make(chan struct{})
	srv := &httpd.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/slow" {
			close(began)
			<-release
		}
		io.WriteString(w, "done")
	})}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- srv.Serve(l) }()
	addr := l.Addr().String()

	idle, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer idle.Close()
	io.WriteString(idle, get)
	if _, err := http.ReadResponse(bufio.NewReader(idle), nil); err != nil {
		t.Fatal(err)
	}
	slow := make(chan string)
	go func() { slow <- tryTalk(addr, "GET /slow HTTP/1.1\r\nHost: x\r\n\r\n") }()
	<-began
	stopped := make(chan error)
	go func() { stopped <- srv.Shutdown(context.Background()) }()
	// The idle connection ends at once, the one at work does not.
	idle.SetDeadline(time.Now().Add(patience))
	if b, err := io.ReadAll(idle); err != nil {
		t.Errorf("idle connection: %q, %v", b, err)
	}
	select {
	case err := <-stopped:
		t.Fatalf("Shutdown did not wait: %v", err)
	default:
	}
	close(release)
	if got := <-slow; !strings.HasSuffix(got, "done") || !strings.Contains(got, "Connection: close\r\n") {
		t.Errorf("slow request got %q", got)
	}
	if err := <-stopped; err != nil {
		t.Errorf("Shutdown: %v", err)
	}
	if err := <-served; err != httpd.ErrServerClosed {
		t.Errorf("Serve: %v", err)
	}
}

func TestShutdownHasADeadline(t *testing.T) {
	began := make(chan struct{})
	srv := &httpd.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		close(began)
		<-r.Context().Done()
	})}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go srv.Serve(l)
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	io.WriteString(c, get)
	<-began
	ctx, cancel := context.WithTimeout(context.Background(), soon)
	defer cancel()
	if err := srv.Shutdown(ctx); err != context.DeadlineExceeded {
		t.Errorf("Shutdown: %v", err)
	}
	if b, err := io.ReadAll(c); len(b) > 0 {
		t.Errorf("got %q, %v", b, err)
	}
}

func TestPanicCostsOneConnection(t *testing.T) {
	var logged strings.Builder
	sink := newRecords()
	addr := start(t, &httpd.Server{ErrorLog: log.New(&logged, "", 0), Sink: sink, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/panic" {
			panic("oops")
		}
		io.WriteString(w, "ok")
	})})
	if got := talk(t, addr, "GET /panic HTTP/1.1\r\nHost: x\r\n\r\n"); !strings.HasPrefix(got, "HTTP/1.1 500 ") || strings.Contains(got, "oops") {
		t.Errorf("got %q", got)
	}
	if r := sink.wait(t, 0); r.Rule != rule.HandlerPanic || !strings.Contains(logged.String(), "oops") {
		t.Errorf("rule %v, logged %q", r.Rule, logged.String())
	}
	if got := talk(t, addr, get); !strings.HasSuffix(got, "ok") {
		t.Errorf("afterwards: %q", got)
	}
}

// A deadline that was armed for waiting does not end a request that came in
// time but whose handler takes longer.
func TestHandlerOutlivesWaitingDeadlines(t *testing.T) {
	wiretest.Longer(t, soon, func(limit time.Duration) error {
		c := dial(t, start(t, &httpd.Server{SweepEvery: time.Millisecond, IdleTimeout: limit, ReadHeaderTimeout: limit,
			Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				time.Sleep(2 * limit)
				io.WriteString(w, "slow")
			})}))
		for i := range 4 {
			io.WriteString(c, get)
			if status, body, err := c.answer(); status != 200 || body != "slow" || err != nil {
				return fmt.Errorf("request %d: %d %q %v", i+1, status, body, err)
			}
		}
		return nil
	})
}
