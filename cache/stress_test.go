package cache

import (
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// TestStress has clients do everything at once to a store with little room: for
// the race detector, and to see that each gets what it asked for, complete, and
// nothing that was replaced before it asked.
func TestStress(t *testing.T) {
	for _, dir := range []string{"", t.TempDir()} {
		s, err := newStore(StoreOptions{Memory: 1 << 20, Dir: dir, Disk: 8 << 20, ErrorLog: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		var versions [20]atomic.Int64
		w := newWorld(t, Options{Store: s, Lease: patience}, func(rw http.ResponseWriter, r *http.Request) {
			n, _ := strconv.Atoi(r.URL.Path[1:])
			if r.Method == "POST" {
				versions[n].Add(1)
				rw.WriteHeader(204)
				return
			}
			v := versions[n].Load()
			tag := fmt.Sprintf(`"%d-%s"`, v, r.Header.Get("X-V"))
			h := rw.Header()
			h.Set("Cache-Control", "max-age=5, stale-while-revalidate=0")
			h.Set("ETag", tag)
			h.Set("X-Version", strconv.FormatInt(v, 10))
			if n%3 == 0 {
				h.Set("Vary", "X-V")
			} else {
				h.Set("ETag", fmt.Sprintf(`"%d"`, v))
			}
			if r.Header.Get("If-None-Match") == h.Get("ETag") {
				rw.WriteHeader(304)
				return
			}
			fmt.Fprint(rw, stressBody(n, v, r.Header.Get("X-V")))
		})
		rounds := 300
		if raceEnabled || testing.Short() {
			rounds = 60
		}
		var all sync.WaitGroup
		for seed := range uint64(8) {
			all.Go(func() {
				r := rand.New(rand.NewPCG(seed, 7))
				for range rounds {
					stressStep(w, r, &versions)
				}
			})
		}
		all.Wait()
		s.Close()
	}
}

// stressBody is of a size and with contents of its own; only every third
// resource varies.
func stressBody(n int, v int64, x string) string {
	if n%3 != 0 {
		x = ""
	}
	return strings.Repeat(fmt.Sprintf("resource %d version %d for %q\n", n, v, x), 1+n*n*8)
}

// lookAround does what a monitor does.
func lookAround(w *world, target, x string) {
	ask := httptest.NewRequest("GET", target, nil)
	ask.Header.Set("X-V", x)
	if e := w.Why(ask); e.Rule == 0 || e.Sentence == "" {
		w.t.Errorf("%+v", e)
	}
	for i := range w.store.Objects {
		if d, ok := w.store.Object(i.Key); ok && len(d.Stored) != d.Variants {
			w.t.Errorf("%+v", d)
		}
	}
	w.store.TopMisses()
	w.store.Totals()
	for range w.store.DiskObjects {
	}
}

func stressStep(w *world, r *rand.Rand, versions *[20]atomic.Int64) {
	n, x := r.IntN(len(versions)), pick(r, "a", "b")
	target := fmt.Sprintf("http://e/%d", n)
	switch r.IntN(40) {
	case 0:
		w.do("POST " + target)
		return
	case 1:
		w.pass(1)
		return
	case 2:
		w.Purge(target, r.IntN(2) == 0)
		return
	case 3:
		if r.IntN(5) == 0 {
			w.store.PurgeAll(r.IntN(2) == 0)
		}
		return
	}
	if r.IntN(20) == 0 {
		lookAround(w, target, x)
	}
	asked := versions[n].Load()
	rec := <-w.start("GET "+target, "X-V: "+x)
	if rec == nil {
		return // cut: what was being read went
	}
	v, _ := strconv.ParseInt(rec.Header().Get("X-Version"), 10, 64)
	switch {
	case rec.Code != 200:
		w.t.Errorf("%s: %d %s", target, rec.Code, rec.Body)
	case rec.Body.String() != stressBody(n, v, x):
		w.t.Errorf("%s: %d bytes that are not those of version %d", target, rec.Body.Len(), v)
	case v < asked-8:
		// As many as there are clients may be in flight: their POSTs have changed the
		// origin, and the cache has not seen their answers.
		w.t.Errorf("%s: version %d, though %d was there before it was asked for", target, v, asked)
	}
}
