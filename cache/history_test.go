package cache

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"freshet/internal/record"
	"freshet/internal/why"
	"freshet/internal/wiretest"
)

var histories = flag.Int("histories", 200, "how many random histories TestHistories plays")

// TestHistories plays random histories — requests, time, changes at the origin,
// purges, restarts, crashes — and compares each answer with what the model
// allows, and what was asked of the origin with what a cache must know.
func TestHistories(t *testing.T) {
	n := uint64(*histories)
	if raceEnabled {
		n = max(n/5, 1)
	}
	first := wiretest.Seed(t)
	for i := range n {
		if playHistory(t, first+i); t.Failed() {
			return
		}
	}
}

// history is one world and its past.
type history struct {
	*world
	o    *origin
	r    *rand.Rand
	dir  string // "" without a disk
	seed uint64
	// known is, by URL and X-V, what the cache was given last in a plain exchange
	// and must have.
	known map[string]*grant
	log   []string
}

func playHistory(t *testing.T, seed uint64) {
	r := rand.New(rand.NewPCG(seed, 1))
	h := &history{r: r, seed: seed, known: map[string]*grant{}}
	h.o = &origin{current: map[string]*version{}, grants: map[string][]*grant{}}
	if r.IntN(3) == 0 {
		h.dir = t.TempDir()
	}
	opt := Options{Store: h.open(t), Profile: Standard}
	if h.dir != "" {
		opt.MaxInMemory = 500
	}
	h.world = newWorld(t, opt, h.o.ServeHTTP)
	defer func() { h.store.Close() }()
	h.o.now = func() int64 { return atomic.LoadInt64(&h.now) / 1e9 }
	h.o.delay = func() {
		if r.IntN(4) == 0 {
			h.pass(float64(1 + r.IntN(3)))
		}
	}
	for _, url := range []string{"/a", "/a?1", "/b"} {
		h.edit(url)
	}
	for range 60 {
		h.step()
		if t.Failed() {
			for _, line := range h.log {
				t.Log(line)
			}
			t.Logf("again with: FRESHET_TEST_SEED=%d go test ./cache -run TestHistories -histories=1", seed)
			return
		}
	}
}

