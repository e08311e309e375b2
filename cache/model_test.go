package cache

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// What follows is RFC 9111 for the small world of history_test.go, written down
// anew: one plain function for each question, in seconds, without a thought of
// speed, and without package freshness.

// policy is what an origin says about a version of a resource.
type policy struct {
	cacheControl string
	expires      int // seconds after Date; 0: without
	modified     int // seconds before Date; 0: without Last-Modified
	age          int // of the Age field; -1: without
	tag          int // 0: none, 1: weak, 2: strong
	vary         bool
	status       int
}

func (p *policy) has(name string) bool {
	for _, d := range strings.Split(p.cacheControl, ", ") {
		if d == name || strings.HasPrefix(d, name+"=") {
			return true
		}
	}
	return false
}

func (p *policy) seconds(name string) int {
	for _, d := range strings.Split(p.cacheControl, ", ") {
		if v, ok := strings.CutPrefix(d, name+"="); ok {
			n, _ := strconv.Atoi(v)
			return n
		}
	}
	return -1
}

// lifetime is RFC 9111 §4.2.1 and §4.2.2.
func (p *policy) lifetime() float64 {
	switch {
	case p.seconds("s-maxage") >= 0:
		return float64(p.seconds("s-maxage"))
	case p.seconds("max-age") >= 0:
		return float64(p.seconds("max-age"))
	case p.expires > 0:
		return float64(p.expires)
	case p.modified > 0:
		return min(float64(p.modified)/10, 86400)
	}
	return 0
}

// storable is RFC 9111 §3 for a shared cache and a request without credentials.
// What can never be used without the origin, nor be validated, is not kept.
func (p *policy) storable() bool {
	fresh := p.lifetime() > 0 && !p.has("no-cache")
	return !p.has("no-store") && !p.has("private") && (fresh || p.tag > 0 || p.modified > 0)
}

// A grant is what one exchange with the origin allows the cache: to keep a
// version, and to use it for a while.
type grant struct {
	policy
	requested, received int64 // seconds
	date                int64
	gone                bool // invalidated or purged since
	stale               bool // softly purged since
	held                bool // the store is held: nothing is used that came before a request
	perhaps             bool // an answer to HEAD, or a part: it need not be kept
	lost                bool // perhaps, by a crash
	unsure              bool // a crash may have lost what became of it
}

// ageAt is RFC 9111 §4.2.3.
func (g *grant) ageAt(now int64) int64 {
	apparent := max(0, g.received-g.date)
	corrected := max(int64(0), int64(g.age)) + g.received - g.requested
	return max(apparent, corrected) + now - g.received
}

// wish is what a request's Cache-Control asks for; -1: nothing.
type wish struct {
	noStore, noCache, onlyIfCached bool
	maxAge, minFresh, maxStale     int
}

func (w *wish) plain() bool { return *w == wish{maxAge: -1, minFresh: -1, maxStale: -1} }

func (w *wish) String() string {
	var s []string
	add := func(ok bool, text string) {
		if ok {
			s = append(s, text)
		}
	}
	add(w.noStore, "no-store")
	add(w.noCache, "no-cache")
	add(w.onlyIfCached, "only-if-cached")
	add(w.maxAge >= 0, fmt.Sprint("max-age=", w.maxAge))
	add(w.minFresh >= 0, fmt.Sprint("min-fresh=", w.minFresh))
	add(w.maxStale >= 0, fmt.Sprint("max-stale=", w.maxStale))
	return strings.Join(s, ", ")
}

// usable says whether the grant lets a stored version answer without the
// origin (RFC 9111 §4, §5.2.1), or with an origin that failed.
func (g *grant) usable(w *wish, now int64, failed bool) (ok bool, why string) {
	age := float64(g.ageAt(now))
	left := g.lifetime() - age
	stale := g.stale && !g.unsure || g.held
	strict := g.has("must-revalidate") || g.has("proxy-revalidate") || g.has("s-maxage")
	switch {
	case g.gone && !g.unsure:
		return false, "it was invalidated"
	case stale && !failed:
		return false, "it was softly purged, or is held"
	case stale && strict:
		return false, "it was softly purged, or is held, and forbids stale use"
	case !g.storable():
		return false, "it may not be stored"
	case g.has("no-cache"):
		return false, "it says no-cache"
	case w.noCache:
		return false, "the request says no-cache"
	}
	if left > 0 && !stale {
		switch {
		case w.maxAge >= 0 && age > float64(w.maxAge) && w.maxStale < 0:
			return false, "it is older than the request wants"
		case w.minFresh >= 0 && left < float64(w.minFresh):
			return false, "it is not as fresh as the request wants"
		}
		return true, ""
	}
	switch {
	case strict:
		return false, "it is stale and forbids that"
	case w.maxStale >= 0 && -left <= float64(w.maxStale):
		return true, ""
	case w.maxAge >= 0 || w.minFresh >= 0:
		return false, "it is stale, and the request wants a fresh one"
	case -left <= float64(g.seconds("stale-while-revalidate")):
		return true, ""
	case failed && (-left <= 86400 || -left <= float64(g.seconds("stale-if-error"))):
		return true, ""
	}
	return false, fmt.Sprintf("it is stale by %v s", -left)
}

