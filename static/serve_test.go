package static

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// answer is what a table expects of an answer: "" of a field means that it
// must not be there, "*" that it must.
type answer struct {
	code   int
	fields map[string]string
	body   string // "" for any
}

func (want answer) check(t *testing.T, what string, w *httptest.ResponseRecorder) {
	t.Helper()
	if w.Code != want.code || want.body != "" && w.Body.String() != want.body {
		t.Errorf("%s: %d %q, want %d %q", what, w.Code, w.Body, want.code, want.body)
	}
	for name, value := range want.fields {
		if got := strings.Join(w.Header().Values(name), " | "); got != value && !(value == "*" && got != "") {
			t.Errorf("%s: %s: %q, want %q", what, name, got, value)
		}
	}
}

func TestMethods(t *testing.T) {
	s := newSite(t, Options{}, map[string]string{"a.txt": "hello"})
	for method, want := range map[string]answer{
		"GET":      {200, map[string]string{"Allow": "", "Content-Length": "5", "Accept-Ranges": "bytes", "X-Content-Type-Options": "nosniff"}, "hello"},
		"HEAD":     {200, map[string]string{"Content-Length": "5", "Etag": "*"}, ""},
		"OPTIONS":  {204, map[string]string{"Allow": "GET, HEAD, OPTIONS", "Content-Length": ""}, ""},
		"POST":     {405, map[string]string{"Allow": "GET, HEAD, OPTIONS", "Vary": "*"}, ""},
		"PUT":      {405, map[string]string{"Allow": "GET, HEAD, OPTIONS"}, ""},
		"PATCH":    {405, map[string]string{"Allow": "GET, HEAD, OPTIONS"}, ""},
		"DELETE":   {405, map[string]string{"Allow": "GET, HEAD, OPTIONS"}, ""},
		"TRACE":    {405, map[string]string{"Allow": "GET, HEAD, OPTIONS"}, ""},
		"PURGE":    {501, map[string]string{"Allow": ""}, ""},
		"PROPFIND": {501, nil, ""},
		"get":      {501, nil, ""},
	} {
		w := s.cold(raw(method + " /a.txt"))
		want.check(t, method, w)
		if method == "HEAD" && w.Body.Len() > 0 {
			t.Errorf("HEAD has a body")
		}
	}
}

func TestAddresses(t *testing.T) {
	s := newSite(t, Options{}, map[string]string{
		"index.html": "home", "docs/index.html": "docs", "list/a.txt": "a", "a b.txt": "space", "ä/ö.txt": "umlauts",
		"evil.com/x": "", "a:b/index.html": "colon", "big.txt": "big", "index/index.html/x": "folder named like an index",
	})
	must(t, os.Mkdir(s.path("empty"), 0o755))
	redirect := func(to string) answer {
		return answer{301, map[string]string{"Location": to, "Content-Length": "0", "Cache-Control": "no-cache"}, ""}
	}
	for path, want := range map[string]answer{
		"/":                            {200, map[string]string{"Content-Type": "text/html; charset=utf-8", "Cache-Control": "no-cache"}, "home"},
		"/index.html":                  {200, nil, "home"},
		"/docs/":                       {200, nil, "docs"},
		"/docs":                        redirect("./docs/"),
		"/docs?a=b&c":                  redirect("./docs/?a=b&c"),
		"/x/../docs":                   redirect("./docs/"),
		"/docs/index.html/":            redirect("../index.html"),
		"/%C3%A4":                      redirect("./%C3%A4/"),
		"/a:b":                         redirect("./a%3Ab/"),
		"/a:b/":                        {200, nil, "colon"},
		"//evil.com":                   redirect("./evil.com/"),
		"//evil.com/..":                {200, nil, "home"},
		"/big.txt/":                    redirect("../big.txt"),
		"/big.txt/x":                   {404, map[string]string{"Cache-Control": "no-store", "Etag": "", "Vary": "Accept-Encoding, Accept"}, ""},
		"/a%20b.txt":                   {200, map[string]string{"Content-Type": "text/plain; charset=utf-8"}, "space"},
		"/%C3%A4/%c3%b6.txt":           {200, nil, "umlauts"},
		"/Docs/":                       {404, nil, ""},
		"/list/":                       {200, map[string]string{"Content-Type": "text/html; charset=utf-8"}, ""},
		"/list/a.txt":                  {200, nil, "a"},
		"/empty/":                      {200, nil, ""},
		"/index/":                      {200, map[string]string{"Content-Security-Policy": "*"}, ""},
		"/a%2Fb":                       {400, nil, ""},
		"/a%5Cb":                       {400, nil, ""},
		"/a%00b":                       {400, nil, ""},
		"/../x":                        {403, nil, ""},
		"/%2e%2e/x":                    {403, nil, ""},
		"/.env":                        {404, nil, ""},
		"/docs/.git/config":            {404, nil, ""},
		"/" + strings.Repeat("x", 256): {414, nil, ""},
	} {
		w := s.get(path)
		want.check(t, path, w)
		location := w.Header().Get("Location")
		if location == "" {
			continue
		}
		// However the client resolves it, it stays on the site.
		base := &url.URL{Scheme: "http", Host: "example.com", Opaque: "", RawPath: "", Path: path}
		to, err := base.Parse(location)
		if err != nil || to.Host != "example.com" || !strings.HasPrefix(location, ".") {
			t.Errorf("%s leads to %s (%v)", path, to, err)
		}
	}
	if strings.Contains(s.log.String(), "level=ERROR") {
		t.Errorf("client mistakes were logged as faults: %s", s.log.String())
	}
}

