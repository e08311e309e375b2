package middleware

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"
)

// A standard file server gets codings, right tags and lifetimes.
func TestStackOnFileServer(t *testing.T) {
	dir := t.TempDir()
	for name, body := range map[string]string{"a.css": long, "a.png": "\x89PNG\r\n\x1a\n" + long, "small.css": "a{}"} {
		if err := os.WriteFile(dir+"/"+name, []byte(body), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(dir+"/"+name, changed, changed); err != nil {
			t.Fatal(err)
		}
	}
	h := Compress(Expires(Validate(http.FileServer(http.Dir(dir)), nil), Freshness{Type: "text/*", Lifetime: time.Minute}), CompressOptions{})
	eachProto(t, h, func(t *testing.T, do func(string, string, ...string) *answered) {
		css := do("GET", "/a.css", "Accept-Encoding", "gzip")
		css.want(t, 200, "Content-Encoding", "gzip", "Vary", "Accept-Encoding", "Cache-Control", "max-age=60", "Last-Modified", date)
		if css.plain(t) != long {
			t.Error("another body")
		}
		for _, method := range []string{"GET", "HEAD"} {
			do(method, "/a.css", "Accept-Encoding", "gzip", "If-Modified-Since", date).want(t, 304,
				"Vary", "Accept-Encoding", "Cache-Control", "max-age=60", "Content-Encoding", "")
			do(method, "/small.css", "Accept-Encoding", "gzip").want(t, 200,
				"Vary", "Accept-Encoding", "Content-Encoding", "", "Content-Length", "3", "Accept-Ranges", "bytes")
			do(method, "/a.png", "Accept-Encoding", "gzip").want(t, 200,
				"Vary", "", "Content-Encoding", "", "Cache-Control", "", "Accept-Ranges", "bytes")
			do(method, "/a.png", "Accept-Encoding", "gzip", "If-Modified-Since", date).want(t, 304, "Vary", "")
			do(method, "/none", "Accept-Encoding", "gzip").want(t, 404, "Vary", "Accept-Encoding", "Cache-Control", "")
		}
	})
}

// A resource that is fetched coded and then changed by its tag.
func TestStackEditsByTag(t *testing.T) {
	var mu sync.Mutex
	version := 1
	tag := func() string { return fmt.Sprintf(`"v%d"`, version) }
	h := Compress(Validate(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		if r.Method == http.MethodPut {
			version++
			w.WriteHeader(http.StatusNoContent)
			return
		}
		w.Header().Set("Content-Type", "text/plain")
		fmt.Fprint(w, version, long)
	}), func(*http.Request) Validators {
		mu.Lock()
		defer mu.Unlock()
		return Validators{ETag: tag()}
	}), CompressOptions{})
	for _, proto := range []string{"HTTP/1.1", "HTTP/2.0"} {
		c, url := serve(t, h, proto)
		do := func(method, match string, fields ...string) *http.Response {
			req, _ := http.NewRequest(method, url, nil)
			req.Header.Set("Accept-Encoding", "gzip")
			if match != "" {
				req.Header.Set(match, fields[0])
			}
			res, err := c.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			io.Copy(io.Discard, res.Body)
			res.Body.Close()
			return res
		}
		old := do("GET", "").Header.Get("Etag")
		if !strings.HasSuffix(old, `-gz"`) {
			t.Fatalf("tag %s", old)
		}
		for _, step := range []struct {
			method, match, tag string
			status             int
		}{
			{"GET", "If-None-Match", old, 304},
			{"PUT", "If-None-Match", old, 412},
			{"PUT", "If-Match", old, 204},
			{"PUT", "If-Match", old, 412}, // somebody was faster
			{"GET", "If-None-Match", old, 200},
		} {
			if res := do(step.method, step.match, step.tag); res.StatusCode != step.status {
				t.Errorf("%s %s %s: %s", step.method, step.match, step.tag, res.Status)
			}
		}
	}
}

// Many at once share nothing but the pools.
func TestStackAtOnce(t *testing.T) {
	h := stacks["all"](http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/plain")
		w.Header().Set("Etag", `"`+r.URL.Path[1:]+`"`)
		for range 50 {
			io.WriteString(w, r.URL.Path+" a line of some text\n")
		}
	}))
	eachProto(t, h, func(t *testing.T, do func(string, string, ...string) *answered) {
		var wg sync.WaitGroup
		for i := range 8 {
			wg.Go(func() {
				for j := range 10 {
					path := fmt.Sprintf("/%d-%d", i, j)
					res := do("GET", path, "Accept-Encoding", []string{"gzip", "br", "zstd", ""}[(i+j)%4])
					if want := strings.Repeat(path+" a line of some text\n", 50); (i+j)%4 == 0 && res.plain(t) != want {
						t.Errorf("%s: another body", path)
					}
					do("GET", path, "Accept-Encoding", "gzip, br, zstd", "If-None-Match", res.Header.Get("Etag")).want(t, 304, "Etag", res.Header.Get("Etag"))
				}
			})
		}
		wg.Wait()
	})
}
