package forward_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"freshet/cache"
	"freshet/forward"
	"freshet/httpd"
)

// aPage is a page with a banner in it.
const aPage = "<!doctype html><html><head><meta charset=utf-8><title>News</title></head><body><div class=banner>Buy</div><p>Text</p></body></html>"

const hideRules = "##.banner\nnews.example,127.0.0.1##.own-ad\n127.0.0.1#@#.never\n##.never\n"

// filtered serves a forward proxy with a cache and a list.
func filtered(t *testing.T, list string, change func(*forward.Options)) (*forward.Handler, *http.Client, chan httpd.Record, string) {
	t.Helper()
	store, err := cache.NewStore(cache.StoreOptions{Memory: 16 << 20})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	source := listFile(t, list)
	o := forward.Options{AllowPrivate: true, Store: store, Lists: []forward.ListSource{source}}
	if change != nil {
		change(&o)
	}
	h, err := forward.New(o)
	if err != nil {
		t.Fatal(err)
	}
	told := make(chan httpd.Record, 256)
	return h, through(t, serveHandler(t, h, records(told))), told, source.File
}

// visit asks for a page as a browser does.
func visit(address string, fields ...string) fetch {
	return fetch{url: address, dest: "document", accept: "text/html,application/xhtml+xml,*/*;q=0.8", fields: fields}
}

func gzipped(s string) []byte {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	io.WriteString(z, s)
	z.Close()
	return b.Bytes()
}

// A page has a style sheet that hides what lists name, whatever its coding, and
// is kept with it; scripts that ask for the page get it as it is.
func TestHide(t *testing.T) {
	for _, coded := range []bool{false, true} {
		t.Run(fmt.Sprint("coded ", coded), func(t *testing.T) {
			var asked []http.Header
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				asked = append(asked, r.Header.Clone())
				w.Header().Set("Content-Type", "text/html")
				w.Header().Set("Etag", `"v1"`)
				w.Header().Set("Last-Modified", "Mon, 02 Jan 2006 15:04:05 GMT")
				w.Header().Set("Cache-Control", "max-age=60")
				w.Header().Set("Content-Security-Policy", "default-src 'self'")
				w.Header().Set("Freshet-Sheet", "forged")
				if coded {
					w.Header().Set("Content-Encoding", "gzip")
					w.Write(gzipped(aPage))
					return
				}
				io.WriteString(w, aPage)
			}))
			defer server.Close()
			_, c, told, _ := filtered(t, hideRules, nil)
			var tag string
			// Ranges are of what is kept; the server is asked for all of it.
			part, coding := aPage[:15], ""
			if coded {
				part, coding = string(gzipped(aPage)[:2]), "gzip"
			}
			if resp, body := visit(server.URL+"/", "Accept-Encoding", "gzip", "Range", fmt.Sprintf("bytes=0-%d", len(part)-1), "Freshet-Sheet", "forged").do(t, c); resp.StatusCode != 206 || body != part || resp.Header.Get("Content-Encoding") != coding {
				t.Errorf("a part: %s %q %v", resp.Status, body, resp.Header)
			}
			<-told
			for i, want := range []string{"reuse-fresh", "reuse-fresh"} {
				resp, body := visit(server.URL+"/").do(t, c)
				r := <-told
				before, rest, _ := strings.Cut(body, "<style>")
				sheet, after, _ := strings.Cut(rest, "</style>")
				if before+after != aPage || !strings.Contains(sheet, ".banner") || !strings.Contains(sheet, ".own-ad") || strings.Contains(sheet, ".never") {
					t.Errorf("request %d: %s", i, body)
				}
				if r.Rule.String() != want || r.Detail.Noted[0].String() != "filter-hidden" || !strings.Contains(r.Detail.Changed, "style sheet") {
					t.Errorf("request %d: %v, noted %v, changed %q", i, r.Rule, r.Detail.Noted, r.Detail.Changed)
				}
				h := resp.Header
				if tag = h.Get("Etag"); !strings.HasPrefix(tag, `W/"s:v1~`) || h.Get("Last-Modified") != "" || h.Get("Content-Encoding") != "" || h.Get("Freshet-Sheet") != "" {
					t.Errorf("request %d: %v", i, h)
				}
				if p := h.Get("Content-Security-Policy"); !strings.Contains(p, "style-src 'self' 'sha256-") {
					t.Errorf("request %d: policy %q", i, p)
				}
			}
			if resp, _ := visit(server.URL+"/", "If-None-Match", tag).do(t, c); resp.StatusCode != 304 || resp.Header.Get("Freshet-Sheet") != "" {
				t.Errorf("with its tag: %s, %v", resp.Status, resp.Header)
			}
			<-told
			resp, body := fetch{url: server.URL + "/", dest: "empty", fields: []string{"Accept-Encoding", "identity"}}.do(t, c)
			<-told
			if !coded && (body != aPage || resp.Header.Get("Etag") != `"v1"`) {
				t.Errorf("for a script: %q, %v", body, resp.Header)
			}
			if len(asked) != 2 {
				t.Errorf("the server was asked %d times", len(asked))
			}
			for _, a := range asked[:1] {
				if a.Get("Range") != "" || a.Get("Freshet-Sheet") != "" {
					t.Errorf("the server got %v", a)
				}
			}
		})
	}
}