// TestRedirectBytes: nothing in a path or query can end the Location line.
func TestRedirectBytes(t *testing.T) {
	s := newSite(t, Options{}, nil)
	must(t, os.Mkdir(s.path("x\r\nSet-Cookie: a"), 0o755))
	w := s.get("/x%0d%0aSet-Cookie:%20a")
	answer{301, map[string]string{"Location": "./x%0D%0ASet-Cookie%3A%20a/"}, ""}.check(t, "CR LF", w)
}

func TestListingOptions(t *testing.T) {
	s := newSite(t, Options{}, map[string]string{
		"a.txt": "aaa", ".env": "x", "b.key": "x", "c.css": "c", "c.css.br": "x", "data.tar": "x", "data.tar.gz": "x", "only.css.gz": "x", "sub/x": "x",
	})
	must(t, os.Symlink("a.txt", s.path("inside")))
	must(t, os.Symlink("/etc", s.path("outside")))
	must(t, os.Symlink("nowhere", s.path("dangling")))
	body := s.get("/", "Accept: application/json").Body.String()
	for name, want := range map[string]bool{
		"a.txt": true, ".env": false, "b.key": false, "c.css": true, "c.css.br": false, "data.tar": true, "data.tar.gz": true,
		"only.css.gz": true, "sub": true, "inside": true, "outside": false, "dangling": false,
	} {
		if got := strings.Contains(body, `"`+name+`"`); got != want {
			t.Errorf("%s is listed: %v", name, got)
		}
		path := "/" + name
		if code := s.get(path).Code; (code < 400) != want {
			t.Errorf("%s is listed: %v, but answered with %d", name, want, code)
		}
	}

	off := newSite(t, Options{Listing: ListingOff}, map[string]string{"d/x": "x"})
	answer{403, nil, ""}.check(t, "listing off", off.get("/d/"))
	many := newSite(t, Options{MaxListed: 2}, map[string]string{"a": "", "b": "", "c": ""})
	answer{500, nil, ""}.check(t, "too many", many.get("/"))
	all := newSite(t, Options{Hidden: true}, map[string]string{".env": "x", "c.css": "c", "c.css.br": "x"})
	if body := all.get("/").Body.String(); !strings.Contains(body, ".env") || !strings.Contains(body, "c.css.br") {
		t.Error("Hidden does not list what is hidden")
	}
	answer{200, nil, "x"}.check(t, "Hidden", all.get("/.env"))
}

