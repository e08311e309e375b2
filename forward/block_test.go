package forward_test

import (
	"bufio"
	"bytes"
	"fmt"
	"image"
	_ "image/gif"
	_ "image/png"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"freshet/cache"
	"freshet/forward"
	"freshet/httpd"
)

// listFile writes a list and returns its source.
func listFile(t testing.TB, text string) forward.ListSource {
	t.Helper()
	name := filepath.Join(t.TempDir(), "list.txt")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return forward.ListSource{Name: "mine", File: name}
}

// records collects records.
type records chan httpd.Record

func (c records) Record(r *httpd.Record) { c <- *r }

// a fetch is a request as a browser makes it.
type fetch struct {
	url, dest, page, accept string
	fields                  []string // further ones: name, value, …
}

func (f fetch) do(t *testing.T, c *http.Client) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequest("GET", f.url, nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, v := range map[string]string{"Sec-Fetch-Dest": f.dest, "Referer": f.page, "Accept": f.accept} {
		if v != "" {
			r.Header.Set(name, v)
		}
	}
	for i := 0; i+1 < len(f.fields); i += 2 {
		r.Header.Set(f.fields[i], f.fields[i+1])
	}
	resp, err := c.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(body)
}

// What a list blocks reaches nobody, and is answered by something of its kind;
// what an exception allows, or a rule takes parameters off, is asked for.
func TestLists(t *testing.T) {
	store, err := cache.NewStore(cache.StoreOptions{Memory: 8 << 20})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	var asked []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.URL.RequestURI())
		w.Header().Set("Cache-Control", "max-age=60")
		io.WriteString(w, "real")
	}))
	defer server.Close()
	list := `
/banner/
@@/banner/own.
/banner/blank.$redirect=noop.json
/page-of-horror$document
/api/
$removeparam=utm_source
/policed$csp=script-src 'none'
`
	told := make(chan httpd.Record, 64)
	h, err := forward.New(forward.Options{AllowPrivate: true, Store: store, Lists: []forward.ListSource{listFile(t, list)}, Manage: func() string { return "http://127.0.0.1:8080/filter" }})
	if err != nil {
		t.Fatal(err)
	}
	c := through(t, serveHandler(t, h, records(told)))
	page := server.URL + "/"
	for _, tt := range []struct {
		name   string
		fetch  fetch
		status int
		rule   string
		noted  string
		kind   string
		body   string // a part of it
		asked  string
	}{
		{"image", fetch{url: "/banner/1.gif", dest: "image", page: page}, 200, "filter-stand-in", "", "image/gif", "GIF89a", ""},
		{"image without Sec-Fetch-Dest", fetch{url: "/banner/2", page: page, accept: "image/png,image/*;q=0.8,*/*;q=0.5"}, 200, "filter-stand-in", "", "image/png", "PNG", ""},
		{"script", fetch{url: "/banner/x.js", dest: "script", page: page}, 200, "filter-stand-in", "", "text/javascript; charset=utf-8", "function", ""},
		{"style sheet", fetch{url: "/banner/x.css", dest: "style", page: page}, 200, "filter-stand-in", "", "text/css; charset=utf-8", "", ""},
		{"frame", fetch{url: "/banner/x", dest: "iframe", page: page}, 200, "filter-stand-in", "", "text/html; charset=utf-8", "<!doctype", ""},
		{"font", fetch{url: "/banner/x.woff2", dest: "font", page: page}, 204, "filter-stand-in", "", "", "", ""},
		{"JSON", fetch{url: "/api/x", dest: "empty", page: page, accept: "application/json"}, 200, "filter-stand-in", "", "application/json", "{}", ""},
		{"named", fetch{url: "/banner/blank.js", dest: "empty", page: page}, 200, "filter-replaced", "", "application/json", "{}", ""},
		{"program", fetch{url: "/banner/x", accept: "*/*"}, 403, "filter-blocked", "", "text/plain; charset=utf-8", "mine, line 2, /banner/", ""},
		{"document", fetch{url: "/page-of-horror", dest: "document", accept: "text/html"}, 403, "filter-blocked", "", "text/html; charset=utf-8", "http://127.0.0.1:8080/filter/allow?rule=%2Fpage-of-horror%24document&amp;site=127.0.0.1", ""},
		{"document that is not blocked", fetch{url: "/banner/", dest: "document", accept: "text/html"}, 200, "cache-uri-miss", "", "text/plain; charset=utf-8", "real", "/banner/"},
		{"exception", fetch{url: "/banner/own.gif", dest: "image", page: page}, 200, "cache-type-mismatch", "filter-allowed", "text/plain; charset=utf-8", "real", "/banner/own.gif"},
		{"parameter", fetch{url: "/p?a=1&utm_source=x", dest: "document"}, 200, "cache-uri-miss", "filter-parameters", "text/plain; charset=utf-8", "real", "/p?a=1"},
		{"the same page", fetch{url: "/p?utm_source=y&a=1", dest: "document"}, 200, "reuse-fresh", "filter-parameters", "text/plain; charset=utf-8", "real", ""},
	} {
		asked = nil
		tt.fetch.url = server.URL + tt.fetch.url
		resp, body := tt.fetch.do(t, c)
		r := <-told
		noted := ""
		if r.Detail != nil && r.Detail.Noted[0] != 0 {
			noted = r.Detail.Noted[0].String()
		}
		if resp.StatusCode != tt.status || r.Rule.String() != tt.rule || noted != tt.noted {
			t.Errorf("%s: %s by %v, noted %q", tt.name, resp.Status, r.Rule, noted)
		}
		if kind := resp.Header.Get("Content-Type"); kind != tt.kind || !strings.Contains(body, tt.body) {
			t.Errorf("%s: %s: %q", tt.name, kind, body)
		}
		if strings.Join(asked, " ") != tt.asked {
			t.Errorf("%s: the server was asked for %q", tt.name, asked)
		}
		if asked == nil && r.Rule.String() != "reuse-fresh" && (resp.Header.Get("Cache-Control") != "no-store" || r.Detail.Listed == "") {
			t.Errorf("%s: Cache-Control %q, listed as %q", tt.name, resp.Header.Get("Cache-Control"), r.Detail.Listed)
		}
	}
	if sites := h.CutSites(); len(sites) != 1 || sites[0].Site != "127.0.0.1" || sites[0].Count != 10 {
		t.Errorf("cut: %+v", sites)
	}
	if latest := h.LatestCuts(); len(latest) != 10 || latest[0].Rule.Text != "/page-of-horror$document" {
		t.Errorf("latest: %+v", latest)
	}
}