func (h *history) open(t *testing.T) *Store {
	s, err := newStore(StoreOptions{Dir: h.dir})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func (h *history) note(format string, args ...any) {
	h.log = append(h.log, fmt.Sprintf("%6d s  ", h.o.now()-1_700_000_000)+fmt.Sprintf(format, args...))
}

func (h *history) fail(format string, args ...any) {
	h.t.Errorf(format, args...)
}

func (h *history) url() string { return [...]string{"/a", "/a?1", "/b"}[h.r.IntN(3)] }

// pick returns one of its arguments.
func pick[T any](r *rand.Rand, from ...T) T { return from[r.IntN(len(from))] }

// edit gives a resource a new version with a new policy.
func (h *history) edit(url string) {
	r := h.r
	p := policy{
		cacheControl: pick(r, "", "max-age=10", "max-age=100", "max-age=100", "max-age=1000", "s-maxage=50, max-age=5", "no-store", "private, max-age=100",
			"no-cache", "max-age=20, must-revalidate", "max-age=20, stale-while-revalidate=30", "max-age=20, stale-if-error=200000", "public", "max-age=0"),
		expires:  pick(r, 0, 0, 0, 40),
		modified: pick(r, 0, 0, 100, 1000, 10_000_000),
		age:      pick(r, -1, -1, -1, 0, 7),
		tag:      r.IntN(3),
		vary:     r.IntN(3) == 0,
		status:   pick(r, 200, 200, 200, 200, 404),
	}
	v := &version{url, len(h.o.versions), p}
	h.o.versions = append(h.o.versions, v)
	h.o.current[url] = v
	h.note("%s is version %d: %+v", url, v.n, p)
}

func (h *history) step() {
	r := h.r
	switch r.IntN(20) {
	case 0:
		h.edit(h.url())
	case 1: // the same version with another policy
		v := *h.o.current[h.url()]
		v.policy.cacheControl = pick(r, "max-age=30", "no-store", "no-cache", "private")
		h.o.current[v.url] = &v
		h.note("%s says %q", v.url, v.policy.cacheControl)
	case 2:
		h.unsafe()
	case 3:
		h.purge()
	case 4:
		if h.dir != "" {
			h.restart()
		}
	case 9:
		h.hold()
	case 5, 6, 7, 8:
		h.pass(float64(pick(r, 1, 5, 15, 60, 500, 100_000)))
	default:
		h.request()
	}
	h.settle()
}

// settle waits until nothing goes on in the background.
func (h *history) settle() {
	for range cap(h.background) {
		select {
		case h.background <- struct{}{}:
		case <-time.After(patience):
			h.t.Fatal("a validation in the background does not end")
		}
	}
	for range cap(h.background) {
		<-h.background
	}
}

// each calls f with all grants of a URL, or of all.
func (h *history) each(url string, f func(*grant)) {
	for key, gs := range h.o.grants {
		if u, _, _ := strings.Cut(key, " "); url == "" || u == url {
			for _, g := range gs {
				f(g)
			}
		}
	}
}

func (h *history) unsafe() {
	url, method := h.url(), pick(h.r, "POST", "PUT", "DELETE")
	h.o.failing = h.r.IntN(4) == 0
	rec := h.do(method + " http://e" + url)
	h.note("%s %s: %d", method, url, rec.Code)
	if !h.o.failing {
		h.edit(url)
		h.each(url, func(g *grant) { g.gone, g.unsure = true, false })
	}
	h.o.failing = false
}

// purge purges by one of the ways that name some of the addresses, or all.
func (h *history) purge() {
	soft := h.r.IntN(2) == 0
	urls := []string{"/a", "/a?1", "/b"}
	var what string
	switch h.r.IntN(8) {
	case 0:
		urls = urls[:2]
		what = pick(h.r, "prefix http://e/a", "where path~/a", "where path~*a* age<1000w", "tag a")
	case 1:
		urls = urls[2:]
		what = pick(h.r, "prefix http://e/b", "where path~/b", "tag b", "where tag=b host=e")
	case 2:
		urls = urls[1:2]
		what = "prefix http://e/a?"
	case 3:
		urls = nil
		what = pick(h.r, "host other", "tag none", "where status=3xx", "prefix https://e/")
	case 4:
		what = pick(h.r, "host e", "tag all", "where size<1MB", "prefix http://e")
	case 5, 6:
		what = "everything"
	default:
		url := h.url()
		urls = []string{url}
		if _, err := h.Purge("http://e"+url, soft); err != nil {
			h.fail("purge: %v", err)
		}
	}
	if what != "" {
		h.purgeBy(soft, what)
	}
	h.note("purge of %q, %q, soft: %v", urls, what, soft)
	for _, url := range urls {
		h.each(url, func(g *grant) {
			g.stale, g.unsure = true, false
			g.gone = g.gone || !soft
		})
	}
}

// hold holds the store, or releases it.
func (h *history) hold() {
	h.o.held = !h.store.isHeld()
	if h.o.held {
		h.note("hold")
		h.store.Hold()
		h.each("", func(g *grant) { g.held = true })
		return
	}
	h.note("release")
	h.store.Release()
	h.each("", func(g *grant) { g.held = false })
}

// restart closes the store and opens it again, or takes a copy of its files as
// they are while it is at work, as a crash would leave them.
func (h *history) restart() {
	drained := h.r.IntN(2) == 0
	if h.r.IntN(2) == 0 {
		h.note("restart")
		if err := h.store.Close(); err != nil {
			h.fail("close: %v", err)
		}
	} else {
		h.note("crash, all was written: %v", drained)
		if drained {
			h.drain()
		}
		copied := h.t.TempDir()
		for late := time.Now().Add(patience); ; {
			err := copyStore(copied, h.dir)
			if err == nil {
				break
			}
			if time.Now().After(late) {
				h.t.Fatal(err)
			}
			copied = h.t.TempDir() // a file went while it was copied
		}
		h.store.Close()
		h.dir = copied
		if !drained { // what was stored last may be lost, what was removed last be back
			h.each("", func(g *grant) { g.unsure, g.lost = true, true })
		}
	}
	h.store, h.o.held = h.open(h.t), false
	h.store.policy.Store(&h.policy)
	h.each("", func(g *grant) { g.held = false })
	// Until it has counted what there is, it may have no room.
	for late := time.Now().Add(patience); ; time.Sleep(10 * time.Microsecond) {
		if s := h.store.disk.files.Stats(); s.Indexed && s.Bytes < s.MaxBytes/2 {
			break
		}
		if time.Now().After(late) {
			h.t.Fatal("what is on disk is not counted")
		}
	}
}

// copyStore copies a folder that a store is at work in. First what says which
// objects are gone: a purge that is swept while the objects are copied would be
// missing beside an object that it is about, which no moment has seen.
func copyStore(to, from string) error {
	log, err := os.ReadFile(filepath.Join(from, "purges.log"))
	if err == nil {
		err = os.WriteFile(filepath.Join(to, "purges.log"), log, 0o600)
	}
	if err != nil && !os.IsNotExist(err) {
		return err
	}
	return os.CopyFS(filepath.Join(to, "objects"), os.DirFS(filepath.Join(from, "objects")))
}

func (h *history) drain() {
	d := h.store.disk
	d.mu.Lock()
	defer d.mu.Unlock()
	for len(d.order) > 0 {
		d.more.Wait()
	}
}

func (h *history) request() {
	r, o := h.r, h.o
	url, x := h.url(), pick(r, "", "a", "b")
	method := pick(r, "GET", "GET", "GET", "GET", "GET", "HEAD")
	w := wish{maxAge: -1, minFresh: -1, maxStale: -1}
	switch r.IntN(24) {
	case 0:
		w.noStore = true
	case 1:
		w.noCache = true
	case 2:
		w.onlyIfCached = true
	case 3:
		w.maxAge = pick(r, 0, 10, 50)
	case 4:
		w.minFresh = pick(r, 5, 50)
	case 5:
		w.maxStale = pick(r, 5, 1000)
	}
	var fields []string
	add := func(name, value string) {
		if value != "" {
			fields = append(fields, name+": "+value)
		}
	}
	add("Cache-Control", w.String())
	add("X-V", x)
	rangeAsked, condition := "", ""
	if method == "GET" && r.IntN(5) == 0 {
		first := r.IntN(30)
		rangeAsked = fmt.Sprintf("bytes=%d-", first)
		if r.IntN(3) > 0 {
			rangeAsked += strconv.Itoa(first + r.IntN(200))
		}
		add("Range", rangeAsked)
	} else if r.IntN(6) == 0 {
		condition = o.current[url].etag(x)
		add("If-None-Match", condition)
	}
	o.failing = r.IntN(12) == 0
	before := o.now()
	o.answered = nil
	foreseen := h.foresee(method, url, fields)
	hot := hotReply(h.t, h.Handler, method, url, fields)
	rec := get(h.t, h.start(method+" http://e"+url, fields...))
	h.settle()
	if rec == nil {
		// What is sent while the rest is fetched is cut when that fails.
		if h.note("%s %s %v: cut", method, url, fields); len(o.answered) == 0 {
			h.fail("cut, though the origin was not asked")
		}
		o.failing, h.known = false, map[string]*grant{}
		return
	}
	h.note("%s %s %v: %d %q, origin %v (failing %v)", method, url, fields, rec.Code, rec.Header().Get("Cache-Status"), o.answered, o.failing)
	if hot != nil {
		if len(o.answered) > 0 {
			h.fail("answered on the hot path, but else the origin was asked")
		}
		sameReply(h.t, method, hot, rec)
	}
	if hit := strings.Contains(rec.Header().Get("Cache-Status"), "; hit"); hit != foreseen.fromStore() {
		h.fail("foreseen: %s", foreseen.Sentence)
	}
	h.check(&exchange{method, url, x, rangeAsked, condition, w, before, rec})
	o.failing = false
}

// foreseen is what Why says of a request.
type foreseen struct{ *why.Explanation }

func (f foreseen) fromStore() bool {
	return f.Verdict == record.Hit || f.Verdict == record.Stale
}

func (h *history) foresee(method, url string, fields []string) foreseen {
	r := httptest.NewRequest(method, "http://e"+url, nil)
	for _, f := range fields {
		name, value, _ := strings.Cut(f, ": ")
		r.Header.Add(name, value)
	}
	e := foreseen{h.Why(r)}
	if !e.fromStore() && e.Rule == 0 {
		h.fail("no cause is foreseen: %s", e.Sentence)
	}
	return e
}

// exchange is a request and its answer.
type exchange struct {
	method, url, x string
	rng, condition string
	wish           wish
	before         int64 // when it was sent
	rec            *httptest.ResponseRecorder
}

// check compares an answer with the model.
func (h *history) check(e *exchange) {
	o, rec := h.o, e.rec
	asked := len(o.answered) > 0
	background := strings.Contains(rec.Header().Get("Cache-Status"), "; hit")
	plain := e.method == "GET" && e.rng == "" && e.condition == "" && e.wish.plain()
	if g := h.known[e.url+" "+e.x]; g != nil && plain && asked && g.mustUse(&e.wish, e.before) {
		h.fail("the origin was asked, though the cache has %+v", *g)
	}
	if asked {
		// What was stored for this request is replaced, for every X-V that it was
		// stored for: while the store is held, also what is fresh.
		replaced := h.known[e.url+" "+e.x]
		for _, x := range []string{"", "a", "b"} {
			key := e.url + " " + x
			if !plain || background || o.failing || x == e.x || !o.current[e.url].policy.vary || h.known[key] == replaced {
				delete(h.known, key)
			}
		}
	}
	switch {
	case rec.Code == 504 && e.wish.onlyIfCached:
		if asked {
			h.fail("only-if-cached, but the origin was asked")
		}
		return
	case rec.Code == 503 && o.failing && asked:
		return
	case rec.Code == 416:
		if e.rng == "" || !strings.HasPrefix(rec.Header().Get("Content-Range"), "bytes */") {
			h.fail("416 with %q", rec.Header())
		}
		return
	}
	v := h.identify(e)
	switch {
	case v == nil:
	case !asked || background || o.failing:
		h.checkStored(e, v, asked && o.failing)
	case v != o.current[e.url] && v.n != o.current[e.url].n:
		h.fail("version %d, but the origin has %d", v.n, o.current[e.url].n)
	case plain:
		for _, x := range []string{"", "a", "b"} {
			if gs := o.grants[grantKey(v, e.x)]; (x == e.x || !v.policy.vary) && gs[len(gs)-1].storable() {
				h.known[e.url+" "+x] = gs[len(gs)-1]
			}
		}
	}
}

// checkStored is about an answer that the origin did not give.
func (h *history) checkStored(e *exchange, v *version, failed bool) {
	gs := h.o.grants[grantKey(v, e.x)]
	why := "the origin never gave it"
	for i := len(gs) - 1; i >= 0; i-- {
		g := gs[i]
		if g.received > e.before && !failed || g.requested >= e.before && strings.Contains(e.rec.Header().Get("Cache-Status"), "hit") && len(h.o.answered) > 0 && i > 0 && i == len(gs)-1 {
			continue // it came in the background, afterwards
		}
		for at := e.before; at <= h.o.now(); at++ {
			ok, because := g.usable(&e.wish, at, failed)
			age, _ := strconv.ParseInt(e.rec.Header().Get("Age"), 10, 64)
			switch {
			case !ok:
				why = because
			case age != g.ageAt(at):
				why = fmt.Sprintf("Age is %d, not %d", age, g.ageAt(at))
			default:
				return
			}
		}
		if !g.lost && !g.perhaps && g.storable() {
			break // what came before it was replaced
		}
	}
	h.fail("version %d may not be used: %s", v.n, why)
}

// identify finds the version that an answer is made of, and checks that it is
// byte for byte a part of it.
func (h *history) identify(e *exchange) *version {
	rec := e.rec
	n, err := strconv.Atoi(rec.Header().Get("X-Version"))
	if err != nil {
		h.fail("%d without a version: %q", rec.Code, rec.Header())
		return nil
	}
	v := h.o.versions[n]
	full, body := v.body(e.x), rec.Body.String()
	want, part := full, ""
	if first, last, ok := wantedRange(&http.Request{Method: e.method, Header: http.Header{"Range": {e.rng}}}, len(full)); ok {
		want, part = full[first:last+1], fmt.Sprintf("bytes %d-%d/%d", first, last, len(full))
	}
	switch {
	case v.url != e.url:
		h.fail("the answer is of %s", v.url)
	case rec.Header().Get("ETag") != v.etag(e.x):
		h.fail("the tag of version %d is %s", n, rec.Header().Get("ETag"))
	case rec.Code == 304 && (e.condition == "" || strings.TrimPrefix(e.condition, "W/") != strings.TrimPrefix(v.etag(e.x), "W/")):
		h.fail("304, but asked about %q", e.condition)
	case rec.Code == 206 && (e.rng == "" || rec.Header().Get("Content-Range") != part):
		h.fail("Content-Range is %q, not %q", rec.Header().Get("Content-Range"), part)
	case rec.Code == 206 && body != want,
		rec.Code == v.policy.status && e.method == "GET" && body != full,
		(e.method == "HEAD" || rec.Code == 304) && body != "":
		h.fail("%d with %q", rec.Code, body)
	case rec.Code != v.policy.status && rec.Code != 206 && rec.Code != 304:
		h.fail("status %d", rec.Code)
	default:
		return v
	}
	return nil
}
