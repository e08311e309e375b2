package cache

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"freshet/internal/record"
	"freshet/internal/rule"
)

// tell sends a request and returns what the engine is told of it.
func (w *world) tell(line string, fields ...string) *engine {
	method, target, _ := strings.Cut(line, " ")
	r := httptest.NewRequest(method, target, nil)
	for _, f := range fields {
		name, value, _ := strings.Cut(f, ": ")
		r.Header.Add(name, value)
	}
	e := &engine{ResponseRecorder: httptest.NewRecorder()}
	func() {
		defer func() {
			if v := recover(); v != nil && v != http.ErrAbortHandler {
				panic(v)
			}
		}()
		w.ServeHTTP(e, r)
	}()
	return e
}

func (e *engine) expect(t *testing.T, verdict record.Verdict, why rule.ID) *engine {
	t.Helper()
	if e.verdict != verdict || e.why != why {
		t.Errorf("told %v by %v, want %v by %v; %+v", e.verdict, e.why, verdict, why, e.detail)
	}
	return e
}

// foresees checks that Why says the same before.
func (w *world) foresees(t *testing.T, why rule.ID, line string, fields ...string) {
	t.Helper()
	method, target, _ := strings.Cut(line, " ")
	r := httptest.NewRequest(method, target, nil)
	for _, f := range fields {
		name, value, _ := strings.Cut(f, ": ")
		r.Header.Add(name, value)
	}
	if e := w.Why(r); e.Rule != why {
		t.Errorf("Why foresees %v: %s", e.Rule, e.Sentence)
	}
}

func TestToldHits(t *testing.T) { synctest.Test(t, toldHits) }

func toldHits(t *testing.T) {
	w := newWorld(t, Options{}, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "max-age=60, stale-while-revalidate=10")
		w.Header().Set("ETag", `"x"`)
		if r.Header.Get("If-None-Match") != "" {
			w.WriteHeader(304)
			return
		}
		fmt.Fprint(w, "hello")
	})
	d := w.tell("GET /a").expect(t, record.Miss, rule.CacheURIMiss).detail
	if d.Key != "http://example.com/a" || d.Forward != "uri-miss" || !d.Stored || d.Storing != rule.FreshByMaxAge || d.Lifetime != 60e9 {
		t.Errorf("%+v", d)
	}
	w.pass(15)
	d = w.tell("GET /a").expect(t, record.Hit, rule.ReuseFresh).detail
	if d.Age != 15e9 || d.Lifetime != 60e9 || d.Evidence != "lifetime 60 s, age 15 s" || d.Forward != "" {
		t.Errorf("%+v", d)
	}
	w.tell("GET /a", `If-None-Match: "x"`).expect(t, record.Hit, rule.NotModifiedETag)
	w.pass(50)
	w.tell("GET /a").expect(t, record.Stale, rule.ReuseWhileRevalidate)
	synctest.Wait()
	w.pass(1000)
	d = w.tell("GET /a").expect(t, record.Revalidated, rule.ReuseStale).detail
	if d.Forward != "stale" || d.Reason != rule.ReuseStale || d.Lifetime != 60e9 || d.Age < 1000e9 {
		t.Errorf("%+v", d)
	}
	w.tell("POST /a").expect(t, record.Bypass, rule.CacheMethod)
}

// What a handler behind the cache tells arrives with the rest, also when the
// answer is streamed.
func TestToldBehind(t *testing.T) {
	for _, path := range []string{"/small", "/flushed", "/passed"} {
		w := newWorld(t, Options{}, func(rw http.ResponseWriter, r *http.Request) {
			d := rw.(interface{ Detail() *record.Detail }).Detail()
			d.Origin, d.Tries = "http://origin", 2
			if path == "/passed" {
				rw.Header().Set("Cache-Control", "no-store")
			} else {
				rw.Header().Set("Cache-Control", "max-age=60")
			}
			fmt.Fprint(rw, "hello")
			if path == "/flushed" {
				rw.(http.Flusher).Flush()
				fmt.Fprint(rw, " and more")
			}
			d.OriginStatus = 200
		})
		e := w.tell("GET " + path)
		if d := e.detail; d.Origin != "http://origin" || d.Tries != 2 || d.OriginStatus != 200 || d.Key == "" || e.verdict != record.Miss {
			t.Errorf("%s: %v %+v", path, e.verdict, d)
		}
	}
}

