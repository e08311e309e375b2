//go:build unix

package cgi_test

import (
	"net/http"
	"strconv"
	"sync"
	"testing"
	"time"

	"freshet/cgi"
	"freshet/internal/record"
	"freshet/internal/rule"
)

// TestTurns: so many run, so many wait, the others are told to come again.
func TestTurns(t *testing.T) {
	dir := folder(t, "wait", sh(waitFor("end"), `printf 'Content-Type: text/plain\n\nok'`))
	s, h := run(t, dir, func(o *cgi.Options) { o.Running, o.Queue, o.QueueTime = 2, 1, soon })
	load := func(running, waiting int) {
		t.Helper()
		eventually(t, "the load is as it should be", func() bool { r, w := h.Load(); return r == running && w == waiting })
	}
	var clients sync.WaitGroup
	ask := func() {
		clients.Go(func() {
			if a := s.get("/wait"); a.body != "ok" {
				t.Errorf("%v %q %v", a.Status, a.body, a.err)
			}
		})
	}
	ask()
	ask()
	load(2, 0)
	ask()
	load(2, 1)
	a := s.get("/wait")
	after, _ := strconv.Atoi(a.Header.Get("Retry-After"))
	if r := s.next(t); a.StatusCode != 503 || after < 1 || r.Rule != rule.ScriptQueueFull || r.Verdict != record.Refused {
		t.Errorf("%v, Retry-After %d, %v %v", a.Status, after, r.Rule, r.Verdict)
	}
	// Who leaves the queue makes room.
	r, _ := http.NewRequest("GET", "/wait", nil)
	if e := h.Why(r); e.Rule != rule.ScriptAnswered || len(e.Settings) < 3 {
		t.Errorf("%+v", e)
	}
	touch(t, dir, "end")
	clients.Wait()
	for range 3 {
		if r := s.next(t); r.Rule != rule.ScriptAnswered {
			t.Error(r.Rule)
		}
	}
	load(0, 0)
}

// TestLeavesQueue: a client that leaves while it waits, and one whose time is
// over.
func TestLeavesQueue(t *testing.T) {
	dir := folder(t, "wait", sh(waitFor("end"), `printf 'Content-Type: text/plain\n\nok'`))
	s, h := run(t, dir, func(o *cgi.Options) { o.Running, o.QueueTime = 1, soon })
	c, _ := s.dial()
	c.Write([]byte("GET /wait HTTP/1.1\r\nHost: h\r\n\r\n"))
	eventually(t, "it runs", func() bool { r, _ := h.Load(); return r == 1 })
	d, _ := s.dial()
	d.Write([]byte("GET /wait HTTP/1.1\r\nHost: h\r\n\r\n"))
	eventually(t, "it waits", func() bool { _, w := h.Load(); return w == 1 })
	d.Close()
	if r := s.next(t); r.Rule != rule.ScriptClientGone {
		t.Error(r.Rule)
	}
	if _, w := h.Load(); w != 0 {
		t.Errorf("%d wait", w)
	}
	touch(t, dir, "end")
	if r := s.next(t); r.Rule != rule.ScriptAnswered {
		t.Error(r.Rule)
	}

	s, h = run(t, folder(t, "wait", sh("sleep 1000")), func(o *cgi.Options) { o.Running, o.QueueTime = 1, time.Millisecond })
	c, _ = s.dial()
	c.Write([]byte("GET /wait HTTP/1.1\r\nHost: h\r\n\r\n"))
	eventually(t, "it runs", func() bool { r, _ := h.Load(); return r == 1 })
	a := s.get("/wait")
	if r := s.next(t); a.StatusCode != 503 || a.Header.Get("Retry-After") != "1" || r.Rule != rule.ScriptQueueTimeout {
		t.Errorf("%v %v %v", a.Status, a.Header, r.Rule)
	}
}

// TestManyAtOnce: everybody who waits gets an answer, each its own.
func TestManyAtOnce(t *testing.T) {
	s, h := run(t, folder(t, "echo", sh(`printf 'Content-Type: text/plain\n\n%s' "$QUERY_STRING"`)), func(o *cgi.Options) {
		o.Running, o.QueueTime = 4, soon
	})
	var clients sync.WaitGroup
	for i := range 20 {
		clients.Go(func() {
			for j := range 5 {
				want := strconv.Itoa(100*i + j)
				if a := s.get("/echo?" + want); a.StatusCode != 200 || a.body != want || a.err != nil {
					t.Errorf("%v %q %v, want %s", a.Status, a.body, a.err, want)
				}
			}
		})
	}
	clients.Wait()
	eventually(t, "all turns are given back", func() bool { r, w := h.Load(); return r == 0 && w == 0 && len(h.Board().Runs()) == 0 })
}
