package guard

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"freshet/internal/outbound"
	"freshet/internal/wiretest"
)

// played is a service whose answers a test writes itself, one a connection; over gets
// one value for each connection that has come to its end.
func played(t *testing.T, answer func(w io.Writer) error) (url string, over chan struct{}) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	over = make(chan struct{}, 64)
	wiretest.Connections(t, l, func(c net.Conn) {
		defer func() { over <- struct{}{} }()
		r := bufio.NewReader(c)
		if _, err := http.ReadRequest(r); err != nil {
			return
		}
		if answer(c) == nil {
			r.ReadByte() // until the guard closes it
		}
	})
	return "http://" + l.Addr().String(), over
}

// endless writes something again and again until that fails.
func endless(w io.Writer, what string, each time.Duration) error {
	for {
		if _, err := io.WriteString(w, what); err != nil {
			return err
		}
		time.Sleep(each)
	}
}

// A service that hangs, or that says a little at a time for ever, holds nobody up for
// longer than the timeout, and its connection is closed.
func TestForwardAuthSlow(t *testing.T) {
	const tick = 2 * time.Millisecond
	for name, answer := range map[string]func(io.Writer) error{
		"no answer":     func(io.Writer) error { return nil },
		"half a head":   func(w io.Writer) error { _, err := io.WriteString(w, "HTTP/1.1 200 OK\r\nX-A: "); return err },
		"a head slowly": func(w io.Writer) error { io.WriteString(w, "HTTP/1.1 200 OK\r\n"); return endless(w, "a", tick) },
		"no page": func(w io.Writer) error {
			_, err := io.WriteString(w, "HTTP/1.1 401 No\r\nContent-Length: 9\r\n\r\n")
			return err
		},
		"a page slowly": func(w io.Writer) error {
			io.WriteString(w, "HTTP/1.1 403 No\r\nContent-Length: 200000\r\n\r\n")
			return endless(w, "x", tick)
		},
		"chunks slowly": func(w io.Writer) error {
			io.WriteString(w, "HTTP/1.1 302 Go\r\nLocation: /\r\nTransfer-Encoding: chunked\r\n\r\n")
			return endless(w, "1\r\nx\r\n", tick)
		},
		"one interim answer": func(w io.Writer) error { _, err := io.WriteString(w, "HTTP/1.1 100 Continue\r\n\r\n"); return err },
	} {
		url, over := played(t, answer)
		g := NewForwardAuth(ForwardAuthOptions{URL: url, Timeout: 50 * time.Millisecond, Transport: asking(t)})
		behind, w := &sawWhole{}, httptest.NewRecorder()
		Handler(behind, g).ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
		if w.Code != 504 || behind.r != nil || w.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %d, %v", name, w.Code, w.Header())
		}
		<-over
	}
}

// What a service says without end is not read without end.
func TestForwardAuthEndless(t *testing.T) {
	for _, tt := range []struct {
		name, head, again string
		status            int
	}{
		{"interim answers", "", "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n", 502},
		{"a head", "HTTP/1.1 200 OK\r\n", "X-A: " + strings.Repeat("a", 999) + "\r\n", 502},
		{"a body of yes", "HTTP/1.1 200 OK\r\nContent-Length: 1000000000000\r\n\r\n", strings.Repeat("x", 4096), 200},
		{"chunks of yes", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "3\r\nyes\r\n", 200},
		{"yes until the end", "HTTP/1.1 200 OK\r\n\r\n", strings.Repeat("x", 4096), 200},
		{"a body of no", "HTTP/1.1 403 No\r\nContent-Length: 1000000000000\r\n\r\n", strings.Repeat("x", 4096), 502},
		{"chunks of no", "HTTP/1.1 403 No\r\nTransfer-Encoding: chunked\r\n\r\n", "3\r\nnay\r\n", 502},
		{"trailers of no", "HTTP/1.1 403 No\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n", "X-A: " + strings.Repeat("a", 999) + "\r\n", 502},
	} {
		url, over := played(t, func(w io.Writer) error {
			io.WriteString(w, tt.head)
			return endless(w, tt.again, 0)
		})
		g := NewForwardAuth(ForwardAuthOptions{URL: url, Timeout: time.Minute, Transport: asking(t)})
		behind, w := &sawWhole{}, httptest.NewRecorder()
		Handler(behind, g).ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
		if w.Code != tt.status || (behind.r != nil) != (tt.status == 200) {
			t.Errorf("%s: %d, %s", tt.name, w.Code, w.Body)
		}
		<-over
	}
}