// What is only known when all of the answer has come is told all the same, and
// remembered.
func TestToldAtTheEnd(t *testing.T) {
	for _, c := range []struct {
		want   rule.ID
		origin http.HandlerFunc
		next   rule.ID // what is foreseen of the next request
	}{
		{rule.CacheTooLarge, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Cache-Control", "max-age=60")
			fmt.Fprint(w, strings.Repeat("x", 1<<20))
		}, rule.CacheTooLarge},
		{rule.CacheCut, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Cache-Control", "max-age=60")
			fmt.Fprint(w, strings.Repeat("x", 100<<10))
			panic(http.ErrAbortHandler)
		}, rule.CacheURIMiss},
		{rule.CacheCut, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Cache-Control", "max-age=60")
			w.Header().Set("Content-Length", "10")
			fmt.Fprint(w, "short")
		}, rule.CacheURIMiss},
		{rule.CacheOriginFailed, func(w http.ResponseWriter, r *http.Request) { panic(http.ErrAbortHandler) }, rule.CacheURIMiss},
	} {
		w := newWorld(t, Options{MaxObject: 200 << 10}, c.origin)
		w.tell("GET http://e/a") // one that is cut has no rule but of what cut it
		if c.want == rule.CacheOriginFailed {
			continue
		}
		w.foresees(t, c.next, "GET http://e/a")
		w.tell("GET http://e/a").expect(t, record.Miss, c.want)
		if d, ok := w.store.Object("http://e/a"); !ok || d.NotStored == nil || d.NotStored.Rule != c.want {
			t.Errorf("remembered: %v %+v", ok, d.NotStored)
		}
	}
}

// Requests that wait for another's say so, or that they waited in vain.
func TestToldWaiters(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		broken := make(chan bool, 1)
		w := newWorld(t, Options{Lease: time.Second}, func(rw http.ResponseWriter, r *http.Request) {
			time.Sleep(map[string]time.Duration{"/slow": 1500 * time.Millisecond}[r.URL.Path] + 100*time.Millisecond)
			if r.URL.Path == "/broken" {
				broken <- true
				panic(http.ErrAbortHandler)
			}
			rw.Header().Set("Cache-Control", "max-age=60")
			fmt.Fprint(rw, "hello")
		})
		both := func(target string) (*engine, *engine) {
			got := make(chan *engine)
			go func() { got <- w.tell(target) }()
			synctest.Wait()
			w.foresees(t, rule.CacheCollapsed, target)
			second := make(chan *engine)
			go func() { second <- w.tell(target) }()
			return <-got, <-second
		}
		first, second := both("GET /a")
		first.expect(t, record.Miss, rule.CacheURIMiss)
		if d := second.expect(t, record.Miss, rule.CacheCollapsed).detail; !d.Collapsed || d.Forward != "uri-miss" {
			t.Errorf("%+v", d)
		}
		first, second = both("GET /slow")
		second.expect(t, record.Miss, rule.CacheLease)
		first.expect(t, record.Miss, rule.CacheURIMiss)
		_, second = both("GET /broken")
		<-broken
		second.expect(t, record.Miss, rule.CacheOriginFailed)
	})
}

