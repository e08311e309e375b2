package cache

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
)

// world is a cache in front of an origin, and a clock.
type world struct {
	*Handler
	t     *testing.T
	now   int64
	asked atomic.Int64
}

func newWorld(t *testing.T, o Options, origin http.HandlerFunc) *world {
	t.Helper()
	w := &world{t: t, now: 1_700_000_000e9}
	o.Now = func() int64 { return atomic.LoadInt64(&w.now) }
	o.Next = http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		w.asked.Add(1)
		origin(rw, r)
	})
	if o.Store == nil {
		s, err := NewStore(StoreOptions{})
		if err != nil {
			t.Fatal(err)
		}
		o.Store = s
		t.Cleanup(func() { s.Close() })
	}
	h, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	w.Handler = h
	return w
}

func (w *world) pass(seconds float64) { atomic.AddInt64(&w.now, int64(seconds*1e9)) }

// do sends a request: "GET /path" and fields, each "Name: value".
func (w *world) do(line string, fields ...string) *httptest.ResponseRecorder {
	w.t.Helper()
	method, target, _ := strings.Cut(line, " ")
	r := httptest.NewRequest(method, target, nil)
	for _, f := range fields {
		name, value, _ := strings.Cut(f, ": ")
		r.Header.Add(name, value)
	}
	rec := httptest.NewRecorder()
	w.ServeHTTP(rec, r)
	return rec
}

// expect checks status, body and the end of Cache-Status.
func expect(t *testing.T, rec *httptest.ResponseRecorder, status int, body, cacheStatus string) {
	t.Helper()
	if rec.Code != status || rec.Body.String() != body || !strings.Contains(rec.Header().Get("Cache-Status"), cacheStatus) {
		t.Errorf("got %d %q %q, want %d %q %q", rec.Code, rec.Body, rec.Header().Get("Cache-Status"), status, body, cacheStatus)
	}
}

func TestHit(t *testing.T) {
	w := newWorld(t, Options{}, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "max-age=100")
		w.Header().Set("ETag", `"x"`)
		fmt.Fprint(w, "hello")
	})
	expect(t, w.do("GET /a"), 200, "hello", "fwd=uri-miss; fwd-status=200; stored")
	w.pass(30)
	rec := w.do("GET /a")
	expect(t, rec, 200, "hello", "freshet; hit; ttl=70")
	if rec.Header().Get("Age") != "30" {
		t.Errorf("Age %q", rec.Header().Get("Age"))
	}
	expect(t, w.do("GET /a", `If-None-Match: "x"`), 304, "", "hit")
	expect(t, w.do("GET /a", "Range: bytes=1-2"), 206, "el", "hit")
	expect(t, w.do("HEAD /a"), 200, "", "hit")
	expect(t, w.do("GET /a?x"), 200, "hello", "uri-miss")
	w.pass(71)
	expect(t, w.do("GET /a"), 200, "hello", "fwd=stale")
	if w.asked.Load() != 3 {
		t.Errorf("asked %d times", w.asked.Load())
	}
}

// warm sends a GET, so that the answer is stored.
func warm(h http.Handler, target string, fields ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest("GET", target, nil)
	for _, f := range fields {
		name, value, _ := strings.Cut(f, ": ")
		r.Header.Add(name, value)
	}
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, r)
	return rec
}