func TestCleanURLs(t *testing.T) {
	s := newSite(t, Options{CleanURLs: true}, map[string]string{
		"index.html": "home", "about.html": "about", "both": "file", "both.html": "page", "d.html": "page d", "d/x.txt": "", "v1.2.html": "version", "x.html/y": "",
		"sub/index.html": "sub", "sub/deep.html": "deep",
	})
	for path, want := range map[string]answer{
		"/about":          {200, nil, "about"},
		"/about.html":     {301, map[string]string{"Location": "./about"}, ""},
		"/about.html?q":   {301, map[string]string{"Location": "./about?q"}, ""},
		"/index.html":     {301, map[string]string{"Location": "./"}, ""},
		"/sub/index.html": {301, map[string]string{"Location": "./"}, ""},
		"/sub/deep":       {200, nil, "deep"},
		"/":               {200, nil, "home"},
		"/both":           {200, nil, "file"},
		"/both.html":      {200, nil, "page"},
		"/d":              {301, map[string]string{"Location": "./d/"}, ""},
		"/d.html":         {200, nil, "page d"},
		"/v1.2.html":      {200, nil, "version"},
		"/v1.2":           {404, nil, ""},
		"/nothing":        {404, nil, ""},
		"/x":              {404, nil, ""},
	} {
		want.check(t, path, s.get(path))
	}
	s.both(raw("GET /about"))
	s.both(raw("GET /sub/deep"))
}

func TestSPA(t *testing.T) {
	s := newSite(t, Options{SPA: "index.html", Cache: CachePolicy(time.Hour)}, map[string]string{"index.html": "shell", "app.js": "js"})
	const page = "Accept: text/html,application/xhtml+xml,*/*;q=0.8"
	shell := answer{200, map[string]string{"Cache-Control": "no-cache", "Content-Type": "text/html; charset=utf-8", "Vary": "Accept, Accept-Encoding, Sec-Fetch-Dest"}, "shell"}
	miss := answer{404, map[string]string{"Cache-Control": "no-store", "Vary": "Accept-Encoding, Sec-Fetch-Dest, Accept"}, ""}
	for _, c := range []struct {
		path   string
		fields []string
		want   answer
	}{
		{"/users/7", []string{page}, shell},
		{"/users/7", []string{page, "Sec-Fetch-Dest: document"}, shell},
		{"/users/7", []string{"Accept: TEXT/HTML"}, shell},
		{"/users/7/", []string{page}, shell},
		{"/users/7", nil, miss},
		{"/users/7", []string{"Accept: */*"}, miss},
		{"/users/7", []string{"Accept: application/json"}, miss},
		{"/users/7", []string{page, "Sec-Fetch-Dest: script"}, miss},
		{"/users/7", []string{page, "Sec-Fetch-Dest: image"}, miss},
		{"/users/7", []string{page, "Sec-Fetch-Dest: empty"}, miss},
		{"/assets/app.old.js", []string{page}, miss},
		{"/style.css", []string{page, "Sec-Fetch-Dest: style"}, miss},
		{"/app.js", nil, answer{200, map[string]string{"Cache-Control": "max-age=3600"}, "js"}},
		{"/", []string{page}, answer{200, map[string]string{"Cache-Control": "max-age=3600"}, "shell"}},
		{"/.git/config", []string{page}, answer{404, nil, ""}},
	} {
		c.want.check(t, c.path+" "+strings.Join(c.fields, ", "), s.get(c.path, c.fields...))
	}
	tag := s.get("/users/7", page).Header().Get("Etag")
	answer{304, map[string]string{"Cache-Control": "no-cache"}, ""}.check(t, "shell", s.get("/users/8", page, "If-None-Match: "+tag))
	s.write("index.html", "new shell")
	answer{200, nil, "new shell"}.check(t, "shell", s.get("/users/8", page))
	must(t, os.Remove(s.path("index.html")))
	answer{404, nil, ""}.check(t, "no shell", s.get("/users/8", page))
}

func TestDownload(t *testing.T) {
	s := newSite(t, Options{}, map[string]string{"a.pdf": "x", "d/ä \"q\".txt": "x", "d/index.html": "x", "100%.txt": "x", "bare/x": "x"})
	for path, want := range map[string]string{
		"/a.pdf":                           "",
		"/a.pdf?x=download":                "",
		"/a.pdf?download":                  `attachment; filename="a.pdf"`,
		"/a.pdf?download=evil.exe":         `attachment; filename="a.pdf"`,
		"/a.pdf?v=1&download=":             `attachment; filename="a.pdf"`,
		"/a.pdf?%64ownload":                "",
		"/d/%C3%A4%20%22q%22.txt?download": `attachment; filename="_ _q_.txt"; filename*=UTF-8''%C3%A4%20%22q%22.txt`,
		"/100%25.txt?download":             `attachment; filename="100_.txt"; filename*=UTF-8''100%25.txt`,
		"/d/?download":                     `attachment; filename="index.html"`,
		"/none?download":                   "",
		"/bare/?download":                  "",
	} {
		if got := s.get(path).Header().Get("Content-Disposition"); got != want {
			t.Errorf("%s: %s, want %s", path, got, want)
		}
	}
	s.both(raw("GET /a.pdf?%64ownload"))
	s.both(raw("GET /a.pdf?x=download"))
	if got := attachment("bad\xff.txt"); got != `attachment; filename="bad_.txt"` {
		t.Error(got)
	}
}