// mustUse says whether a cache with room for everything has no reason to ask.
func (g *grant) mustUse(w *wish, now int64) bool {
	explicit := g.seconds("s-maxage") >= 0 || g.seconds("max-age") >= 0 || g.expires > 0
	return explicit && g.storable() && !g.has("no-cache") && !g.gone && !g.stale && !g.held && !g.lost && w.plain() &&
		g.lifetime() > float64(g.ageAt(now))
}

// version is one state of a resource.
type version struct {
	url    string
	n      int
	policy policy
}

// body is what the version is for a value of the field that it varies by.
func (v *version) body(x string) string {
	if !v.policy.vary {
		x = ""
	}
	line := fmt.Sprintf("%s version %d for %q\n", v.url, v.n, x)
	return strings.Repeat(line, 1+(v.n*7919)%40)
}

func (v *version) etag(x string) string {
	if !v.policy.vary {
		x = ""
	}
	switch v.policy.tag {
	case 1:
		return fmt.Sprintf(`W/"%d%s"`, v.n, x)
	case 2:
		return fmt.Sprintf(`"%d%s"`, v.n, x)
	}
	return ""
}

// origin answers from the versions, with conditions and ranges, and notes what
// it grants.
type origin struct {
	now      func() int64
	delay    func() // lets time pass while a request is under way
	current  map[string]*version
	versions []*version
	grants   map[string][]*grant // by url, version and variant: the latest is the last
	failing  bool
	held     bool  // the store is, and with it all that comes
	answered []int // the statuses since the last request
}

func grantKey(v *version, x string) string {
	if !v.policy.vary {
		x = ""
	}
	return fmt.Sprintf("%s %d %s", v.url, v.n, x)
}

func (o *origin) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	requested := o.now()
	o.delay()
	status := o.answer(w, r, requested)
	o.answered = append(o.answered, status)
}

func (o *origin) answer(w http.ResponseWriter, r *http.Request, requested int64) int {
	if o.failing {
		w.WriteHeader(503)
		return 503
	}
	url := r.URL.RequestURI()
	v := o.current[url]
	if r.Method != "GET" && r.Method != "HEAD" {
		w.WriteHeader(204)
		return 204
	}
	x := r.Header.Get("X-V")
	p := &v.policy
	h := w.Header()
	date := o.now()
	h.Set("X-Version", strconv.Itoa(v.n))
	h.Set("Surrogate-Key", "all "+url[1:2]) // a or b
	h.Set("Date", time.Unix(date, 0).UTC().Format(http.TimeFormat))
	if p.cacheControl != "" {
		h.Set("Cache-Control", p.cacheControl)
	}
	if p.expires > 0 {
		h.Set("Expires", time.Unix(date+int64(p.expires), 0).UTC().Format(http.TimeFormat))
	}
	if p.modified > 0 {
		h.Set("Last-Modified", time.Unix(date-int64(p.modified), 0).UTC().Format(http.TimeFormat))
	}
	if p.age >= 0 {
		h.Set("Age", strconv.Itoa(p.age))
	}
	tag := v.etag(x)
	if tag != "" {
		h.Set("ETag", tag)
	}
	if p.vary {
		h.Set("Vary", "X-V")
	}
	if !strings.Contains(r.Header.Get("Cache-Control"), "no-store") {
		g := &grant{policy: *p, requested: requested, received: date, date: date, held: o.held, perhaps: r.Method == "HEAD" || r.Header.Get("Range") != ""}
		o.grants[grantKey(v, x)] = append(o.grants[grantKey(v, x)], g)
	}
	if tag != "" && strings.Contains(", "+r.Header.Get("If-None-Match")+",", ", "+tag+",") {
		w.WriteHeader(304)
		return 304
	}
	body := v.body(x)
	if r.Method == "HEAD" {
		h.Set("Content-Length", strconv.Itoa(len(body)))
	}
	if first, last, ok := wantedRange(r, len(body)); ok && p.status == 200 && (r.Header.Get("If-Range") == "" || r.Header.Get("If-Range") == tag && p.tag == 2) {
		h.Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", first, last, len(body)))
		w.WriteHeader(206)
		fmt.Fprint(w, body[first:last+1])
		return 206
	}
	w.WriteHeader(p.status)
	if r.Method == "GET" {
		fmt.Fprint(w, body)
	}
	return p.status
}

// wantedRange reads "bytes=a-b" and "bytes=a-".
func wantedRange(r *http.Request, size int) (first, last int, ok bool) {
	s, ok := strings.CutPrefix(r.Header.Get("Range"), "bytes=")
	if !ok || r.Method != "GET" {
		return 0, 0, false
	}
	a, b, _ := strings.Cut(s, "-")
	first, _ = strconv.Atoi(a)
	last = size - 1
	if b != "" {
		last, _ = strconv.Atoi(b)
	}
	last = min(last, size-1)
	return first, last, first <= last
}
