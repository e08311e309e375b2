package ui_test

import (
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"freshet/internal/coding"
	"freshet/internal/field"
	"freshet/internal/monitor/ui"
)

// get asks the handler of assets; fields are pairs of name and value.
func get(t *testing.T, method, url string, fields ...string) *http.Response {
	t.Helper()
	r := httptest.NewRequest(method, url, nil)
	for i := 0; i < len(fields); i += 2 {
		r.Header.Set(fields[i], fields[i+1])
	}
	w := httptest.NewRecorder()
	ui.Handler().ServeHTTP(w, r)
	return w.Result()
}

func body(t *testing.T, r *http.Response) string {
	t.Helper()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

var assets = []struct{ name, mediaType string }{
	{"app.css", "text/css"},
	{"app.js", "text/javascript"},
	{"charts.css", "text/css"},
	{"charts.js", "text/javascript"},
	{"icon.svg", "image/svg+xml"},
}

func TestAssets(t *testing.T) {
	for _, a := range assets {
		t.Run(a.name, func(t *testing.T) {
			want, err := os.ReadFile("dist/" + a.name)
			if err != nil {
				t.Fatal(err)
			}
			url := ui.URL(a.name)
			r := get(t, "GET", url)
			if r.StatusCode != 200 || body(t, r) != string(want) {
				t.Fatalf("%s: %s, or another content", url, r.Status)
			}
			for name, part := range map[string]string{
				"Cache-Control":          "max-age=31536000, immutable",
				"Content-Type":           a.mediaType,
				"X-Content-Type-Options": "nosniff",
				"Etag":                   `"`,
			} {
				if got := r.Header.Get(name); !strings.HasPrefix(got, part) {
					t.Errorf("%s: %q, want it to begin with %q", name, got, part)
				}
			}
			tag := r.Header.Get("ETag")
			if r := get(t, "HEAD", url); r.StatusCode != 200 || r.ContentLength != int64(len(want)) || body(t, r) != "" {
				t.Errorf("HEAD: %s, length %d", r.Status, r.ContentLength)
			}
			if r := get(t, "GET", url, "If-None-Match", tag); r.StatusCode != 304 || r.Header.Get("ETag") != tag {
				t.Errorf("If-None-Match: %s, tag %s", r.Status, r.Header.Get("ETag"))
			}
			if r := get(t, "GET", url, "Range", "bytes=1-3"); r.StatusCode != 206 || body(t, r) != string(want[1:4]) {
				t.Errorf("Range: %s", r.Status)
			}
		})
	}
}

// The first answer to each who asks is coded.
func TestAssetCodings(t *testing.T) {
	for _, name := range []string{"app.css", "app.js", "charts.js"} {
		plain := get(t, "GET", ui.URL(name))
		want := body(t, plain)
		for _, c := range []field.Coding{field.Brotli, field.Gzip, field.Zstd} {
			r := get(t, "GET", ui.URL(name), "Accept-Encoding", c.String())
			if r.Header.Get("Content-Encoding") != c.String() || r.Header.Get("Vary") != "Accept-Encoding" {
				t.Errorf("%s as %v: %v", name, c, r.Header)
			}
			if tag := r.Header.Get("ETag"); tag == plain.Header.Get("ETag") || strings.HasPrefix(tag, "W/") {
				t.Errorf("%s as %v: tag %s, plain %s", name, c, tag, plain.Header.Get("ETag"))
			}
			if got, err := coding.Decode(c, []byte(body(t, r)), 1<<20); err != nil || string(got) != want {
				t.Errorf("%s as %v: another content, %v", name, c, err)
			}
		}
	}
	if r := get(t, "GET", ui.URL("app.css")+".br"); r.StatusCode == 200 {
		t.Error("a coding is an asset of its own")
	}
}

func TestAssetMissing(t *testing.T) {
	for _, url := range []string{"/assets/", "/assets/app.css", "/assets/app.000000000000000000000000.css", "/assets/dist/app.css", "/assets/../assets.go"} {
		if r := get(t, "GET", url); r.StatusCode == 200 {
			t.Errorf("%s: %s", url, r.Status)
		}
	}
	defer func() {
		if recover() == nil {
			t.Error("the address of an asset that there is not")
		}
	}()
	ui.URL("none.css")
}

// What a first visit loads stays below what a slow line takes in a second.
func TestAssetWeight(t *testing.T) {
	limits := map[string]int64{"app.js": 15 << 10, "app.css": 24 << 10}
	var all int64
	for _, a := range assets {
		fi, err := fs.Stat(os.DirFS("dist"), a.name)
		if err != nil {
			t.Fatal(err)
		}
		all += fi.Size()
		if limit := limits[a.name]; limit > 0 && fi.Size() > limit {
			t.Errorf("%s: %d bytes, more than %d", a.name, fi.Size(), limit)
		}
	}
	if all > 100<<10 {
		t.Errorf("all assets: %d bytes before compression, more than 100 KiB", all)
	}
}
