package cache

import (
	"fmt"
	"net/http"
	"testing"
)

// No-Vary-Search holds for the answers that say it.
func TestNoVarySearchOfOne(t *testing.T) {
	w := newWorld(t, Options{}, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "max-age=1000")
		if r.URL.Query().Get("b") == "" {
			w.Header().Set("No-Vary-Search", `params=("a")`)
		}
		fmt.Fprint(w, r.URL.RawQuery)
	})
	expect(t, w.do("GET /s?a=1"), 200, "a=1", "stored")
	expect(t, w.do("GET /s?a=2"), 200, "a=1", "hit")
	expect(t, w.do("GET /s?a=2&b=1"), 200, "a=2&b=1", "uri-miss")
	expect(t, w.do("GET /s?a=3&b=1"), 200, "a=3&b=1", "uri-miss")
}

// What was stored before the cache knew which parameters do not matter is
// invalidated, too.
func TestNoVarySearchInvalidated(t *testing.T) {
	for _, how := range []string{"POST", "purge"} {
		w := newWorld(t, Options{}, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Cache-Control", "max-age=1000")
			w.Header().Set("No-Vary-Search", `params=("a")`)
		})
		w.do("GET http://e/s?a=1")
		if how == "POST" {
			w.do("POST http://e/s?a=1")
		} else if n, err := w.Purge("http://e/s?a=1", false); n == 0 || err != nil {
			t.Error(n, err)
		}
		w.store.memory.Invalidate("http://e/s" + ignoreMark)
		expect(t, w.do("GET http://e/s?a=1"), 200, "", "uri-miss")
	}
}
