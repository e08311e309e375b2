package cache_test

import (
	"bufio"
	"bytes"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"freshet/cache"
	"freshet/httpd"
	"freshet/internal/wiretest"
	"freshet/proxy"
)

// patience is how long a test waits for what must happen.
const patience = time.Minute

// stack is a server with a cache, a proxy and an origin that the test plays,
// all over real sockets.
type stack struct {
	t     testing.TB
	addr  string
	cache *cache.Handler
	now   atomic.Int64
	asked atomic.Int64
}

// player answers one request on a raw connection; it reports whether the
// connection goes on.
type player func(c net.Conn, r *http.Request) bool

func newStack(t testing.TB, o cache.Options, p proxy.Options, play player) *stack {
	t.Helper()
	s := &stack{t: t}
	s.now.Store(1_700_000_000e9)
	quiet := slog.New(slog.DiscardHandler)
	p.Origins, p.ErrorLog = []string{"http://" + s.origin(play)}, quiet
	p.Retries, p.MaxFails = -1, -1
	next, err := proxy.New(p)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(next.Close)
	o.Next, o.ErrorLog, o.Now = next, quiet, s.now.Load
	if o.Store == nil {
		o.Store, err = cache.NewStore(cache.StoreOptions{ErrorLog: quiet})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { o.Store.Close() })
	}
	s.cache, err = cache.New(o)
	if err != nil {
		t.Fatal(err)
	}
	l := listen(t)
	srv := &httpd.Server{Handler: s.cache, Hot: s.cache, ErrorLog: log.New(io.Discard, "", 0)}
	done := make(chan struct{})
	go func() { defer close(done); srv.Serve(l) }()
	t.Cleanup(func() { srv.Close(); <-done })
	s.addr = l.Addr().String()
	return s
}

func listen(t testing.TB) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// origin listens and plays until the test ends.
func (s *stack) origin(play player) (addr string) {
	l := listen(s.t)
	wiretest.Connections(s.t, l, func(c net.Conn) {
		br := bufio.NewReader(c)
		for {
			r, err := http.ReadRequest(br)
			if err != nil {
				return
			}
			body, _ := io.ReadAll(r.Body)
			r.Body = io.NopCloser(bytes.NewReader(body))
			s.asked.Add(1)
			if !play(c, r) {
				return
			}
		}
	})
	return l.Addr().String()
}

// reply is what a client got.
type reply struct {
	status int // 0: nothing that is an answer
	header http.Header
	body   string
	cut    bool // the body did not end as it should
}

// send sends a request as it is, on a connection of its own, and reads the
// answer.
func (s *stack) send(request string) reply {
	s.t.Helper()
	c, err := net.Dial("tcp", s.addr)
	if err != nil {
		s.t.Fatal(err)
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(patience))
	if _, err := io.WriteString(c, request); err != nil {
		return reply{}
	}
	method, _, _ := strings.Cut(request, " ")
	br := bufio.NewReader(c)
	resp, err := http.ReadResponse(br, &http.Request{Method: method})
	for err == nil && resp.StatusCode < 200 && resp.StatusCode != http.StatusSwitchingProtocols {
		resp, err = http.ReadResponse(br, &http.Request{Method: method})
	}
	if err != nil {
		if ne, ok := err.(net.Error); ok && ne.Timeout() {
			s.t.Errorf("no answer to %q", request)
		}
		return reply{}
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return reply{resp.StatusCode, resp.Header, string(body), err != nil}
}

// get sends a GET with fields, each "Name: value".
func (s *stack) get(target string, fields ...string) reply {
	s.t.Helper()
	text := "GET " + target + " HTTP/1.1\r\nHost: example.org\r\nConnection: close\r\n"
	for _, f := range fields {
		text += f + "\r\n"
	}
	return s.send(text + "\r\n")
}
