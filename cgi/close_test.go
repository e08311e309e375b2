//go:build unix

package cgi_test

import (
	"fmt"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"freshet/cgi"
	"freshet/internal/rule"
)

// TestClose: who runs is ended, who waits and who comes later is told to come
// again, and Close returns when nothing runs.
func TestClose(t *testing.T) {
	s, h := run(t, folder(t, "prog", forever(stubborn...)), func(o *cgi.Options) { o.Running, o.QueueTime = 1, soon; grace(o) })
	var clients sync.WaitGroup
	for range 3 {
		clients.Go(func() {
			if a := s.get("/prog"); a.StatusCode != 503 || a.Header.Get("Retry-After") == "" {
				t.Errorf("%v %v", a.Status, a.err)
			}
		})
	}
	eventually(t, "one runs and two wait", func() bool { r, w := h.Load(); return r == 1 && w == 2 })
	eventually(t, "it says so", func() bool { runs := h.Board().Runs(); return len(runs) == 1 && runs[0].Said() == "ready" })
	must(t, h.Close())
	if runs := h.Board().Runs(); len(runs) > 0 {
		t.Errorf("%d programs run", len(runs))
	}
	clients.Wait()
	for range 3 {
		if r := s.next(t); r.Rule != rule.ScriptStopped {
			t.Error(r.Rule)
		}
	}
	must(t, h.Close()) // again
	w := httptest.NewRecorder()
	if h.ServeHTTP(w, httptest.NewRequest("GET", "/prog", nil)); w.Code != 503 {
		t.Errorf("%d after Close", w.Code)
	}
}

// TestCloseWhileBusy: programs that start at that moment are ended, too.
func TestCloseWhileBusy(t *testing.T) {
	dir := folder(t, "hello", hello)
	for range 5 {
		s, h := run(t, dir, func(o *cgi.Options) { o.Running = 4 })
		var clients sync.WaitGroup
		answered := make(chan struct{}, 1024)
		var closing atomic.Bool
		var others sync.Map // what else was answered, for who reads that none was
		for range 6 {
			clients.Go(func() {
				for {
					a := s.get("/hello")
					if a.StatusCode != 200 {
						others.Store(fmt.Sprint(a.Status, " ", a.err, " ", a.body), true)
					}
					switch {
					case a.StatusCode == 200 && a.err == nil && a.body != "hello\n":
						t.Errorf("%q looks whole", a.body)
					case a.StatusCode == 503 && closing.Load():
						return // before, others may have all the processes that our user may have
					case a.StatusCode == 200:
						select {
						case answered <- struct{}{}:
						default:
						}
					}
				}
			})
		}
		select {
		case <-answered:
		case <-time.After(soon):
			others.Range(func(what, _ any) bool { t.Log(what); return true })
			running, waiting := h.Load()
			t.Errorf("nobody was answered; %d programs run, %d requests wait", running, waiting)
		}
		closing.Store(true)
		must(t, h.Close())
		if running, _ := h.Load(); running > 0 || len(h.Board().Runs()) > 0 {
			t.Errorf("%d programs run", running)
		}
		clients.Wait()
	}
}