// Interim answers are the service's to us; nobody else gets them.
func TestForwardAuthInterim(t *testing.T) {
	url, _ := played(t, func(w io.Writer) error {
		_, err := io.WriteString(w, "HTTP/1.1 102 Wait\r\nRemote-User: root\r\n\r\nHTTP/1.1 103 Early Hints\r\nRemote-User: root\r\n\r\nHTTP/1.1 204 Yes\r\nRemote-User: ann\r\n\r\n")
		return err
	})
	front := httptest.NewServer(Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, r.Header.Get("Remote-User"))
	}), NewForwardAuth(ForwardAuthOptions{URL: url, Timeout: time.Minute, Transport: asking(t)})))
	defer front.Close()
	c, err := net.Dial("tcp", front.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	io.WriteString(c, "GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
	if got, err := io.ReadAll(c); err != nil || strings.Count(string(got), "HTTP/1.1") != 1 || !strings.HasSuffix(string(got), "\r\n\r\nann") {
		t.Errorf("%q, %v", got, err)
	}
}

// A redirect leads to a page, or it is none: no address runs a script, and none is
// two.
func TestForwardAuthLocation(t *testing.T) {
	var answer http.Header
	service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for name, values := range answer {
			w.Header()[name] = values
		}
		w.WriteHeader(302)
	}))
	defer service.Close()
	g := NewForwardAuth(ForwardAuthOptions{URL: service.URL, Timeout: time.Minute, Transport: asking(t)})
	for location, want := range map[string]int{
		"https://login.example/?rd=https%3A%2F%2Fsite.example%2F": 302, "http://x/": 302, "HTTPS://x/": 302, "/login": 302, "login?a=b": 302, "//login.example/": 302, "?x": 302, "#x": 302,
		"javascript:alert(1)": 502, "JavaScript://%0aalert(1)": 502, "data:text/html,x": 502, "vbscript:x": 502, "file:///etc/passwd": 502, "http:login": 502, "": 502, "http://a b/": 502,
		"java\tscript:alert(1)": 502, "https://x/\x01": 502,
	} {
		answer = http.Header{"Location": {location}}
		w := httptest.NewRecorder()
		Handler(&sawWhole{}, g).ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
		if w.Code != want || (w.Header().Get("Location") != "") != (want == 302) {
			t.Errorf("%q: %d, %v", location, w.Code, w.Header())
		}
	}
	answer = http.Header{"Location": {"/a", "/b"}}
	w := httptest.NewRecorder()
	if Handler(&sawWhole{}, g).ServeHTTP(w, httptest.NewRequest("GET", "/", nil)); w.Code != 502 {
		t.Errorf("two of them: %d", w.Code)
	}
}

// So many connections there are and no more, whatever the service does; who finds no
// place is told so, and afterwards all is as before.
func TestForwardAuthBound(t *testing.T) {
	const bound, queued, all = 2, 3, 9
	var open, most, asked atomic.Int64
	var hangs atomic.Bool
	hangs.Store(true)
	service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		if hangs.Load() {
			<-r.Context().Done()
		}
	}))
	defer service.Close()
	transport := &outbound.Transport{MaxConnsPerHost: bound, MaxQueuedPerHost: queued, QueueTimeout: time.Minute, Dial: func(ctx context.Context, network, addr string) (net.Conn, error) {
		c, err := new(net.Dialer).DialContext(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		if n := open.Add(1); n > most.Load() {
			most.Store(n)
		}
		return &counted{Conn: c, open: &open}, nil
	}}
	defer transport.CloseIdleConnections()
	g := NewForwardAuth(ForwardAuthOptions{URL: service.URL, Timeout: 200 * time.Millisecond, Transport: transport})
	var mu sync.Mutex
	got := map[int]int{}
	var asks sync.WaitGroup
	for range all {
		asks.Go(func() {
			w := httptest.NewRecorder()
			Handler(&sawWhole{}, g).ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
			mu.Lock()
			defer mu.Unlock()
			got[w.Code]++
		})
	}
	asks.Wait()
	// Who waits longer than others gets the place of one that has given up.
	if got[200] > 0 || got[502]+got[504] != all || got[504] < bound {
		t.Errorf("answers: %v", got)
	}
	if asked.Load() > all || most.Load() > bound || open.Load() != 0 {
		t.Errorf("it was asked %d times, by %d connections at once, of which %d are open", asked.Load(), most.Load(), open.Load())
	}
	hangs.Store(false)
	patient := NewForwardAuth(ForwardAuthOptions{URL: service.URL, Timeout: time.Minute, Transport: transport})
	for range bound + 1 {
		w := httptest.NewRecorder()
		if Handler(&sawWhole{}, patient).ServeHTTP(w, httptest.NewRequest("GET", "/", nil)); w.Code != 200 {
			t.Errorf("afterwards: %d", w.Code)
		}
	}
}

// counted is a connection that counts as open until it is closed.
type counted struct {
	net.Conn
	once sync.Once
	open *atomic.Int64
}

func (c *counted) Close() error {
	c.once.Do(func() { c.open.Add(-1) })
	return c.Conn.Close()
}

// A service that answers, with a page or without, is asked over one connection.
func TestForwardAuthKept(t *testing.T) {
	var opened atomic.Int64
	service := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Cookie") == "" {
			w.WriteHeader(401)
		}
		fmt.Fprint(w, "a page")
	}))
	service.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			opened.Add(1)
		}
	}
	service.Start()
	defer service.Close()
	g := NewForwardAuth(ForwardAuthOptions{URL: service.URL, Timeout: time.Minute, Transport: asking(t)})
	g.drains = time.Minute // a busy machine is not what this is about
	for i := range 20 {
		r := httptest.NewRequest("GET", "/", nil)
		want := 401
		if i%2 == 0 {
			r.Header.Set("Cookie", "a=b")
			want = 200
		}
		w := httptest.NewRecorder()
		if Handler(&sawWhole{}, g).ServeHTTP(w, r); w.Code != want {
			t.Errorf("%d, want %d", w.Code, want)
		}
	}
	if opened.Load() != 1 {
		t.Errorf("over %d connections", opened.Load())
	}
}