// serveHandler serves a handler on loopback and returns its address.
func serveHandler(t *testing.T, h *forward.Handler, told httpd.Sink) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	srv := &httpd.Server{Handler: h, Sink: told}
	done := make(chan struct{})
	go func() { defer close(done); srv.Serve(l) }()
	t.Cleanup(func() { srv.Close(); <-done; h.Close() })
	return l.Addr().String()
}

// Images have the size that their address tells, and can be read.
func TestImages(t *testing.T) {
	h, err := forward.New(forward.Options{AllowPrivate: true, Lists: []forward.ListSource{listFile(t, "||ads.example^\n")}})
	if err != nil {
		t.Fatal(err)
	}
	c := through(t, serveHandler(t, h, nil))
	for path, want := range map[string]string{
		"/x.gif": "gif 1x1", "/x.png": "png 1x1", "/728x90/x.png": "gif 728x90", "/x?size=300x250": "gif 300x250", "/x?w=468&h=60": "gif 468x60",
		"/a1x1b.png": "png 1x1", "/99999x2.gif": "gif 1x1", "/0x10.gif": "gif 1x1", "/x.jpg": "gif 1x1",
	} {
		_, body := fetch{url: "http://ads.example" + path, dest: "image", page: "http://news.example/"}.do(t, c)
		m, kind, err := image.DecodeConfig(bytes.NewReader([]byte(body)))
		if got := fmt.Sprintf("%s %dx%d", kind, m.Width, m.Height); err != nil || got != want {
			t.Errorf("%s: %s, %v", path, got, err)
		}
		if _, _, err := image.Decode(bytes.NewReader([]byte(body))); err != nil {
			t.Errorf("%s: %v", path, err)
		}
	}
}