// What the origin says is unchanged is that, with the entity-tag of what was
// made of it; a page that became stale is asked for with the origin's own.
func TestHideValidated(t *testing.T) {
	for name, validator := range map[string][2]string{"strong": {"Etag", `"v1"`}, "weak": {"Etag", `W/"v1"`}, "date": {"Last-Modified", "Mon, 02 Jan 2006 15:04:05 GMT"}} {
		t.Run(name, func(t *testing.T) {
			var conditions []string
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				condition := r.Header.Get("If-None-Match") + r.Header.Get("If-Modified-Since")
				conditions = append(conditions, condition)
				w.Header().Set("Content-Type", "text/html; charset=utf-8")
				w.Header().Set(validator[0], validator[1])
				w.Header().Set("Cache-Control", "no-cache")
				if condition == validator[1] {
					w.WriteHeader(304)
					return
				}
				io.WriteString(w, aPage)
			}))
			defer server.Close()
			_, c, told, _ := filtered(t, hideRules, nil)
			for range 3 {
				resp, body := visit(server.URL+"/").do(t, c)
				if r := <-told; resp.StatusCode != 200 || strings.Count(body, "<style>") != 1 || !strings.HasPrefix(resp.Header.Get("Etag"), `W/"`) || resp.Header.Get("Last-Modified") != "" {
					t.Errorf("%s by %v: %v\n%s", resp.Status, r.Rule, resp.Header, body)
				}
			}
			if got := strings.Join(conditions, ","); got != ","+validator[1]+","+validator[1] {
				t.Errorf("the server was asked with %q", conditions)
			}
		})
	}
}

// Once a list has changed, nothing is answered with what was made with the
// one before; what the change is not about stays stored.
func TestListChanged(t *testing.T) {
	var asked atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Cache-Control", "max-age=600")
		w.Header().Set("Etag", `"v1"`)
		io.WriteString(w, aPage)
	}))
	defer server.Close()
	h, c, told, file := filtered(t, hideRules, nil)
	resp, _ := visit(server.URL+"/").do(t, c)
	<-told
	old := resp.Header.Get("Etag")
	change := func(text string) {
		t.Helper()
		before := h.Lists()[0].Read
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		h.Reload()
		for deadline := time.Now().Add(time.Minute); h.Lists()[0].Read.Equal(before); time.Sleep(time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatal("the list is not read")
			}
		}
	}
	change(hideRules + "other.example##.x\n||ads.example^\n")
	if s := h.Lists()[0]; s.Added != 2 || s.Removed != 0 {
		t.Errorf("%d added, %d removed", s.Added, s.Removed)
	}
	if _, body := visit(server.URL+"/").do(t, c); asked.Load() != 1 || !strings.Contains(body, "<style>") {
		t.Errorf("a change of other pages: asked %d times", asked.Load())
	}
	<-told
	change(hideRules + "##.new-banner\n")
	for deadline := time.Now().Add(time.Minute); ; {
		resp, body := visit(server.URL+"/", "If-None-Match", old).do(t, c)
		<-told
		if strings.Contains(body, ".new-banner") && resp.StatusCode == 200 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s\n%s", resp.Status, body)
		}
	}
	if asked.Load() != 2 {
		t.Errorf("asked %d times", asked.Load())
	}
}