func TestToldEvicted(t *testing.T) {
	s, err := NewStore(StoreOptions{Memory: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	w := newWorld(t, Options{Store: s}, bySize)
	for i := range 2000 {
		w.do(fmt.Sprintf("GET http://e/1000?%d", i))
	}
	s.memory.CleanUp()
	found := 0
	for i := range 2000 {
		line := fmt.Sprintf("GET http://e/1000?%d", i)
		if w.Why(httptest.NewRequest("GET", line[4:], nil)).Rule == rule.CacheEvicted {
			if found++; found == 1 {
				w.tell(line).expect(t, record.Miss, rule.CacheEvicted)
				e := w.Why(httptest.NewRequest("GET", "http://e/1000?none", nil))
				if e.Rule != rule.CacheURIMiss {
					t.Errorf("what was never there: %v", e.Rule)
				}
			}
		}
	}
	if found == 0 || s.Totals().Evicted == 0 {
		t.Errorf("%d of 2000 keys were evicted, %d in all", found, s.Totals().Evicted)
	}
}

func TestToldFromDisk(t *testing.T) {
	w, f := failingWorld(t)
	w.opt.Next = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f.unreadable.Store(false)
		bySize(w, r)
	})
	w.tell("GET http://e/3000000").expect(t, record.Miss, rule.CacheURIMiss)
	w.store.drain()
	w.store.disk.open.closeAll()
	f.unreadable.Store(true)
	w.tell("GET http://e/3000000").expect(t, record.Miss, rule.CacheUnreadable)

	full, f := failingWorld(t)
	f.room.Store(100)
	full.tell("GET http://e/3000000").expect(t, record.Miss, rule.CacheNotKept)
	full.foresees(t, rule.CacheNotKept, "GET http://e/3000000")
	if e := full.Why(httptest.NewRequest("GET", "http://e/3000000", nil)); !strings.Contains(e.Advice, "memory") {
		t.Errorf("advice %q", e.Advice)
	}
}

func TestToldMisfiled(t *testing.T) {
	said := `params=("a")`
	w := newWorld(t, Options{}, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "max-age=10")
		if said != "" {
			w.Header().Set("No-Vary-Search", said)
		}
	})
	w.tell("GET http://e/a?a=1").expect(t, record.Miss, rule.CacheURIMiss)
	w.tell("GET http://e/a?a=2").expect(t, record.Hit, rule.ReuseFresh)
	said = ""
	w.pass(20)
	w.tell("GET http://e/a?a=2").expect(t, record.Miss, rule.CacheMisfiled)
}

// An answer that was asked for before a purge is not stored after it.
func TestToldOvertaken(t *testing.T) {
	var w *world
	w = newWorld(t, Options{}, func(rw http.ResponseWriter, r *http.Request) {
		rw.Header().Set("Cache-Control", "max-age=10")
		w.Purge("http://e/a", false)
		fmt.Fprint(rw, "hello")
	})
	d := w.tell("GET http://e/a").expect(t, record.Miss, rule.CacheURIMiss).detail
	if d.Stored || d.Storing != rule.CacheOvertaken {
		t.Errorf("%+v", d)
	}
}

func TestToldParts(t *testing.T) {
	f := newFilm(1000, `"1"`)
	w := newWorld(t, Options{}, func(w http.ResponseWriter, r *http.Request) {
		r.Header.Del("If-Range") // as some origins do
		f.ServeHTTP(w, r)
	})
	d := w.tell("GET http://e/f", "Range: bytes=0-99").expect(t, record.Miss, rule.CacheURIMiss).detail
	if !d.Stored || d.Storing != rule.StoredPartial {
		t.Errorf("%+v", d)
	}
	w.tell("GET http://e/f", "Range: bytes=0-49").expect(t, record.Hit, rule.RangeSingle)
	w.tell("GET http://e/f", "Range: bytes=200-299").expect(t, record.Miss, rule.CachePartialMiss)
	f.tag = `"2"`
	w.tell("GET http://e/f", "Range: bytes=400-499").expect(t, record.Miss, rule.CachePartsDiffer)
}

func TestToldFailure(t *testing.T) {
	fail := false
	w := newWorld(t, Options{ErrorLog: slog.New(slog.NewTextHandler(io.Discard, nil))}, func(w http.ResponseWriter, r *http.Request) {
		if fail {
			w.WriteHeader(503)
			return
		}
		w.Header().Set("Cache-Control", "max-age=10, stale-if-error=100")
		fmt.Fprint(w, "hello")
	})
	w.tell("GET http://e/a").expect(t, record.Miss, rule.CacheURIMiss)
	fail = true
	w.pass(50)
	w.tell("GET http://e/a").expect(t, record.Stale, rule.ReuseIfError)
	w.pass(500)
	d := w.tell("GET http://e/a").expect(t, record.Miss, rule.ReuseStale).detail
	if d.Storing != rule.FailureTooStale {
		t.Errorf("%+v", d)
	}
}

