package cache

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"freshet/httpd"
	"freshet/internal/alloctest"
	"freshet/internal/record"
	"freshet/internal/rule"
)

// A held store uses nothing without its origin, whichever way it would be used.
func TestHold(t *testing.T) {
	for _, c := range []struct {
		name     string
		answer   string // Cache-Control; "" has a heuristic lifetime
		prime    string
		ask      string
		fields   []string
		pass     float64
		status   int // with the hold; 0: 200
		verdict  record.Verdict
		why      rule.ID // 0: CacheHeld
		unstored bool    // nothing is stored by it
	}{
		{name: "hit", answer: "max-age=60", ask: "GET /a"},
		{name: "immutable", answer: "max-age=60, immutable", ask: "GET /a"},
		{name: "heuristic", answer: "public", ask: "GET /a"},
		{name: "HEAD", answer: "max-age=60", prime: "GET /a", ask: "HEAD /a"},
		{name: "range", answer: "max-age=60", prime: "GET /a", ask: "GET /a", fields: []string{"Range: bytes=1-2"}, status: 206},
		{name: "condition", answer: "max-age=60", prime: "GET /a", ask: "GET /a", fields: []string{`If-None-Match: "x"`}, status: 304},
		{name: "max-stale", answer: "max-age=60", prime: "GET /a", ask: "GET /a", fields: []string{"Cache-Control: max-stale=1000"}},
		{name: "while revalidate", answer: "max-age=60, stale-while-revalidate=1000", ask: "GET /a", pass: 100},
		{name: "only-if-cached", answer: "max-age=60", prime: "GET /a", ask: "GET /a", fields: []string{"Cache-Control: only-if-cached"}, status: 504, verdict: record.Refused, why: rule.CacheOnlyIfCached, unstored: true},
		{name: "stale by itself", answer: "max-age=60", ask: "GET /a", pass: 100, why: rule.ReuseStale},
	} {
		for _, tier := range []string{"memory", "disk"} {
			t.Run(c.name+"/"+tier, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					dir := t.TempDir()
					opt := Options{Store: diskStore(t, dir)}
					w := newWorld(t, opt, func(w http.ResponseWriter, r *http.Request) {
						w.Header().Set("Cache-Control", c.answer)
						w.Header().Set("ETag", `"x"`)
						w.Header().Set("Last-Modified", "Mon, 01 Jan 2001 00:00:00 GMT")
						if r.Header.Get("If-None-Match") == `"x"` {
							w.WriteHeader(304)
							return
						}
						fmt.Fprint(w, "hello")
					})
					prime := c.prime
					if prime == "" {
						prime = c.ask
					}
					w.tell(prime)
					if tier == "disk" { // with nothing in memory
						if err := w.store.Close(); err != nil {
							t.Fatal(err)
						}
						next := newWorld(t, Options{Store: diskStore(t, dir)}, w.opt.Next.ServeHTTP)
						next.now = w.now
						w = next
					}
					defer func() { w.store.Close() }()
					w.pass(c.pass)
					w.store.Hold()
					w.store.Hold() // is one
					why, verdict, status := c.why, c.verdict, c.status
					if why == 0 {
						why = rule.CacheHeld
					}
					if verdict == 0 {
						verdict = record.Revalidated
					}
					if status == 0 {
						status = 200
					}
					method, target, _ := strings.Cut(c.ask, " ")
					if hotReply(t, w.Handler, method, target, c.fields) != nil {
						t.Error("the hot path answers")
					}
					w.foresees(t, why, c.ask, c.fields...)
					before := w.asked.Load()
					e := w.tell(c.ask, c.fields...)
					if method != "HEAD" && e.Code != 304 { // whose answers have a rule and a verdict of their own
						e.expect(t, verdict, why)
					}
					if e.Code != status {
						t.Errorf("status %d", e.Code)
					}
					if asked := w.asked.Load() > before; asked == c.unstored {
						t.Errorf("asked: %v", asked)
					}
					synctest.Wait()
					w.store.Release()
					if c.unstored {
						w.tell(c.ask, c.fields...).expect(t, record.Hit, rule.ReuseFresh)
					}
				})
			})
		}
	}
}

