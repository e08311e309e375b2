package static

import (
	"strings"
	"testing"
	"time"

	"freshet/httpd"
	"freshet/internal/alloctest"
	"freshet/internal/field"
)

// script is a text that compresses well.
var script = strings.Repeat("function flow(water) { return water.down(); }\n", 400)

// TestHotEqualsCold: whatever the hot path answers, ServeHTTP answers too, to
// the byte.
func TestHotEqualsCold(t *testing.T) {
	s := newSite(t, Options{MaxInMemory: 100_000}, map[string]string{
		"index.html":      "<!doctype html><title>Home</title>",
		"app.js":          script,
		"photo.png":       "not really a picture",
		"empty.css":       "",
		"docs/index.html": "<title>Docs</title>",
		"large.bin":       strings.Repeat("0123456789", 20_000),
	})
	s.warm("/app.js")
	s.get("/large.bin")
	s.settle()
	tag := s.get("/app.js", "Accept-Encoding: br").Header().Get("Etag")
	plainTag := s.get("/app.js").Header().Get("Etag")
	modified := s.get("/app.js").Header().Get("Last-Modified")
	if !strings.HasSuffix(tag, `-br"`) || modified == "" {
		t.Fatalf("tag %s, modified %q", tag, modified)
	}
	paths := []string{"/", "/app.js", "/photo.png", "/empty.css", "/docs/", "/docs/index.html", "/app.js?v=1", "/large.bin", "/missing", "/docs/missing.png", "/nowhere/"}
	fields := [][]string{
		nil,
		{"Accept-Encoding: gzip, deflate, br, zstd"},
		{"Accept-Encoding: gzip"},
		{"Accept-Encoding: br;q=0.1, gzip;q=0.5"},
		{"Accept-Encoding: gzip", "If-None-Match: " + tag},
		{"Accept-Encoding: gzip, br", "If-None-Match: " + tag},
		{"If-None-Match: " + plainTag},
		{"If-None-Match: \"other\"", "If-None-Match: " + plainTag},
		{"If-None-Match: *"},
		{"If-Match: \"other\""},
		{"If-Modified-Since: " + modified},
		{"If-Unmodified-Since: Sat, 01 Jan 2000 00:00:00 GMT"},
		{"Range: bytes=0-9"},
		{"Range: bytes=-5"},
		{"Range: bytes=999999-"},
		{"Range: bytes=0-9", "Accept-Encoding: br", "If-Range: " + tag},
		{"Range: bytes=0-9", "If-Range: \"other\""},
		{"Accept: text/html,*/*;q=0.8"},
		{"Accept: application/json", "Range: bytes=999999-"},
		{"Accept: text/html", "If-Match: \"other\""},
	}
	for _, path := range paths {
		for _, method := range []string{"GET", "HEAD"} {
			for _, f := range fields {
				s.both(raw(method+" "+path, f...))
			}
		}
	}
}

// TestHotDeclines names what the hot path leaves to ServeHTTP.
func TestHotDeclines(t *testing.T) {
	s := newSite(t, Options{Cache: CachePolicy(time.Hour)}, map[string]string{"a.txt": "a", "100%25": "a", "d/a.txt": "a", ".env": "x"})
	for _, path := range []string{"/a.txt", "/100%2525", "/d/a.txt"} {
		if w := s.get(path); w.Code != 200 {
			t.Fatal(path, w.Code)
		}
	}
	for _, request := range []string{
		raw("POST /a.txt"),
		raw("OPTIONS /a.txt"),
		raw("GET /a.txt?download"),
		raw("GET /100%25"), // is the name "100%", which is not there, and not the file's
		raw("GET /d"),      // a redirect
		raw("GET /d/"),     // a listing
		raw("GET /"),
		raw("GET //a.txt"),
		raw("GET /./a.txt"),
		raw("GET /d/../a.txt"),
		raw("GET /.env"),
		raw("GET /.git/config"),
		raw("GET /x%00"),
		raw("GET /a.txt", "Range: bytes=0-0,0-0"),
		raw("GET /a.txt", "Accept-Encoding: identity;q=0"),
		raw("GET /a.txt", "Accept-Encoding: br", "Accept-Encoding: gzip"),
		"GET /a.txt HTTP/1.0\r\n\r\n", // Expires belongs to it
	} {
		if request == raw("GET /a.txt", "Range: bytes=0-0,0-0") {
			request = raw("GET /d/a.txt", "Range: bytes=0-0,-1")
			s.write("d/a.txt", "0123456789")
			s.get("/d/a.txt")
		}
		if answer, ok := s.hot(request); ok {
			t.Errorf("%q: answered\n%s", request, answer)
		}
	}
	if _, ok := s.hot(raw("GET /a.txt")); !ok {
		t.Error("declined /a.txt")
	}
}

