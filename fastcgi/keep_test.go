package fastcgi_test

import (
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"freshet/fastcgi"
)

// A connection that the backend closed after an answer is noticed, and costs
// nobody an answer.
func TestStale(t *testing.T) {
	closed := make(chan struct{}, 20)
	address := fake(t, "unix", func(s *session) {
		if _, err := s.request(); err == nil {
			io.WriteString(s, whole("text"))
		}
		s.Close()
		closed <- struct{}{}
	})
	h := newHandler(t, fastcgi.Options{Address: address})
	url, _ := serve(t, h)
	c := newClient(t)
	for range 20 {
		resp, err := c.Post(url, "text/plain", strings.NewReader("body"))
		if err != nil {
			t.Fatal(err)
		}
		if b, _ := io.ReadAll(resp.Body); string(b) != "text" {
			t.Fatalf("%s %q", resp.Status, b)
		}
		resp.Body.Close()
		<-closed // else the next one may be sent before
		eventually(t, "the connection is closed or idle", func() bool { return h.Pool().Open <= 1 })
	}
	if p := h.Pool(); p.Stale == 0 || p.Open > 1 {
		t.Errorf("%+v", p)
	}
}

// A kept connection that ends when the next request was sent: that is sent
// again when it does no harm, and only once.
func TestRetry(t *testing.T) {
	for _, tt := range []struct {
		method string
		length int64
		status int
	}{
		{"GET", 0, 200},
		{"PUT", 4, 200},
		{"PUT", -1, 200},
		{"PUT", 100_000, 502}, // of which some is read
		{"POST", 4, 502},
		{"PATCH", 0, 502},
	} {
		var requests atomic.Int32
		address := fake(t, "unix", func(s *session) {
			for {
				a, err := s.request()
				if err != nil {
					return
				}
				if requests.Add(1) == 2 {
					return // without an answer
				}
				// What follows is read with an output of its own.
				io.WriteString(s, stdout(head))
				for _, part := range []string{"<" + a.stdin + ">", strings.Repeat("and more", 8000), strings.Repeat("and more", 8000)} {
					io.WriteString(s, rec(6, part, 1))
				}
				io.WriteString(s, end(0, 0))
			}
		})
		h := newHandler(t, fastcgi.Options{Address: address})
		url, recs := serve(t, h)
		c := newClient(t)
		get(t, c, url)
		recs.next(t)
		var body io.Reader
		sent := strings.Repeat("x", int(max(tt.length, 4)))
		if tt.length != 0 {
			body = io.MultiReader(strings.NewReader(sent))
		}
		req, _ := http.NewRequest(tt.method, url, body)
		req.ContentLength = tt.length
		status, got, cut := exchange(t, c, req)
		rec := recs.next(t)
		if status != tt.status || cut {
			t.Errorf("%s with %d octets: %d %q, cut %v, %s", tt.method, tt.length, status, got, cut, rec.Rule)
		}
		if tt.length == 0 {
			sent = ""
		}
		if tt.status == 200 && got != "<"+sent+">"+strings.Repeat("and more", 16000) {
			t.Errorf("%s with %d octets: the second time %.20q came, %d octets", tt.method, tt.length, got, len(got))
		}
		if p := h.Pool(); (p.Retried == 1) != (tt.status == 200) {
			t.Errorf("%s with %d octets: %+v", tt.method, tt.length, p)
		}
	}
}

// A backend that always fails is asked twice at most.
func TestRetriedOnce(t *testing.T) {
	var requests atomic.Int32
	address := fake(t, "unix", func(s *session) {
		for {
			if _, err := s.request(); err != nil || requests.Add(1) > 1 {
				return
			}
			io.WriteString(s, whole("text"))
		}
	})
	url, _ := serve(t, newHandler(t, fastcgi.Options{Address: address}))
	c := newClient(t)
	get(t, c, url)
	if resp, _ := get(t, c, url); resp.StatusCode != 502 || requests.Load() != 3 {
		t.Errorf("%s after %d requests", resp.Status, requests.Load())
	}
}

