package app

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"freshet/httpd"
	"freshet/internal/alloctest"
	"freshet/internal/config"
	"freshet/internal/follow"
	"freshet/internal/rule"
)

// sitesOf builds the sites of a file.
func sitesOf(t *testing.T, text string) *sites {
	t.Helper()
	return liveOf(t, text).sites()
}

func liveOf(t *testing.T, text string) *live {
	t.Helper()
	r, err := config.ParseRun(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	f, err := r.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	c, err := openLive(r, f, follow.Stamp{}, nil)(&within{log: discard(), door: &door{}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.close(); err != nil {
			t.Error(err)
		}
	})
	return c.live
}

func TestFindSite(t *testing.T) {
	const text = `
[[site]]
names = ["example.org", "[::1]", "127.0.0.1"]
[[site.route]]
redirect = "/exact"
[[site]]
names = ["*.example.org"]
[[site.route]]
redirect = "/below"
[[site]]
names = ["*.a.example.org", "*.org"]
[[site.route]]
redirect = "/longer"
`
	named, all := sitesOf(t, text), sitesOf(t, text+"[[site]]\n[[site.route]]\nredirect = '/other'\n")
	for host, want := range map[string]string{
		"example.org":                   "/exact",
		"EXAMPLE.org.:8080":             "/exact",
		"[::1]":                         "/exact",
		"[::1]:80":                      "/exact",
		"127.0.0.1:80":                  "/exact",
		"www.example.org":               "/below",
		"b.a.x.example.org":             "/below",
		"a.example.org":                 "/below",
		"b.A.example.org":               "/longer",
		"example2.org":                  "/longer",
		"xexample.org":                  "/longer",
		".example.org":                  "/longer",
		"org":                           "/other",
		"example.org.evil.com":          "/other",
		"":                              "/other",
		":80":                           "/other",
		strings.Repeat("a.", 200) + "b": "/other",
	} {
		got := all.find(host)
		if got == nil || got.conf.Routes[0].Redirect != want {
			t.Errorf("%.40q: %v, want %s", host, got, want)
		}
		if got := named.find(host); (got == nil) != (want == "/other") {
			t.Errorf("without a site for others, %.40q: %v", host, got)
		}
	}
}

func TestFindRoute(t *testing.T) {
	s := sitesOf(t, `
[[site]]
[[site.route]]
path = "/api/"
redirect = "/1"
[[site.route]]
path = "/api/v2"
redirect = "/2"
[[site.route]]
path = "/ä b"
redirect = "/3"
`).find("x")
	for path, want := range map[string]string{
		"/api":                          "/1",
		"/api/":                         "/1",
		"/api/x":                        "/1",
		"/api/v22":                      "/1",
		"/api/v2":                       "/2",
		"/api/v2/":                      "/2",
		"/api//v2/x":                    "/2",
		"/api/./v2/x":                   "/2",
		"/api/%76%32/x":                 "/2",
		"/x/../api/v2/x":                "/2",
		"/../api/v2/x":                  "/2",
		"/api/v2/../x":                  "/1",
		"/api/v2%2fx":                   "/1",
		"/%c3%a4%20b/c":                 "/3",
		"/":                             "",
		"/apix":                         "",
		"/API":                          "",
		"/api/%2e%2e/":                  "",
		"/api/..":                       "",
		"/" + strings.Repeat("x", 5000): "",
	} {
		got := s.find(path)
		switch {
		case got == nil && want != "":
			t.Errorf("%.30q: none, want %s", path, want)
		case got != nil && got.conf.Redirect != want:
			t.Errorf("%.30q: %s, want %q", path, got.conf.Redirect, want)
		}
	}
}

// ask gives a request to a handler.
func ask(h http.Handler, method, url string, body string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(method, url, strings.NewReader(body)))
	return w
}

func TestNobody(t *testing.T) {
	l := liveOf(t, "[[site]]\nnames='a.example'\n[[site.route]]\npath='/x'\nredirect='/y'\n")
	for url, want := range map[string]rule.ID{"http://b.example/x": rule.SiteUnknown, "http://a.example/z": rule.RouteNone} {
		w := ask(l, "GET", url, "")
		if row := rule.Of(want); w.Code != row.Status || !strings.Contains(w.Body.String(), row.Sentence) {
			t.Errorf("%s: %d %s", url, w.Code, w.Body)
		}
	}
}