// hit returns a function that sends one request through ServeHot, each time a
// nanosecond later, so that each asks the file system.
func (s *site) hit(request string) func() {
	q := s.parse(request)
	scratch := make([]byte, 0, 1024)
	return func() {
		q.Now++
		a := httpd.Answer{Scratch: scratch}
		if !s.ServeHot(q, &a) {
			s.t.Fatalf("%q: declined", request)
		}
		if a.Done != nil {
			a.Done.Release()
		}
	}
}

var hits = []struct{ name, request string }{
	{"200", raw("GET /small.txt")},
	{"coded", raw("GET /app.js", "Accept-Encoding: gzip, deflate, br, zstd", "Accept: */*")},
	{"304", raw("GET /small.txt", "If-None-Match: \"x\", TAG")},
	{"since", raw("GET /small.txt", "If-Modified-Since: MODIFIED")},
	{"206", raw("GET /app.js", "Range: bytes=100-199")},
	{"412", raw("GET /small.txt", "If-Match: \"x\"")},
	{"416", raw("GET /small.txt", "Range: bytes=9999-")},
	{"404", raw("GET /none.txt", "Accept: text/html,*/*;q=0.8")},
	{"404 deep", raw("GET /docs/api/none.txt")},
	{"large", raw("GET /large.bin")},
	{"head", raw("HEAD /app.js")},
}

// hitSite is a site for hits, and a function that fills in its validators.
func hitSite(t testing.TB, o Options) (*site, func(request string) string) {
	o.MaxInMemory = 100_000
	s := newSite(t, o, map[string]string{
		"small.txt": strings.Repeat("x", 1024), "app.js": script, "docs/api/a.txt": "a",
		"large.bin": strings.Repeat("0123456789", 20_000),
	})
	s.warm("/app.js")
	s.get("/large.bin")
	f := s.get("/small.txt").Header()
	s.settle()
	if !s.table.get("app.js").set.Load().Has(field.Brotli) {
		t.Fatal("no brotli")
	}
	return s, strings.NewReplacer("TAG", f.Get("Etag"), "MODIFIED", f.Get("Last-Modified")).Replace
}

func TestHitAllocs(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	for name, o := range map[string]Options{"strict": {}, "coherent": {Coherence: time.Hour}} {
		s, fill := hitSite(t, o)
		for _, c := range hits {
			if n := alloctest.PerRun(100, s.hit(fill(c.request))); n != 0 {
				t.Errorf("%s, %s: %v allocations", name, c.name, n)
			}
		}
	}
}

func BenchmarkHit(b *testing.B) {
	for name, o := range map[string]Options{"strict": {}, "coherent": {Coherence: time.Hour}} {
		s, fill := hitSite(b, o)
		for _, c := range hits {
			b.Run(name+"/"+c.name, func(b *testing.B) {
				f := s.hit(fill(c.request))
				b.ReportAllocs()
				for b.Loop() {
					f()
				}
			})
		}
	}
}
