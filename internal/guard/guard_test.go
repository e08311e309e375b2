package guard

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"freshet/httpd"
	"freshet/internal/alloctest"
	"freshet/internal/rule"
	"freshet/internal/why"
	"freshet/internal/wire"
	"freshet/signedurl"
)

var (
	key   = signedurl.Key{ID: "k1", Secret: []byte("0123456789abcdef")}
	other = signedurl.Key{ID: "k2", Secret: []byte("fedcba9876543210")}
)

const second = int64(time.Second)

// signed is a guard whose clock the test moves, and the file of its keys.
type signed struct {
	*SignedURL
	file   string
	now    atomic.Int64
	faults []string
}

func newSigned(t testing.TB, keys ...signedurl.Key) *signed {
	t.Helper()
	s := &signed{file: filepath.Join(t.TempDir(), "links.keys")}
	s.now.Store(1_800_000_000 * second)
	s.put(t, keys...)
	g, err := OpenSignedURL(s.file, front, s.now.Load, func(err error) { s.faults = append(s.faults, err.Error()) })
	if err != nil {
		t.Fatal(err)
	}
	s.SignedURL = g
	return s
}

func (s *signed) put(t testing.TB, keys ...signedurl.Key) {
	t.Helper()
	var text strings.Builder
	for _, k := range keys {
		text.WriteString(k.String() + "\n")
	}
	if err := os.WriteFile(s.file, []byte(text.String()), 0o600); err != nil {
		t.Fatal(err)
	}
}

// link signs a target of the host test, for a minute.
func (s *signed) link(t testing.TB, k signedurl.Key, target string) string {
	t.Helper()
	link, err := signedurl.Sign("http://test"+target, k, signedurl.Options{Expires: time.Unix(0, s.now.Load()).Add(time.Minute)})
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimPrefix(link, "http://test")
}

// saw is a handler of both kinds that remembers what it was asked.
type saw struct {
	target, uri string
	declines    bool
}

func (s *saw) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.target, s.uri = r.URL.RequestURI(), r.RequestURI
}

func (s *saw) ServeHot(q *httpd.Head, a *httpd.Answer) bool {
	s.target, s.uri = q.Path, q.Target
	if q.HasQuery {
		s.target += "?" + q.Query
	}
	return !s.declines
}

func headOf(t testing.TB, target string) *wire.Head {
	t.Helper()
	var l wire.Limits
	q := new(wire.Head)
	if n, broken := l.ParseRequest([]byte("GET "+target+" HTTP/1.1\r\nHost: test\r\n\r\n"), q); n == 0 || broken != 0 {
		t.Fatalf("%s: %v", target, broken)
	}
	q.Now = time.Now().UnixNano()
	return q
}

// Both paths decide alike, and let the same request on.
func TestBothPaths(t *testing.T) {
	g := newSigned(t, key)
	good := g.link(t, key, "/a/b?x=1")
	for _, tt := range []struct {
		target string
		want   rule.ID
		on     string
	}{
		{good, 0, "/a/b?x=1"},
		{g.link(t, key, "/a"), 0, "/a"},
		{g.link(t, key, "/a?"), 0, "/a"},
		{g.link(t, key, "/a?b&&c=%20"), 0, "/a?b&&c=%20"},
		{g.link(t, key, "/%61%2f%7e[x]?"), 0, "/%61%2f%7e[x]"},
		{"http://test" + good, 0, "/a/b?x=1"},
		{"/a/b?x=1", rule.SignedURLMissing, ""},
		{good + "&y=2", rule.SignedURLMalformed, ""},
		{strings.Replace(good, "x=1", "x=2", 1), rule.SignedURLBad, ""},
		{g.link(t, other, "/a"), rule.SignedURLKey, ""},
	} {
		var behind saw
		w := httptest.NewRecorder()
		q := headOf(t, tt.target)
		before := *q
		answered := Hot(&behind, g).ServeHot(q, new(httpd.Answer))
		if q.Target != before.Target || q.Query != before.Query || q.Path != before.Path || q.HasQuery != before.HasQuery {
			t.Errorf("%s: the head is another afterwards: %q", tt.target, q.Target)
		}
		hot := behind
		behind = saw{}
		r := httptest.NewRequest("GET", tt.target, nil)
		r.Host = "test"
		Handler(&behind, g).ServeHTTP(w, r)
		if behind != hot || answered != (tt.want == 0) || behind.target != tt.on || behind.uri != tt.on && behind.uri != "http://test"+tt.on {
			t.Errorf("%s: %+v, and on the hot path %+v, %v; want %q", tt.target, behind, hot, answered, tt.on)
		}
		if tt.want != 0 && (w.Code != rule.Of(tt.want).Status || w.Header().Get("Cache-Control") != "no-store" || !strings.Contains(w.Body.String(), rule.Of(tt.want).Sentence)) {
			t.Errorf("%s: %d, %v, %s", tt.target, w.Code, w.Header(), w.Body)
		}
		on, compared, e := Why(r, g)
		if (on == nil) != (tt.want != 0) || on != nil && (on.URL.RequestURI() != tt.on || len(compared) == 0) || e != nil && (e.Rule != tt.want || e.Status != w.Code) {
			t.Errorf("%s: why says %v, %+v", tt.target, on, e)
		}
	}
}