// Nothing that a backend sends behind an answer becomes part of another one.
func TestTrailing(t *testing.T) {
	for _, more := range []string{stdout("evil"), whole("evil"), "\x01"} {
		address := answers(t, whole("text")+more)
		h := newHandler(t, fastcgi.Options{Address: address})
		url, _ := serve(t, h)
		for range 3 {
			if _, body := get(t, newClient(t), url); body != "text" {
				t.Errorf("%q", body)
			}
		}
	}
	// The same when it comes later.
	late := make(chan bool)
	address := fake(t, "unix", func(s *session) {
		for s.n == 1 {
			if _, err := s.request(); err != nil {
				return
			}
			io.WriteString(s, whole("text"))
			<-late
			io.WriteString(s, whole("evil"))
			late <- true
		}
		s.request()
		io.WriteString(s, whole("other"))
	})
	h := newHandler(t, fastcgi.Options{Address: address})
	url, _ := serve(t, h)
	get(t, newClient(t), url)
	late <- true
	<-late
	if _, body := get(t, newClient(t), url); body != "other" {
		t.Errorf("%q", body)
	}
}

// Connections are closed when nobody has used them for Idle.
func TestIdle(t *testing.T) {
	gone := make(chan bool, 1)
	address := fake(t, "unix", func(s *session) {
		for {
			if _, err := s.request(); err != nil {
				gone <- true
				return
			}
			io.WriteString(s, whole("text"))
		}
	})
	h := newHandler(t, fastcgi.Options{Address: address, Idle: 30 * time.Millisecond})
	url, _ := serve(t, h)
	get(t, newClient(t), url)
	select {
	case <-gone:
	case <-time.After(patience):
		t.Fatalf("it is still open: %+v", h.Pool())
	}
	if p := h.Pool(); p.Open != 0 || p.Idle != 0 {
		t.Errorf("%+v", p)
	}
}

// Without Idle the backend is told not to keep the connection.
func TestNotKept(t *testing.T) {
	var kept atomic.Bool
	address := fake(t, "unix", func(s *session) {
		if a, err := s.request(); err == nil {
			kept.Store(a.keep)
			io.WriteString(s, whole("text"))
		}
	})
	h := newHandler(t, fastcgi.Options{Address: address, Idle: -1})
	url, recs := serve(t, h)
	for range 2 {
		get(t, newClient(t), url)
		recs.next(t) // by then the connection is closed
	}
	if p := h.Pool(); kept.Load() || p.Dials != 2 || p.Open != 0 {
		t.Errorf("kept %v, %+v", kept.Load(), p)
	}
}

// One worker that a kept connection holds does not starve a second connection:
// the backend here accepts one at a time.
func TestFewerWorkersThanConnections(t *testing.T) {
	l, address := listen(t, "unix")
	begun, release, over := make(chan bool), make(chan bool), make(chan bool)
	done := make(chan bool)
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			s := newSession(c)
			for {
				a, err := s.request()
				if err != nil {
					break
				}
				if a.vars["QUERY_STRING"] == "wait" {
					close(begun)
					select {
					case <-release:
					case <-over:
					}
				}
				io.WriteString(s, whole("text"))
			}
			c.Close()
		}
	}()
	t.Cleanup(func() { close(over); l.Close(); <-done })
	h := newHandler(t, fastcgi.Options{Address: address, Timeout: patience})
	t.Cleanup(func() { h.Close() })
	url, _ := serve(t, h)
	answered := make(chan string, 2) // statuses
	ask := func(query string) {
		resp, err := newClient(t).Get(url + query)
		if err != nil {
			answered <- err.Error()
			return
		}
		resp.Body.Close()
		answered <- resp.Status
	}
	go ask("/?wait")
	<-begun
	go ask("/")
	eventually(t, "both are with the backend, and shown", func() bool { return len(h.Board().Runs()) == 2 })
	close(release)
	for range 2 {
		select {
		case got := <-answered:
			if got != "200 OK" {
				t.Error(got)
			}
		case <-time.After(patience / 2):
			t.Fatalf("starved: %+v", h.Pool())
		}
	}
}
