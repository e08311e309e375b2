package fastcgi_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"freshet/cache"
	"freshet/fastcgi"
)

// Behind the servers of the standard library the same holds, by HTTP/1 and by
// HTTP/2: a body is read while the answer is written.
func TestStandardServers(t *testing.T) {
	h := newHandler(t, fastcgi.Options{Address: goBackend(t, "unix", func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "begun ")
		w.(http.Flusher).Flush()
		io.Copy(w, r.Body)
	})})
	for name, h2 := range map[string]bool{"http1": false, "http2": true} {
		t.Run(name, func(t *testing.T) {
			srv := httptest.NewUnstartedServer(h)
			srv.EnableHTTP2 = h2
			srv.StartTLS()
			defer srv.Close()
			for _, size := range []int{100, 50_000, 1 << 20} {
				body := bytes.Repeat([]byte("x"), size)
				for _, length := range []int64{int64(size), -1} {
					req, _ := http.NewRequest("POST", srv.URL, io.MultiReader(bytes.NewReader(body)))
					req.ContentLength = length
					status, got, cut := exchange(t, srv.Client(), req)
					if status != 200 || cut || got != "begun "+string(body) {
						t.Errorf("%d octets, length %d: %d, cut %v, %d octets came back", size, length, status, cut, len(got))
					}
				}
			}
		})
	}
}

// A cache in front keeps what says that it may be kept, and has a stale answer
// when the backend has none.
func TestBehindCache(t *testing.T) {
	var runs atomic.Int32
	var broken atomic.Bool
	address := fake(t, "unix", func(s *session) {
		for {
			if _, err := s.request(); err != nil || broken.Load() {
				return
			}
			age := 60
			if runs.Add(1) > 1 {
				age = 0
			}
			io.WriteString(s, stdout(fmt.Sprintf("Content-Type: text/plain\r\nCache-Control: max-age=%d, stale-if-error=60\r\n\r\nrun %d", age, runs.Load()))+end(0, 0))
		}
	})
	h := newHandler(t, fastcgi.Options{Address: address})
	store, err := cache.NewStore(cache.StoreOptions{ErrorLog: quiet})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	cached, err := cache.New(cache.Options{Next: h, Store: store, ErrorLog: quiet})
	if err != nil {
		t.Fatal(err)
	}
	url, _ := serve(t, cached)
	c := newClient(t)
	for range 3 {
		if _, body := get(t, c, url+"/fresh"); body != "run 1" {
			t.Errorf("%q", body)
		}
	}
	if _, body := get(t, c, url+"/stale"); body != "run 2" {
		t.Errorf("%q", body)
	}
	broken.Store(true)
	if resp, body := get(t, c, url+"/stale"); resp.StatusCode != 200 || body != "run 2" {
		t.Errorf("%s %q", resp.Status, body)
	}
}