// TestVaryOfOthers: what wraps the handler may have said already on what its
// answers depend.
func TestVaryOfOthers(t *testing.T) {
	s := newSite(t, Options{}, map[string]string{"a.txt": "a", "d/x": ""})
	for path, want := range map[string]string{
		"/a.txt": "Origin, Accept-Encoding", "/none": "Origin, Accept-Encoding, Accept", "/d/": "Origin, Accept, Accept-Encoding",
	} {
		w := httptest.NewRecorder()
		w.Header().Set("Vary", "Origin")
		s.ServeHTTP(w, httptest.NewRequest("GET", path, nil))
		if got := strings.Join(w.Header().Values("Vary"), ", "); got != want {
			t.Errorf("%s: Vary %q, want %q", path, got, want)
		}
	}
}

func TestExpires(t *testing.T) {
	s := newSite(t, Options{Cache: CachePolicy(10 * time.Minute)}, map[string]string{"a.txt": "a"})
	s.now = time.Until(time.Date(2031, 1, 2, 3, 4, 5, 0, time.UTC))
	old := s.cold("GET /a.txt HTTP/1.0\r\n\r\n").Header()
	expires, err := http.ParseTime(old.Get("Expires"))
	if d := s.clock().Add(10 * time.Minute).Sub(expires).Abs(); err != nil || d > patience || old.Get("Cache-Control") != "max-age=600" {
		t.Errorf("HTTP/1.0: %v", old)
	}
	if got := s.get("/a.txt").Header(); got.Get("Expires") != "" {
		t.Errorf("HTTP/1.1: %v", got)
	}
	revalidate := newSite(t, Options{}, map[string]string{"a.txt": "a"})
	if got := revalidate.cold("GET /a.txt HTTP/1.0\r\n\r\n").Header(); got.Get("Expires") != "" || got.Get("Cache-Control") != "no-cache" {
		t.Errorf("no lifetime: %v", got)
	}
}

func TestMIMEOption(t *testing.T) {
	s := newSite(t, Options{MIME: map[string]string{".GLB": "model/x"}}, map[string]string{"a.glb": "x"})
	answer{200, map[string]string{"Content-Type": "model/x"}, ""}.check(t, "glb", s.get("/a.glb"))
}

// TestStripPrefix: a handler may live below a prefix.
func TestStripPrefix(t *testing.T) {
	s := newSite(t, Options{}, map[string]string{"d/index.html": "d", "a%b.txt": "percent"})
	h := http.StripPrefix("/files", s)
	for path, want := range map[string]answer{
		"/files/d":           {301, map[string]string{"Location": "./d/"}, ""},
		"/files/d/":          {200, nil, "d"},
		"/files/a%25b.txt":   {200, nil, "percent"},
		"/files/..%2fsecret": {400, nil, ""},
	} {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest("GET", path, nil))
		want.check(t, path, w)
	}
}

func TestOptionFaults(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	must(t, os.WriteFile(file, nil, 0o644))
	for _, o := range []Options{
		{},
		{Root: ".", FS: os.DirFS(".")},
		{Root: file},
		{Root: file + "/none"},
		{Root: ".", Memory: -1},
		{Root: ".", Index: []string{"a/b"}},
		{Root: ".", SPA: "../x"},
		{Root: ".", Cache: -3},
		{Root: ".", Cache: CachePolicy(time.Millisecond)},
		{Root: ".", MIME: map[string]string{"x": "text/plain"}},
		{Root: ".", MIME: map[string]string{".x": "text/plain\r\nX: y"}},
	} {
		if h, err := New(o); err == nil {
			h.Close()
			t.Errorf("%+v: accepted", o)
		}
	}
	_, err := New(Options{Memory: -1, Index: []string{""}})
	if err == nil || strings.Count(err.Error(), "\n") != 2 {
		t.Errorf("not all faults at once: %v", err)
	}
}
