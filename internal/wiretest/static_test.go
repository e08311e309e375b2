package wiretest_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"freshet/static"
)

// newStatic serves a folder with files.
func newStatic(t testing.TB, files map[string]string) *static.Handler {
	t.Helper()
	dir, old := t.TempDir(), time.Now().Add(-time.Hour)
	for name, content := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
		// A file of this second would have no Last-Modified.
		if err := os.Chtimes(path, old, old); err != nil {
			t.Fatal(err)
		}
	}
	return openStatic(t, static.Options{Root: dir})
}

func openStatic(t testing.TB, o static.Options) *static.Handler {
	t.Helper()
	h, err := static.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := h.Close(); err != nil {
			t.Error(err)
		}
	})
	return h
}

// TestEachProto asks for a folder over every protocol, with the standard
// library's client.
func TestEachProto(t *testing.T) {
	script := strings.Repeat("console.log('hello');\n", 1000)
	files := newStatic(t, map[string]string{"index.html": "<p>home\n", "app.js": script, "sub/a.txt": "a\n", "big.bin": strings.Repeat("0123456789abcdef", 200_000)})
	eachProto(t, files, func(t *testing.T, s site) {
		whole, body := s.get(t, "GET", "/app.js", nil)
		if whole.StatusCode != 200 || body != script || whole.ContentLength != int64(len(script)) {
			t.Fatalf("%s, %d bytes, length %d", whole.Status, len(body), whole.ContentLength)
		}
		tag := whole.Header.Get("ETag")
		for _, c := range []struct {
			method, target string
			fields         map[string]string
			status         int
			body           string
			field, value   string
		}{
			{"GET", "/", nil, 200, "<p>home\n", "Content-Type", "text/html; charset=utf-8"},
			{"HEAD", "/app.js", nil, 200, "", "ETag", tag},
			{"GET", "/app.js", map[string]string{"If-None-Match": tag}, 304, "", "ETag", tag},
			{"GET", "/app.js", map[string]string{"Range": "bytes=0-6"}, 206, "console", "Content-Range", "bytes 0-6/22000"},
			{"GET", "/app.js", map[string]string{"If-Match": `"x"`}, 412, "*", "", ""},
			{"GET", "/app.js", map[string]string{"Range": "bytes=22000-"}, 416, "*", "Content-Range", "bytes */22000"},
			{"GET", "/sub", nil, 301, "*", "Location", "./sub/"},
			{"GET", "/none", nil, 404, "*", "X-Content-Type-Options", "nosniff"},
			{"POST", "/app.js", nil, 405, "*", "Allow", "GET, HEAD, OPTIONS"},
			{"BREW", "/app.js", nil, 501, "*", "", ""},
			{"GET", "/app.js", map[string]string{"Accept-Encoding": "gzip, identity;q=0"}, 200, "*", "Content-Encoding", "gzip"},
			{"GET", "/big.bin", map[string]string{"Range": "bytes=3199990-"}, 206, "6789abcdef", "", ""},
		} {
			resp, body := s.get(t, c.method, c.target, c.fields)
			if resp.StatusCode != c.status || c.body != "*" && body != c.body {
				t.Errorf("%s %s %v: %s, %d bytes; want %d, %d bytes", c.method, c.target, c.fields, resp.Status, len(body), c.status, len(c.body))
			}
			if c.field != "" && resp.Header.Get(c.field) != c.value {
				t.Errorf("%s %s %v: %s is %q, want %q", c.method, c.target, c.fields, c.field, resp.Header.Get(c.field), c.value)
			}
		}
		if resp, body := s.get(t, "GET", "/big.bin", nil); len(body) != 3_200_000 || resp.ContentLength != 3_200_000 {
			t.Errorf("the large file has %d bytes, length %d", len(body), resp.ContentLength)
		}
	})
}
