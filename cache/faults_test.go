package cache

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

// patience is how long a test waits for what must happen.
const patience = time.Minute

// gate lets an origin be held and let go; each wait is bounded by patience.
type gate struct {
	t    testing.TB
	came chan struct{} // one for each who came to the gate
	open chan struct{} // closed: everybody may go on
}

func newGate(t testing.TB) *gate {
	return &gate{t, make(chan struct{}, 1<<16), make(chan struct{})}
}

// pass is called by the one who is held.
func (g *gate) pass() {
	g.came <- struct{}{}
	<-g.open
}

// await waits until n more have come.
func (g *gate) await(n int) {
	g.t.Helper()
	late := time.After(patience)
	for i := range n {
		select {
		case <-g.came:
		case <-late:
			g.t.Fatalf("%d of %d came to the gate", i, n)
		}
	}
}

// start sends a request and returns where its answer will be; a broken one is
// nil.
func (w *world) start(line string, fields ...string) <-chan *httptest.ResponseRecorder {
	done := make(chan *httptest.ResponseRecorder, 1)
	go func() {
		var rec *httptest.ResponseRecorder
		defer func() {
			if e := recover(); e != nil {
				if err, ok := e.(error); !ok || !errors.Is(err, http.ErrAbortHandler) {
					w.t.Errorf("%s: panic: %v", line, e)
				}
				rec = nil
			}
			done <- rec
		}()
		rec = w.do(line, fields...)
	}()
	return done
}

// get waits for an answer of start.
func get(t testing.TB, c <-chan *httptest.ResponseRecorder) *httptest.ResponseRecorder {
	t.Helper()
	select {
	case rec := <-c:
		return rec
	case <-time.After(patience):
		t.Fatal("no answer")
		return nil
	}
}

// waiters waits until somebody waits in the flight of a key.
func (w *world) waiters(key string) {
	w.t.Helper()
	for late := time.Now().Add(patience); time.Now().Before(late); time.Sleep(time.Millisecond) {
		w.store.mu.Lock()
		f := w.store.flights[key]
		w.store.mu.Unlock()
		if f.isAwaited() {
			return
		}
	}
	w.t.Fatalf("nobody waits for %q", key)
}

// A range that completes a body, and an answer to POST that is stored, reach
// the disk like any other.
func TestWrittenBehind(t *testing.T) {
	dir := t.TempDir()
	s := diskStore(t, dir)
	w := newWorld(t, Options{Store: s}, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "max-age=1000")
		w.Header().Set("ETag", `"x"`)
		if r.Method == "POST" {
			w.Header().Set("Content-Location", r.URL.Path)
			fmt.Fprint(w, "posted")
			return
		}
		switch r.Header.Get("Range") {
		case "bytes=0-4":
			w.Header().Set("Content-Range", "bytes 0-4/10")
			w.WriteHeader(206)
			fmt.Fprint(w, "01234")
		case "bytes=5-9", "bytes=5-":
			w.Header().Set("Content-Range", "bytes 5-9/10")
			w.WriteHeader(206)
			fmt.Fprint(w, "56789")
		default:
			fmt.Fprint(w, "0123456789")
		}
	})
	expect(t, w.do("GET /r", "Range: bytes=0-4"), 206, "01234", "uri-miss")
	expect(t, w.do("GET /r"), 200, "0123456789", "fwd=partial")
	w.do("POST /p")
	expect(t, w.do("GET /p"), 200, "posted", "hit")
	asked := w.asked.Load()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = diskStore(t, dir)
	defer s.Close()
	w.Handler.store = s
	expect(t, w.do("GET /r"), 200, "0123456789", "hit")
	expect(t, w.do("GET /p"), 200, "posted", "hit")
	if w.asked.Load() != asked {
		t.Error("the origin was asked again")
	}
}

// What waits for a flight that fails gets a stale answer only if all of it is
// there.
func TestFailureBesideParts(t *testing.T) {
	g := newGate(t)
	var down bool
	w := newWorld(t, Options{}, func(w http.ResponseWriter, r *http.Request) {
		if down {
			g.pass()
			panic(http.ErrAbortHandler)
		}
		w.Header().Set("Cache-Control", "max-age=10, stale-if-error=1000")
		w.Header().Set("ETag", `"x"`)
		w.Header().Set("Content-Range", "bytes 0-4/10")
		w.WriteHeader(206)
		fmt.Fprint(w, "01234")
	})
	w.do("GET http://e/r", "Range: bytes=0-4")
	w.pass(20)
	down = true
	one := w.start("GET http://e/r")
	g.await(1)
	two := w.start("GET http://e/r")
	w.waiters("http://e/r")
	close(g.open)
	for i, c := range []<-chan *httptest.ResponseRecorder{one, two} {
		if rec := get(t, c); rec != nil && rec.Code != 502 {
			t.Errorf("%d: %d %q", i, rec.Code, rec.Body)
		}
	}
}

// A body that comes in one piece larger than what is kept passes whole.
func TestOnePiece(t *testing.T) {
	for _, o := range []Options{{MaxInMemory: 1000}, {}} {
		w := newWorld(t, o, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Cache-Control", "max-age=1000")
			fmt.Fprint(w, text(3_000_000))
		})
		for range 2 {
			expect(t, get(t, w.start("GET /a")), 200, text(3_000_000), "uri-miss")
		}
	}
}

// isAwaited reports whether somebody waits in the flight.
func (f *flight) isAwaited() bool {
	if f == nil {
		return false
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.waiting != nil
}