// What is validated under a hold, or comes under it, is validated for the next
// request too; after it all is used as if there had been none.
func TestHoldAndRelease(t *testing.T) {
	for _, tier := range []string{"memory", "disk"} {
		t.Run(tier, func(t *testing.T) {
			w := newWorld(t, Options{Store: newTestStore(t, tier)}, tagging)
			for _, path := range []string{"/a?tags=t", "/b?tags=u", "/c"} {
				w.do("GET http://e" + path)
				expect(t, w.do("GET http://e"+path), 200, "hello", "; hit")
			}
			b := w.store.peek("http://e/b?tags=u").objects[0]
			seen := b.prepared.seen.Load()
			w.store.Hold()
			w.do("GET http://e/new")
			for _, path := range []string{"/a?tags=t", "/new", "/a?tags=t", "/new"} {
				expect(t, w.do("GET http://e"+path), 200, "hello", "fwd=stale; fwd-status=304; stored")
				if hotReply(t, w.Handler, "GET", path, nil) != nil {
					t.Errorf("%s is hot under the hold", path)
				}
			}
			w.store.Release()
			w.store.Release()
			if w.store.peek("http://e/b?tags=u").objects[0] != b || b.prepared.seen.Load() != seen {
				t.Error("what was not asked for was touched")
			}
			for _, path := range []string{"/a?tags=t", "/b?tags=u", "/c", "/new"} {
				if hotReply(t, w.Handler, "GET", path, nil) == nil {
					t.Errorf("%s is not hot any more", path)
				}
			}
			w.store.Hold()
			expect(t, w.do("GET http://e/a?tags=t"), 200, "hello", "fwd=stale; fwd-status=304; stored")
			r := w.purgeBy(false, "tag u")
			w.tell("GET http://e/a?tags=t").expect(t, record.Revalidated, rule.CacheHeld) // which the purge is not about
			w.purgeBy(true, "tag t")
			w.tell("GET http://e/a?tags=t").expect(t, record.Revalidated, rule.CacheSoftPurged)
			w.tell("GET http://e/c").expect(t, record.Revalidated, rule.CacheHeld)
			w.purgeBy(true, "prefix http://e/c")
			w.store.Release()
			w.tell("GET http://e/b?tags=u").expect(t, record.Miss, rule.CachePurged)
			w.tell("GET http://e/c").expect(t, record.Revalidated, rule.CacheSoftPurged)
			w.swept()
			if all := w.store.Receipts(); len(all) != 3 || all[2].ID != r.ID {
				t.Errorf("a hold has a receipt: %+v", all)
			}
		})
	}
}

// While the origin cannot be reached, a held answer is used as one that was purged
// softly.
func TestHoldFailing(t *testing.T) {
	for _, c := range []struct {
		control string
		status  int
	}{{"max-age=60, stale-if-error=30", 200}, {"max-age=60, must-revalidate", 503}} {
		failing := false
		w := newWorld(t, Options{}, func(w http.ResponseWriter, r *http.Request) {
			if failing {
				w.WriteHeader(503)
				return
			}
			w.Header().Set("Cache-Control", c.control)
			fmt.Fprint(w, "hello")
		})
		for _, soft := range []bool{false, true} {
			failing = false
			w.do("GET http://e/a")
			failing = true
			if soft {
				w.purgeBy(true, "host e")
			} else {
				w.store.Hold()
			}
			if rec := w.do("GET http://e/a"); rec.Code != c.status {
				t.Errorf("%s, soft %v: %d", c.control, soft, rec.Code)
			}
			w.store.Release()
		}
	}
}

// A request that begins under a hold does not wait for an answer that another has
// asked for, before the hold or under it: that may be of before a purge elsewhere.
func TestHoldFlight(t *testing.T) {
	g := newGate(t)
	var n atomic.Int64
	w := newWorld(t, Options{Lease: time.Hour}, func(w http.ResponseWriter, r *http.Request) {
		v := n.Add(1)
		w.Header().Set("Cache-Control", "max-age=60")
		if v <= 2 {
			g.pass()
		}
		fmt.Fprint(w, v)
	})
	before := w.start("GET http://e/a")
	g.await(1)
	w.store.Hold()
	under := w.start("GET http://e/a")
	g.await(1)
	expect(t, get(t, w.start("GET http://e/a")), 200, "3", "stored")
	expect(t, w.do("GET http://e/a"), 200, "4", "fwd=stale")
	close(g.open)
	expect(t, get(t, before), 200, "1", "stored")
	expect(t, get(t, under), 200, "2", "stored")
	expect(t, w.do("GET http://e/a"), 200, "5", "fwd=stale")
	w.store.Release()
	expect(t, w.do("GET http://e/a"), 200, "5", "; hit")
}

// A hold has no number that a purge compares with: what was stored under one is
// found by the purges after a restart.
func TestHoldNotKept(t *testing.T) {
	dir := t.TempDir()
	w := newWorld(t, Options{Store: diskStore(t, dir)}, tagging)
	for range 10 {
		w.store.Hold()
		w.do("GET http://e/a?tags=t")
		w.store.Release()
	}
	w.store.Hold()
	if err := w.store.Close(); err != nil {
		t.Fatal(err)
	}
	w = reopened(t, dir, tagging)
	expect(t, w.do("GET http://e/a?tags=t"), 200, "hello", "; hit")
	w.purgeBy(false, "tag t")
	w.tell("GET http://e/a?tags=t").expect(t, record.Miss, rule.CachePurged)
}