// What a handler in front has made of the address counts, not what was sent: a
// program may have sent the request on.
func TestSentOn(t *testing.T) {
	g := newSigned(t, key)
	var behind saw
	r := httptest.NewRequest("GET", g.link(t, key, "/a"), nil)
	r.Host = "test"
	r.URL.Path = "/b"
	w := httptest.NewRecorder()
	if Handler(&behind, g).ServeHTTP(w, r); w.Code != 403 || behind.target != "" {
		t.Errorf("%d, %+v", w.Code, behind)
	}
	r = httptest.NewRequest("GET", g.link(t, key, "/b"), nil)
	r.Host, r.RequestURI = "test", "/a"
	if Handler(&behind, g).ServeHTTP(httptest.NewRecorder(), r); behind.target != "/b" || behind.uri != "/b" {
		t.Errorf("%+v", behind)
	}
}

func TestMethods(t *testing.T) {
	g := newSigned(t, key)
	link := g.link(t, key, "/a")
	for method, want := range map[string]int{"GET": 200, "HEAD": 200, "OPTIONS": 200, "POST": 405, "PUT": 405, "DELETE": 405, "PURGE": 405, "get": 405} {
		w := httptest.NewRecorder()
		r := httptest.NewRequest("GET", link, nil)
		r.Host, r.Method = "test", method
		Handler(&saw{}, g).ServeHTTP(w, r)
		if w.Code != want || want == 405 && w.Header().Get("Allow") != "GET, HEAD, OPTIONS" {
			t.Errorf("%s: %d, %v", method, w.Code, w.Header())
		}
		q := headOf(t, link)
		q.Method = method
		if got := Hot(&saw{}, g).ServeHot(q, new(httpd.Answer)); got != (want == 200) {
			t.Errorf("%s on the hot path: %v", method, got)
		}
	}
}

// Time passes, and a link ends.
func TestEnds(t *testing.T) {
	g := newSigned(t, key)
	link := g.link(t, key, "/a")
	h := Hot(&saw{}, g)
	q := headOf(t, link)
	g.now.Add(60*second - 1)
	if !h.ServeHot(q, new(httpd.Answer)) {
		t.Error("it is over too early")
	}
	g.now.Add(1)
	if h.ServeHot(q, new(httpd.Answer)) {
		t.Error("it is not over")
	}
	// Without a clock of its own, the request's counts.
	g.SignedURL.now = nil
	q.Now = g.now.Load() - 1
	if !h.ServeHot(q, new(httpd.Answer)) {
		t.Error("the request came in time")
	}
	q.Now++
	if h.ServeHot(q, new(httpd.Answer)) {
		t.Error("the request came late")
	}
}