func TestRedirect(t *testing.T) {
	l := liveOf(t, `
[[site]]
[[site.route]]
path = "/"
redirect = "/"
status = 302
[[site.route]]
path = "/old/"
redirect = "https://new.example/x/"
[[site.route]]
path = "/b ck/"
redirect = "/c/"
status = 307
[[site.route]]
path = "/one"
redirect = "https://new.example/page?a=b"
status = 301
`)
	for url, want := range map[string]string{
		"/old":             "308 https://new.example/x/",
		"/old/":            "308 https://new.example/x/",
		"/old/a/b%20c/?q":  "308 https://new.example/x/a/b%20c/?q",
		"/old//a/./../b?":  "308 https://new.example/x/b",
		"/one":             "301 https://new.example/page?a=b",
		"/one/more?c=d":    "301 https://new.example/page?a=b",
		"//evil.example/x": "302 /evil.example/x",
		"/%5cevil.example": "302 /%5Cevil.example",
		"/old/g%2fp/%252f": "308 https://new.example/x/g%2Fp/%252f",
		"/b%20ck/a%20b":    "307 /c/a%20b",
		"/.//evil.example": "302 /evil.example",
	} {
		r := httptest.NewRequest("GET", "http://a.example/", nil)
		path, query, _ := strings.Cut(url, "?")
		u, err := r.URL.Parse("http://a.example" + path)
		if err != nil {
			t.Fatal(err)
		}
		u.RawQuery, r.URL = query, u
		w := httptest.NewRecorder()
		l.ServeHTTP(w, r)
		if got := w.Result().Status[:4] + w.Header().Get("Location"); got != want {
			t.Errorf("%s: %s, want %s", url, got, want)
		}
	}
}

func TestLimitBody(t *testing.T) {
	h := limitBody(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var b [8]byte
		n, err := r.Body.Read(b[:])
		for err == nil {
			n, err = r.Body.Read(b[:])
		}
		if n > 0 || err.Error() != "EOF" {
			w.WriteHeader(http.StatusTeapot)
		}
	}), 4)
	if w := ask(h, "POST", "/", "1234"); w.Code != 200 {
		t.Error(w.Code)
	}
	if w := ask(h, "POST", "/", "12345"); w.Code != 413 || !strings.Contains(w.Body.String(), "RFC 9110") {
		t.Error(w.Code, w.Body)
	}
	r := httptest.NewRequest("POST", "/", strings.NewReader("12345"))
	r.ContentLength = -1
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	if w.Code != http.StatusTeapot {
		t.Error(w.Code)
	}
}

func TestMount(t *testing.T) {
	dir := folder(t, "index.html", "root", "sub/a b.txt", "text")
	l := liveOf(t, "[[site]]\n[[site.route]]\npath='/m/n'\nstatic='"+dir+"'\n")
	for url, want := range map[string]string{
		"/m/n":                    "308 ./n/",
		"/m/n?q":                  "308 ./n/?q",
		"/m/n/":                   "200 root",
		"/m//n/./sub/../":         "200 root",
		"/m/n/sub/a%20b.txt":      "200 text",
		"/%6d/n/sub/a%20b.txt":    "200 text",
		"/x/../m/n/sub/a%20b.txt": "200 text",
		"/m/n/sub":                "301 ./sub/",
		"/m/n/sub%2fx":            "400 ",
		"/m/n/none":               "404 ",
	} {
		r := httptest.NewRequest("GET", "http://a.example"+url, nil)
		w := httptest.NewRecorder()
		l.ServeHTTP(w, r)
		got := w.Result().Status[:4] + w.Header().Get("Location")
		if w.Code == 200 {
			got += w.Body.String()
		}
		if got != want {
			t.Errorf("%s: %s, want %s", url, got, want)
		}
	}
}

func TestServeHotAllocs(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	dir := folder(t, "a.txt", "text")
	l := liveOf(t, `
[server.headers]
set = { X-A = "1", Cache-Control = "no-cache, x" }
[[site]]
names = ["*.example.org"]
[[site.route]]
redirect = "/"
[[site.route]]
path = "/files"
static = "`+dir+`"
`)
	q := httpd.Head{Method: "GET", Target: "/files/a.txt", Path: "/files/a.txt", Host: "WWW.example.org:80", Major: 1, Minor: 1, Now: time.Now().UnixNano(), Read: httpd.Monotonic()}
	scratch := make([]byte, 0, 4096)
	for end := time.Now().Add(patience); !l.ServeHot(&q, &httpd.Answer{Scratch: scratch}); {
		ask(l, "GET", "http://www.example.org/files/a.txt", "")
		if time.Now().After(end) {
			t.Fatal("not hot")
		}
	}
	var a httpd.Answer
	n := alloctest.PerRun(100, func() {
		a = httpd.Answer{Scratch: scratch}
		if !l.ServeHot(&q, &a) || a.Status != 200 {
			t.Fatal("not hot")
		}
	})
	if n > 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkChoose(b *testing.B) {
	s := &sites{named: map[string]*site{}, below: map[string]*site{}}
	t := &site{conf: &config.Site{Names: []string{"*.example.org"}}}
	for _, path := range []string{"", "api", "api/v2", "static", "images"} {
		t.routes = append(t.routes, &route{path: path})
	}
	s.add(t)
	b.ReportAllocs()
	for b.Loop() {
		if s.find("www.example.org:8443").find("/api/v1/users/5") == nil {
			b.Fatal("none")
		}
	}
}