// What is said of a held answer.
func TestHoldTold(t *testing.T) {
	w := newWorld(t, Options{}, tagging)
	w.do("GET http://e/a")
	w.store.Hold()
	e := w.Why(httptest.NewRequest("GET", "http://e/a", nil))
	text := string(e.AppendText(nil, 0))
	if e.Rule != rule.CacheHeld || !strings.Contains(text, "what the fleet has purged") || len(e.Fixes) > 0 {
		t.Error(text)
	}
	d, ok := w.store.Object("http://e/a")
	if !ok || d.Stored[0].Unusable != rule.CacheHeld {
		t.Errorf("%+v", d)
	}
	w.store.Release()
	if d, _ := w.store.Object("http://e/a"); d.Stored[0].Unusable != 0 {
		t.Errorf("%+v", d)
	}
}

// What a hold has declined, and what came under it as a hit after it, allocates
// nothing.
func TestHoldAllocates(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	w := newWorld(t, Options{}, tagging)
	w.store.Hold()
	w.do("GET http://e/a?tags=a,b,c")
	head := parse(t, "GET /a?tags=a,b,c HTTP/1.1\r\nHost: e\r\n\r\n")
	scratch := make([]byte, 0, 2048)
	var a httpd.Answer
	for _, hot := range []bool{false, true} {
		if n := alloctest.PerRun(100, func() {
			a = httpd.Answer{Scratch: scratch}
			if w.ServeHot(head, &a) != hot {
				t.Fatalf("hot: %v", !hot)
			}
		}); n != 0 {
			t.Errorf("%v allocations, hot: %v", n, hot)
		}
		w.store.Release()
	}
}

// TestHoldRace has requests race with holds and purges: one that begins after Hold
// has returned, and ends before Release is called, gets what the origin has given
// or confirmed since the request began, so that no purge is missed that was
// acknowledged elsewhere before it.
func TestHoldRace(t *testing.T) {
	for _, tier := range []string{"memory", "disk"} {
		t.Run(tier, func(t *testing.T) {
			// The origin has one version of all, which only grows, under holds too; an
			// answer of a version below that of the beginning of a request was not
			// validated for it.
			var version atomic.Int64
			w := newWorld(t, Options{Store: newTestStore(t, tier), Lease: patience}, func(rw http.ResponseWriter, r *http.Request) {
				h := rw.Header()
				h.Set("Cache-Control", "max-age=1000000, stale-while-revalidate=1000000")
				h.Set("Surrogate-Key", "all")
				v := strconv.FormatInt(version.Load(), 10)
				h.Set("ETag", `"`+v+`"`)
				if r.Header.Get("If-None-Match") == `"`+v+`"` {
					rw.WriteHeader(304)
					return
				}
				fmt.Fprint(rw, v)
			})
			// holding is true while Hold has returned and Release was not called; era
			// tells holds apart.
			var holding atomic.Bool
			var era atomic.Int64
			rounds := 1500
			if raceEnabled || testing.Short() {
				rounds = 300
			}
			var all sync.WaitGroup
			var held atomic.Int64
			for seed := range uint64(4) {
				all.Go(func() {
					r := rand.New(rand.NewPCG(seed, 5))
					for range rounds {
						began, under, least := era.Load(), holding.Load(), version.Load()
						asked := w.asked.Load()
						got := askVersion(w, r.IntN(4), r.IntN(2) == 0)
						if !under || era.Load() != began {
							continue
						}
						if held.Add(1); w.asked.Load() == asked {
							t.Error("answered under a hold without the origin")
							return
						}
						if got < least {
							t.Errorf("version %d for a request under a hold at version %d", got, least)
							return
						}
					}
				})
			}
			done := make(chan struct{})
			var driver sync.WaitGroup
			driver.Go(func() {
				r := rand.New(rand.NewPCG(11, 11))
				for {
					select {
					case <-done:
						return
					default:
					}
					version.Add(1)
					w.store.Hold()
					holding.Store(true)
					for from := w.asked.Load(); w.asked.Load() < from+int64(r.IntN(8)); {
						select {
						case <-done:
							return
						default:
							version.Add(int64(r.IntN(2)))
							if r.IntN(2) == 0 {
								w.purgeBy(r.IntN(2) == 0, pick(r, "tag all", "tag none", "prefix http://e/1"))
							}
						}
					}
					era.Add(1)
					holding.Store(false)
					w.store.Release()
				}
			})
			all.Wait()
			close(done)
			driver.Wait()
			w.swept()
			t.Logf("%d requests under holds", held.Load())
		})
	}
}