// What cannot be changed safely passes as it is, and that is told.
func TestNotRewritten(t *testing.T) {
	answers := map[string]func(http.ResponseWriter){
		"/no-transform": func(w http.ResponseWriter) { w.Header().Set("Cache-Control", "no-transform, max-age=60") },
		"/charset":      func(w http.ResponseWriter) { w.Header().Set("Content-Type", "text/html; charset=utf-16") },
		"/xhtml":        func(w http.ResponseWriter) { w.Header().Set("Content-Type", "application/xhtml+xml") },
		"/coding":       func(w http.ResponseWriter) { w.Header().Set("Content-Encoding", "compress") },
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Etag", `"v1"`)
		w.Header().Set("Cache-Control", "max-age=60")
		answers[r.URL.Path](w)
		io.WriteString(w, aPage)
	}))
	defer server.Close()
	_, c, told, _ := filtered(t, hideRules, nil)
	for path := range answers {
		for i := range 2 {
			resp, body := visit(server.URL+path).do(t, c)
			r := <-told
			if body != aPage || resp.Header.Get("Etag") != `"v1"` || resp.Header.Get("Freshet-Sheet") != "" {
				t.Errorf("%s: %q, %v", path, body, resp.Header)
			}
			if r.Detail == nil || r.Detail.Noted[0].String() != "filter-not-rewritten" {
				t.Errorf("%s, request %d: %v, %+v", path, i, r.Rule, r.Detail)
			}
		}
	}
}

// A page whose coding breaks off does not look whole.
func TestHideCutOff(t *testing.T) {
	whole := gzipped(strings.Replace(aPage, "Text", strings.Repeat("Text ", 1000), 1))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Content-Encoding", "gzip")
		w.Header().Set("Cache-Control", "max-age=60")
		w.Write(whole[:len(whole)-9])
	}))
	defer server.Close()
	_, c, told, _ := filtered(t, hideRules, nil)
	for range 2 {
		r, _ := http.NewRequest("GET", server.URL, nil)
		r.Header.Set("Accept", "text/html")
		r.Header.Set("Accept-Encoding", "gzip")
		if resp, err := c.Do(r); err == nil {
			if body, err := io.ReadAll(resp.Body); err == nil && resp.StatusCode == 200 {
				t.Errorf("it looks whole: %q", body)
			}
			resp.Body.Close()
		}
		if d := (<-told).Detail; d == nil || !strings.Contains(d.Error, "decode gzip") {
			t.Errorf("told: %+v", d)
		}
	}
}

// What changes a page makes it be asked for anew, whoever made the change, and
// whoever asks.
func TestHideInvalidated(t *testing.T) {
	var asked atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			w.WriteHeader(http.StatusNoContent)
			return
		}
		asked.Add(1)
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Cache-Control", "max-age=600")
		io.WriteString(w, aPage)
	}))
	defer server.Close()
	_, c, _, _ := filtered(t, hideRules, nil)
	script := fetch{url: server.URL + "/", dest: "empty"}
	for i, dest := range []string{"", "empty", "document"} {
		visit(server.URL+"/").do(t, c)
		script.do(t, c)
		visit(server.URL+"/").do(t, c)
		script.do(t, c)
		if got := asked.Load(); int(got) != 2*(i+1) {
			t.Errorf("asked %d times after %d changes", got, i)
		}
		r, _ := http.NewRequest("POST", server.URL+"/", strings.NewReader("x"))
		if dest != "" {
			r.Header.Set("Sec-Fetch-Dest", dest)
		}
		resp, err := c.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
	}
}