// Keys change while they are used, and a file that others can read is none.
func TestKeysChange(t *testing.T) {
	g := newSigned(t, key)
	passes := func(k signedurl.Key) bool {
		t.Helper()
		return Hot(&saw{}, g).ServeHot(headOf(t, g.link(t, k, "/a")), new(httpd.Answer))
	}
	expect := func(when string, first, second bool) {
		t.Helper()
		if passes(key) != first || passes(other) != second {
			t.Fatalf("%s: %v, %v; want %v, %v", when, passes(key), passes(other), first, second)
		}
	}
	expect("at first", true, false)
	g.put(t, other, key)
	expect("within a second", true, false)
	g.now.Add(second)
	expect("with two keys", true, true)
	g.put(t, other)
	g.now.Add(second)
	expect("with the other", false, true)
	if err := os.WriteFile(g.file, []byte("k1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	g.now.Add(second)
	expect("with a fault in the file", false, true)
	if err := os.Remove(g.file); err != nil {
		t.Fatal(err)
	}
	g.now.Add(second)
	expect("without a file", false, true)
	if len(g.faults) != 2 || !strings.Contains(g.faults[0], "line 1: ") || !strings.Contains(g.faults[0], g.file) {
		t.Errorf("told %q", g.faults)
	}
	g.put(t, key)
	g.now.Add(second)
	expect("mended", true, false)
	if err := os.WriteFile(g.file, []byte("# none\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenSignedURL(g.file, nil, nil, nil); err == nil {
		t.Error("a file without a key opens a guard")
	}
	g.now.Add(second)
	expect("without a key", false, false)
	if len(g.faults) != 2 {
		t.Errorf("told %q", g.faults)
	}
	g.put(t, key)
	g.now.Add(second)
	expect("with a key again", true, false)
	if runtime.GOOS == "windows" {
		return
	}
	if err := os.Chmod(g.file, 0o640); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenSignedURL(g.file, nil, nil, nil); err == nil || !strings.Contains(err.Error(), "chmod 600") {
		t.Errorf("a file that others can read: %v", err)
	}
}

// yes is a hot handler that answers at once.
type yes struct{}

func (yes) ServeHot(*httpd.Head, *httpd.Answer) bool { return true }

// An answer that is prebuilt stays so: nothing is allocated before it.
func TestHotAllocs(t *testing.T) {
	g := newSigned(t, key)
	h, a := Hot(yes{}, g), new(httpd.Answer)
	for _, q := range []*wire.Head{headOf(t, g.link(t, key, "/a?x=1")), headOf(t, "/a?x=1")} {
		if n := alloctest.PerRun(100, func() { h.ServeHot(q, a) }); n != 0 {
			t.Errorf("%s: %v allocations", q.Target, n)
		}
	}
}

// slow is a guard that is not hot, and says what it saw.
type slow struct {
	seen   string
	refuse rule.ID
}

func (s *slow) Check(fields http.Header, r *http.Request) (*http.Request, rule.ID) {
	s.seen = r.URL.RequestURI()
	fields.Set("WWW-Authenticate", "Test")
	return r, s.refuse
}

func (s *slow) Why(r *http.Request) (*http.Request, *why.Explanation) {
	e := &why.Explanation{Rule: s.refuse}
	e.Compare("slow", r.URL.RequestURI(), "", false)
	if s.refuse != 0 {
		return nil, e
	}
	return r, e
}

// Guards are asked in their order, each what the one before has let on.
func TestOrder(t *testing.T) {
	g := newSigned(t, key)
	second := &slow{}
	if Hot(&saw{}, g, second) != nil || Hot(nil, g) != nil {
		t.Error("what is not hot is")
	}
	behind := &saw{}
	if Hot(behind) != httpd.HotHandler(behind) {
		t.Error("no guards are something")
	}
	r := httptest.NewRequest("GET", g.link(t, key, "/a?b"), nil)
	r.Host = "test"
	if Handler(behind, g, second).ServeHTTP(httptest.NewRecorder(), r); second.seen != "/a?b" || behind.target != "/a?b" {
		t.Errorf("%+v, %+v", second, behind)
	}
	if _, compared, _ := Why(r, g, second); len(compared) != 2 || compared[1].Value != "/a?b" {
		t.Errorf("%+v", compared)
	}
	behind.target, second.refuse = "", rule.BodyTooLarge
	w := httptest.NewRecorder()
	if Handler(behind, g, second).ServeHTTP(w, r); w.Code != 413 || behind.target != "" || w.Header().Get("WWW-Authenticate") != "Test" {
		t.Errorf("%d, %v, %+v", w.Code, w.Header(), behind)
	}
	if _, _, e := Why(r, g, second); e == nil || e.Rule != rule.BodyTooLarge || len(e.Compared) != 2 || e.Status != 413 {
		t.Errorf("%+v", e)
	}
	second.seen = ""
	r.URL.RawQuery += "&"
	if Handler(behind, g, second).ServeHTTP(httptest.NewRecorder(), r); second.seen != "" {
		t.Errorf("the second guard saw %s, which the first refused", second.seen)
	}
}

func TestWhySays(t *testing.T) {
	g := newSigned(t, key)
	link, err := signedurl.Sign("http://test/a/b", key, signedurl.Options{Expires: time.Unix(1_800_000_060, 0), Prefix: "/a/", IP: netip.MustParsePrefix("203.0.113.0/24")})
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest("GET", strings.TrimPrefix(link, "http://test"), nil)
	r.Host = "test"
	_, _, e := Why(r, g)
	if e == nil || e.Rule != rule.SignedURLAddress || e.Compared[0].Note != "until 2027-01-15 08:01:00 UTC, with key k1, for 203.0.113.0/24, for all below a path" {
		t.Errorf("%+v", e)
	}
	r.RemoteAddr = "203.0.113.9:1"
	if on, compared, _ := Why(r, g); on == nil || on.URL.RequestURI() != "/a/b" || compared[0].Value != "valid" {
		t.Errorf("%v, %+v", on, compared)
	}
}