// What is kept of an answer that is not stored has bounds, and so have evidence
// and what is listed.
func TestToldIsBounded(t *testing.T) {
	long := strings.Repeat("x", 5000)
	w := newWorld(t, Options{}, func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Cache-Control", "private, x="+long)
		for range 100 {
			h.Add("Set-Cookie", "a"+long+"=secret")
		}
		h.Set("X-Other", long)
	})
	d := w.tell("GET http://e/a").expect(t, record.Miss, rule.NotStoredPrivate).detail
	if len(d.Evidence) > maxEvidence+len("…") || !strings.HasPrefix(d.Evidence, "Cache-Control: private") {
		t.Errorf("evidence of %d bytes", len(d.Evidence))
	}
	r, _ := glance(w.store, "http://e/a")
	u := r.unstored
	if len(u.fields["Set-Cookie"]) != maxDecisiveLines || len(u.fields["Set-Cookie"][0]) != maxDecisiveLine || len(u.fields["X-Other"]) != 0 ||
		strings.Contains(fmt.Sprint(u.fields), "secret") {
		t.Errorf("%d lines, of %d bytes", len(u.fields["Set-Cookie"]), len(u.fields["Set-Cookie"][0]))
	}
	if n := r.cost(); n < 10*maxDecisiveLine || n > 20_000 {
		t.Errorf("it is weighed %d", n)
	}
	to := target{query: "a&b&c&d&e", hasQuery: true}
	for order := range orders(&to, &KeyRules{}) {
		t.Errorf("more than %d parameters are ordered: %s", maxOrdered, order)
	}
	n := 0
	for range orders(&target{query: "a&b&c&d"}, &KeyRules{}) {
		n++
	}
	if n != 24 {
		t.Errorf("%d orders", n)
	}
}

// Where a secret is a part of the key, what is told has it not.
func TestToldSecretKey(t *testing.T) {
	w := newWorld(t, Options{Key: KeyRules{Headers: []string{"X-Site", "Cookie"}}}, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "public, max-age=60")
	})
	e := w.tell("GET http://e/a", "Cookie: a=secret", "X-Site: b").expect(t, record.Miss, rule.CacheURIMiss)
	if e.detail.Key != "http://e/a" || w.store.TopMisses()[0].Key != "http://e/a" {
		t.Errorf("%+v %+v", e.detail, w.store.TopMisses())
	}
	r := httptest.NewRequest("GET", "http://e/a", nil)
	r.Header.Set("Cookie", "a=secret")
	r.Header.Set("X-Site", "b")
	why := w.Why(r)
	past := w.Explain(&record.Record{Method: "GET", Target: "/a", Host: "e", Status: 200, Rule: e.why, Verdict: e.verdict, Detail: e.detail})
	for _, text := range []string{string(why.AppendText(nil, 0)), string(past.AppendText(nil, 0))} {
		if strings.Contains(text, "secret") || strings.Contains(text, "nothing is stored") {
			t.Error(text)
		}
	}
	if why.Verdict != record.Hit {
		t.Errorf("%+v", why)
	}
}

// Of a hit there is no more than the record: what is stored is looked up.
func TestExplainHotHit(t *testing.T) {
	w := newWorld(t, Options{}, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "max-age=60")
		fmt.Fprint(w, "hello")
	})
	w.do("GET https://e/a?b")
	w.pass(10)
	rec := record.Record{Method: "GET", Target: "/a?b", Host: "e", Status: 200, Hot: true, Rule: rule.ReuseFresh, Verdict: record.Hit, Start: w.now}
	e := w.Explain(&rec)
	if e.URL != "https://e/a?b" || e.Sentence != "It was a hit: the stored answer is fresh." || len(e.Fixes) != 0 {
		t.Errorf("%+v", e)
	}
	if text := string(e.AppendText(nil, 0)); !strings.Contains(text, "an answer is stored (fresh for 50 s)") {
		t.Error(text)
	}
	for _, bad := range []record.Record{{Verdict: record.File}, {Verdict: record.Miss, Target: "%"}} {
		if e := w.Explain(&bad); e != nil {
			t.Errorf("%+v", e)
		}
	}
}