// No tunnel leads to a host that a list names.
func TestTunnelBlocked(t *testing.T) {
	told := make(rules, 8)
	addr := startTold(t, forward.Options{Lists: []forward.ListSource{listFile(t, "||ads.example^\n||pages.example^$document\n||scripts.example^$script\n/banner/\n")}}, told)
	for host, want := range map[string]string{"ads.example": "filter-host", "sub.ads.example": "filter-host", "pages.example": "filter-host", "localhost": "filter-destination"} {
		c, err := net.DialTimeout("tcp", addr, time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(c, "CONNECT %s:443 HTTP/1.1\r\nHost: %[1]s:443\r\n\r\n", host)
		resp, err := http.ReadResponse(bufio.NewReader(c), &http.Request{Method: "CONNECT"})
		if err != nil {
			t.Fatal(err)
		}
		c.Close()
		if given := <-told; given != want || resp.StatusCode != 403 {
			t.Errorf("%s: %s by %s", host, resp.Status, given)
		}
	}
}

// Scripts of a page may read the stand-in of what they asked another site for; a
// connection for messages is refused.
func TestStandInsOfOthers(t *testing.T) {
	h, err := forward.New(forward.Options{Lists: []forward.ListSource{listFile(t, "||ads.example^\n")}})
	if err != nil {
		t.Fatal(err)
	}
	c := through(t, serveHandler(t, h, nil))
	resp, body := fetch{url: "http://ads.example/x", dest: "empty", fields: []string{"Origin", "http://news.example", "Sec-Fetch-Mode", "cors"}}.do(t, c)
	if h := resp.Header; resp.StatusCode != 200 || body != "" || h.Get("Access-Control-Allow-Origin") != "http://news.example" || h.Get("Access-Control-Allow-Credentials") != "true" || h.Get("Vary") != "Origin" {
		t.Errorf("%s %v", resp.Status, h)
	}
	r, _ := http.NewRequest("OPTIONS", "http://ads.example/x", nil)
	for name, v := range map[string]string{"Origin": "http://news.example", "Access-Control-Request-Method": "PUT", "Access-Control-Request-Headers": "x-a, x-b"} {
		r.Header.Set(name, v)
	}
	resp, err = c.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if h := resp.Header; resp.StatusCode != 204 || h.Get("Access-Control-Allow-Methods") != "PUT" || h.Get("Access-Control-Allow-Headers") != "x-a, x-b" {
		t.Errorf("preflight: %s %v", resp.Status, h)
	}
	for dest, want := range map[string]string{"video": "video/mp4", "audio": "video/mp4", "object": "text/html; charset=utf-8"} {
		if resp, _ := (fetch{url: "http://ads.example/x", dest: dest}).do(t, c); resp.StatusCode != 200 || resp.Header.Get("Content-Type") != want {
			t.Errorf("%s: %s %v", dest, resp.Status, resp.Header)
		}
	}
	if resp, _ := (fetch{url: "http://ads.example/x", fields: []string{"Connection", "Upgrade", "Upgrade", "websocket"}}).do(t, c); resp.StatusCode != 403 {
		t.Errorf("a WebSocket: %s", resp.Status)
	}
	if resp, err := c.Post("http://ads.example/x", "text/ping", strings.NewReader("PING")); err != nil || resp.StatusCode != 204 {
		t.Errorf("a ping: %v %v", resp, err)
	} else {
		resp.Body.Close()
	}
	r, _ = http.NewRequest("HEAD", "http://ads.example/x.js", nil)
	if resp, err := c.Do(r); err != nil || resp.StatusCode != 200 || resp.ContentLength <= 0 {
		t.Errorf("HEAD: %v %v", resp, err)
	}
}

// Policies that lists want are added to answers, from the server and from the
// cache, once.
func TestPolicies(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Cache-Control", "max-age=60")
		w.Header().Set("Etag", `"1"`)
		w.Header().Set("Content-Security-Policy", "img-src 'self'")
		io.WriteString(w, aPage)
	}))
	defer server.Close()
	_, c, told, _ := filtered(t, "||127.0.0.1^$csp=script-src 'none'\n||127.0.0.1^$permissions=camera=()\n", nil)
	for i := range 3 {
		f := visit(server.URL + "/")
		if i == 2 {
			f.fields = []string{"If-None-Match", `"1"`}
		}
		resp, _ := f.do(t, c)
		r := <-told
		if got := strings.Join(resp.Header["Content-Security-Policy"], " | "); got != "img-src 'self' | script-src 'none'" && !(i == 2 && got == "script-src 'none'") {
			t.Errorf("request %d, %s: policy %q", i, resp.Status, got)
		}
		if got := strings.Join(resp.Header["Permissions-Policy"], " | "); got != "camera=()" {
			t.Errorf("request %d: permissions %q", i, got)
		}
		if !strings.Contains(r.Detail.Changed, "Content-Security-Policy added: script-src 'none'") {
			t.Errorf("request %d: changed %q", i, r.Detail.Changed)
		}
	}
}
