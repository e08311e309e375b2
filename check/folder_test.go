package check

import (
	"context"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"freshet/httpd"
	"freshet/static"
)

var someFiles = fstest.MapFS{
	"index.html":          {Data: []byte("<!DOCTYPE html><title>x</title>" + strings.Repeat("<p>words and words\n", 100))},
	"app.0123abcd.js":     {Data: []byte(strings.Repeat("let a = 1;\n", 200))},
	"app.0123abcd.js.map": {Data: []byte("{}")},
	"img/a.png":           {Data: []byte("\x89PNG\r\n\x1a\nxxxx")},
	"img/a.svg":           {Data: []byte("<svg xmlns='http://www.w3.org/2000/svg'/>")},
	"sub/page.html":       {Data: []byte("<p>short")},
	"data.json":           {Data: []byte(`{"a": 1}`)},
	"empty.txt":           {Data: nil},
	"a b & c.txt":         {Data: []byte("a name with blanks")},
	"style.css":           {Data: style},
	"style.css.gz":        {Data: []byte("not really gzip")},
	".git/config":         {Data: []byte("secret")},
	".well-known/a.txt":   {Data: []byte("not secret")},
}

// withTimes returns a copy of files, with times: servers of tests before may
// still look at theirs.
func withTimes(files fstest.MapFS) fstest.MapFS {
	own := fstest.MapFS{}
	for name, f := range files {
		own[name] = &fstest.MapFile{Data: f.Data, ModTime: time.Date(2026, 9, 1, 0, 0, 0, 0, time.UTC)}
	}
	return own
}

// What package static serves has no fault that these checks know, whatever
// caches are told.
func TestFolder(t *testing.T) {
	files := withTimes(someFiles)
	delete(files, "style.css.gz")
	for _, policy := range []static.CachePolicy{static.Revalidate, static.Auto, static.CachePolicy(time.Hour)} {
		t.Run(fmt.Sprint(policy), func(t *testing.T) {
			h, err := static.New(static.Options{FS: files, Cache: policy})
			if err != nil {
				t.Fatal(err)
			}
			defer h.Close()
			s := &httpd.Server{Handler: h, Hot: h, ErrorLog: log.New(io.Discard, "", 0)}
			results, err := Folder(context.Background(), files, []string{"index.html"}, s, Options{}, Crawling{})
			if err != nil {
				t.Fatal(err)
			}
			var names []string
			for _, r := range results {
				names = append(names, r.Name)
				if r.Err != nil {
					t.Errorf("%s: %v", r.Name, r.Err)
				}
				for i := range r.Findings {
					f := &r.Findings[i]
					if f.Note.Severity > Info {
						t.Errorf("%s: %s", r.Name, plain(f))
					}
				}
				if r.Name == "style.css" && foundIn([]*Result{r})["coding-gain"] == "" {
					t.Errorf("%s: no coding was made", r.Name)
				}
			}
			want := "/|.well-known/|.well-known/a.txt|a b & c.txt|app.0123abcd.js|app.0123abcd.js.map|data.json|empty.txt|img/|img/a.png|img/a.svg|style.css|sub/|sub/page.html"
			if got := strings.Join(names, "|"); got != want {
				t.Errorf("checked %s\nwant %s", got, want)
			}
		})
	}
}

// No more than so many files are asked for; one that cannot be read is left out.
func TestFolderBounds(t *testing.T) {
	var asked sync.Map
	s := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { asked.Store(r.URL.Path, true) })}
	results, err := Folder(context.Background(), withTimes(someFiles), nil, s, Options{PassiveOnly: true}, Crawling{MaxPages: 3})
	n := 0
	asked.Range(func(any, any) bool { n++; return true })
	if err != nil || len(results) != 3 || n != 3 {
		t.Errorf("%d results, %v; asked for %d", len(results), err, n)
	}
	if _, err := Folder(context.Background(), os.DirFS(filepath.Join(t.TempDir(), "none")), nil, &http.Server{}, Options{}, Crawling{}); err == nil {
		t.Error("there is no such folder")
	}
}

// A recorder is a test that may fail.
type recorder struct{ failed, logged []string }

func (r *recorder) Helper() {}
func (r *recorder) Errorf(format string, args ...any) {
	r.failed = append(r.failed, fmt.Sprintf(format, args...))
}
func (r *recorder) Logf(format string, args ...any) {
	r.logged = append(r.logged, fmt.Sprintf(format, args...))
}

func TestHandler(t *testing.T) {
	Handler(t, http.HandlerFunc(right))
	bad := asks(func(r *http.Request) { r.Header.Del("If-Range") })
	var r recorder
	Handler(&r, bad)
	if len(r.failed) != 1 || !strings.HasPrefix(r.failed[0], "/: bad if-range-ignored: ") {
		t.Errorf("failed: %q", r.failed)
	}
	if len(r.logged) == 0 {
		t.Error("nothing was logged")
	}
	r = recorder{}
	HandlerFrom(&r, Info, Options{PassiveOnly: true}, bad)
	if strings.Contains(strings.Join(r.failed, " "), "if-range") {
		t.Errorf("an active check was made: %q", r.failed)
	}
	r = recorder{}
	Handler(&r, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { panic(http.ErrAbortHandler) }), "/a")
	if len(r.failed) != 1 || r.failed[0] != "/a: localhost:80 closed the connection without an answer" {
		t.Errorf("failed: %q", r.failed)
	}
	// A redirect out of the handler is not followed.
	r = recorder{}
	Handler(&r, http.RedirectHandler("https://example.com/", http.StatusPermanentRedirect), "/", "/b")
	if len(r.failed) != 0 {
		t.Errorf("failed: %q", r.failed)
	}
}

// A coded form beside a file that is not one of it is found.
func TestFolderSidecar(t *testing.T) {
	files := fstest.MapFS{"style.css": {Data: style}, "style.css.gz": {Data: packed(t, "old")}}
	h, err := static.New(static.Options{FS: withTimes(files)})
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	s := &httpd.Server{Handler: h, Hot: h, ErrorLog: log.New(io.Discard, "", 0)}
	results, err := Folder(context.Background(), files, nil, s, Options{}, Crawling{})
	if err != nil {
		t.Fatal(err)
	}
	if found := foundIn(results); len(results) != 2 || found["coding-content-differs"] == "" {
		t.Errorf("%d results: %v", len(results), found)
	}
}
