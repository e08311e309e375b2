package static

import (
	"embed"
	"io/fs"
	"os"
	"strings"
	"testing"
	"testing/fstest"
	"time"
)

//go:embed mime.go options.go
var embedded embed.FS

// TestEmbedded: embedded files have no times; they never change, and are
// answered on the hot path without a look at anything.
func TestEmbedded(t *testing.T) {
	sub, err := fs.Sub(embedded, ".")
	must(t, err)
	for name, o := range map[string]Options{
		"embed.FS":  {FS: embedded},
		"immutable": {FS: sub, Immutable: true},
	} {
		s := newFSSite(t, o)
		w := s.get("/mime.go")
		if w.Code != 200 || w.Header().Get("Etag") == "" || w.Header().Get("Last-Modified") != "" || !strings.Contains(w.Body.String(), "package static") {
			t.Errorf("%s: %d %v", name, w.Code, w.Header())
		}
		s.settle()
		s.both(raw("GET /mime.go"))
		s.both(raw("GET /mime.go", "Accept-Encoding: br"))
		s.both(raw("GET /mime.go", "Range: bytes=0-9"))
		s.both(raw("GET /missing"))
		if w := s.get("/"); w.Code != 200 || !strings.Contains(w.Body.String(), "options.go") {
			t.Errorf("%s: listing: %d", name, w.Code)
		}
	}
}

// TestWithoutTimes: of a file system that tells no times nothing is believed.
func TestWithoutTimes(t *testing.T) {
	m := fstest.MapFS{"a.txt": {Data: []byte("one")}}
	s := newFSSite(t, Options{FS: m})
	if w := s.get("/a.txt"); w.Body.String() != "one" || w.Header().Get("Etag") == "" {
		t.Error(w.Body, w.Header())
	}
	m["a.txt"] = &fstest.MapFile{Data: []byte("two")}
	if w := s.get("/a.txt"); w.Body.String() != "two" {
		t.Error(w.Body)
	}
	if _, ok := s.hot(raw("GET /a.txt")); ok {
		t.Error("the hot path called a file system that may do anything")
	}
}

// TestMapFS: with times, files are kept as long as size and time stay.
func TestMapFS(t *testing.T) {
	m := fstest.MapFS{
		"a.txt":        {Data: []byte("one"), ModTime: time.Unix(1e9, 0)},
		"d/index.html": {Data: []byte("index"), ModTime: time.Unix(1e9, 0)},
		"large.js":     {Data: []byte(strings.Repeat(script, 10)), ModTime: time.Unix(1e9, 0)},
		"pipe":         {Mode: fs.ModeNamedPipe},
	}
	s := newFSSite(t, Options{FS: m, MaxInMemory: 20_000})
	for path, want := range map[string]string{"/a.txt": "one", "/d/": "index", "/large.js": strings.Repeat(script, 10)} {
		for range 2 {
			w := s.get(path)
			if w.Code != 200 || w.Body.String() != want {
				t.Errorf("%s: %d, %d bytes", path, w.Code, w.Body.Len())
			}
			s.settle()
		}
		if w := s.get(path, "If-None-Match: "+s.get(path).Header().Get("Etag")); w.Code != 304 {
			t.Errorf("%s: %d", path, w.Code)
		}
	}
	for path, want := range map[string]int{"/d": 301, "/none": 404, "/pipe": 403, "/a\xff": 404} {
		if w := s.get(strings.ReplaceAll(path, "\xff", "%FF")); w.Code != want {
			t.Errorf("%s: %d, want %d", path, w.Code, want)
		}
	}
	m["a.txt"] = &fstest.MapFile{Data: []byte("two"), ModTime: time.Unix(1e9+1, 0)}
	if w := s.get("/a.txt"); w.Body.String() != "two" {
		t.Error(w.Body)
	}
}

// TestDirFS: os.DirFS tells as much as a folder does, but may block on a pipe.
func TestDirFS(t *testing.T) {
	dir := newSite(t, Options{}, map[string]string{"a.txt": "one"})
	s := newFSSite(t, Options{FS: os.DirFS(dir.dir)})
	for _, want := range []string{"one", "two"} {
		dir.write("a.txt", want)
		for range 2 {
			if w := s.get("/a.txt"); w.Body.String() != want {
				t.Errorf("%s, want %s", w.Body, want)
			}
		}
	}
	if s.table.get("a.txt") == nil {
		t.Error("not kept")
	}
}

// TestForwardOnly: ranges of a file that can neither seek nor be read at an
// offset.
func TestForwardOnly(t *testing.T) {
	content := strings.Repeat("0123456789", 1000)
	m := forwardFS{fstest.MapFS{"large.bin": {Data: []byte(content), ModTime: time.Unix(1e9, 0)}}}
	s := newFSSite(t, Options{FS: m, MaxInMemory: 100})
	for _, c := range []struct{ field, body string }{
		{"X: y", content}, {"Range: bytes=5000-5009", "0123456789"}, {"Range: bytes=-4", "6789"},
	} {
		if w := s.get("/large.bin", c.field); w.Body.String() != c.body {
			t.Errorf("%s: %d, %d bytes", c.field, w.Code, w.Body.Len())
		}
	}
	if w := s.get("/large.bin", "Range: bytes=0-4,100-104"); w.Code != 206 || strings.Count(w.Body.String(), "01234") != 2 {
		t.Errorf("several ranges: %d", w.Code)
	}
	func() {
		defer func() {
			if recover() == nil {
				t.Error("ranges that go backwards: not cut")
			}
		}()
		s.get("/large.bin", "Range: bytes=5000-5004,0-4")
	}()
}

type forwardFS struct{ fstest.MapFS }

func (f forwardFS) Open(name string) (fs.File, error) {
	file, err := f.MapFS.Open(name)
	return struct{ fs.File }{file}, err
}
