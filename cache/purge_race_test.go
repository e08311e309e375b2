package cache

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"freshet/freshness"
	"freshet/httpd"
	"freshet/internal/alloctest"
)

// TestPurgeRace has requests race with purges: one that begins after a purge was
// acknowledged never gets what was purged, whichever way it is answered.
func TestPurgeRace(t *testing.T) {
	for _, tier := range []string{"memory", "disk"} {
		t.Run(tier, func(t *testing.T) {
			s := newTestStore(t, tier)
			// The version that the origin has, by key; a purge comes after it has changed.
			var versions [4]atomic.Int64
			w := newWorld(t, Options{Store: s, Lease: patience}, func(rw http.ResponseWriter, r *http.Request) {
				n, _ := strconv.Atoi(r.URL.Path[1:])
				rw.Header().Set("Cache-Control", "max-age=1000000")
				rw.Header().Set("Surrogate-Key", fmt.Sprint("all n", n))
				rw.Header().Set("Content-Type", "text/plain")
				v := versions[n].Load()
				rw.Header().Set("ETag", fmt.Sprintf(`"%d"`, v))
				if r.Header.Get("If-None-Match") == rw.Header().Get("ETag") {
					rw.WriteHeader(304)
					return
				}
				fmt.Fprint(rw, v)
			})
			var purged [4]atomic.Int64 // up to which version
			rounds := 1500
			if raceEnabled || testing.Short() {
				rounds = 300
			}
			var all sync.WaitGroup
			for seed := range uint64(4) {
				all.Go(func() {
					r := rand.New(rand.NewPCG(seed, 3))
					for range rounds {
						n := r.IntN(len(versions))
						least := purged[n].Load()
						if got := askVersion(w, n, r.IntN(2) == 0); got < least {
							t.Errorf("%d: version %d, though %d was purged", n, got, least)
							return
						}
					}
				})
			}
			all.Go(func() {
				r := rand.New(rand.NewPCG(9, 9))
				for i := range rounds / 6 {
					n := r.IntN(len(versions))
					v := versions[n].Add(1)
					what := pick(r, fmt.Sprint("tag n", n), fmt.Sprint("prefix http://e/", n), "host e", fmt.Sprintf("where path~/%d type=text/plain", n), "tag all", "url", "everything")
					if soft := i%2 == 0; what == "url" {
						w.Purge(fmt.Sprint("http://e/", n), soft)
					} else {
						w.purgeBy(soft, what)
					}
					purged[n].Store(v)
				}
			})
			all.Wait()
			w.swept()
		})
	}
}

// askVersion asks for a resource, first on the hot path if need be.
func askVersion(w *world, n int, hot bool) int64 {
	if hot {
		head := parse(w.t, fmt.Sprintf("GET /%d HTTP/1.1\r\nHost: e\r\n\r\n", n))
		a := httpd.Answer{}
		if w.ServeHot(head, &a) {
			v, _ := strconv.ParseInt(string(a.Body), 10, 64)
			if a.Done != nil {
				a.Done.Release()
			}
			return v
		}
	}
	v, _ := strconv.ParseInt((<-w.start(fmt.Sprintf("GET http://e/%d", n))).Body.String(), 10, 64)
	return v
}

var purgeObjects = flag.Int("purge.objects", 20_000, "how many objects TestPurgeOfMany purges")

// However many objects have a tag, a purge of it touches none of them, and yet
// its receipt is exact; they go in the sweep.
func TestPurgeOfMany(t *testing.T) {
	n := *purgeObjects
	s, err := NewStore(StoreOptions{Memory: int64(n) * 4096})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	w := newWorld(t, Options{Store: s}, tagging)
	fillStore(t, w, n)
	s.sweeper.mu.Lock()
	s.sweeper.running = true // it is held back
	s.sweeper.mu.Unlock()
	r := w.purgeBy(false, "tag many")
	if r.Objects != int64(n) || r.Counting || s.memory.EstimatedSize() != n || !r.Done.IsZero() {
		t.Errorf("%+v, %d are there", r, s.memory.EstimatedSize())
	}
	expect(t, w.do("GET http://e/0"), 200, "hello", "cache-purged")
	s.sweeper.mu.Lock()
	s.sweeper.running = false
	s.sweeper.mu.Unlock()
	s.sweep()
	w.swept()
	r, _ = s.Receipt(r.ID)
	if r.Objects != int64(n) || r.Done.IsZero() || s.memory.EstimatedSize() != 1 {
		t.Errorf("%+v, %d are left", r, s.memory.EstimatedSize())
	}
}

// fillStore stores objects without bodies, all with one tag.
func fillStore(t testing.TB, w *world, n int) {
	t.Helper()
	fields := freshness.Fields{"Surrogate-Key": {"many"}, "Date": {"Tue, 14 Nov 2023 22:13:20 GMT"}}
	for i := range n {
		o := newObject(200, fields, freshness.Terms{Lifetime: 1e15}, w.now, body{})
		o.born = w.store.generation.Load()
		if !w.store.put(fmt.Sprint("http://e/", i), o, w.store.invalidated.moment(), 1) {
			t.Fatal("not stored")
		}
	}
}

// A hit after a purge that is not about it allocates no more than one before.
func TestHitAfterPurgeAllocates(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	w := newWorld(t, Options{}, tagging)
	w.do("GET http://e/a?tags=a,b,c")
	head := parse(t, "GET /a?tags=a,b,c HTTP/1.1\r\nHost: e\r\n\r\n")
	scratch := make([]byte, 0, 2048)
	var a httpd.Answer
	r := w.store.peek("http://e/a?tags=a,b,c")
	for range 2 {
		n := alloctest.PerRun(100, func() {
			a = httpd.Answer{Scratch: scratch}
			r.objects[0].prepared.seen.Store(0)
			if !w.ServeHot(head, &a) {
				t.Fatal("declined")
			}
		})
		if n != 0 {
			t.Errorf("%v allocations", n)
		}
		for i := range 20 { // with more than are compared one by one
			w.purgeBy(i%2 == 0, fmt.Sprint("tag t", i), fmt.Sprint("host h", i), fmt.Sprint("prefix http://e/x", strings.Repeat("y", i)), fmt.Sprint("where path~/z", i))
		}
		w.store.invalidateGroups("http://e", []string{"g"})
		w.swept()
	}
}

func BenchmarkPurgeTag(b *testing.B) {
	s, err := NewStore(StoreOptions{Memory: 8 << 30})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	h, err := New(Options{Store: s, Next: http.NotFoundHandler()})
	if err != nil {
		b.Fatal(err)
	}
	fillStore(b, &world{Handler: h, now: 1_700_000_000e9}, *purgeObjects)
	what, _ := ByTag("many")
	for b.Loop() {
		if _, err := s.PurgeBy(Purge{What: []Selector{what}, Soft: true}); err != nil {
			b.Fatal(err)
		}
	}
}
