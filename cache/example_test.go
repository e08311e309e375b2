package cache_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"

	"freshet/cache"
)

// A cache in front of a handler: the second request is answered from memory,
// and Cache-Status says so.
func Example() {
	asked := 0
	origin := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked++
		w.Header().Set("Cache-Control", "max-age=60")
		w.Header().Set("Content-Type", "text/plain")
		fmt.Fprintf(w, "page %s, made %d times", r.URL.Path, asked)
	})

	store, err := cache.NewStore(cache.StoreOptions{Memory: 64 << 20})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer store.Close()
	// Of a server of freshet/httpd, h is the Hot handler, too.
	h, err := cache.New(cache.Options{Next: origin, Store: store, Now: noon})
	if err != nil {
		fmt.Println(err)
		return
	}

	for range 2 {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest("GET", "http://example.org/a", nil))
		fmt.Println(w.Body, "|", w.Header().Get("Cache-Status"))
	}

	// Output:
	// page /a, made 1 times | freshet; fwd=uri-miss; fwd-status=200; stored
	// page /a, made 1 times | freshet; hit; ttl=60
}

// Purge makes a cache forget one address, PurgeAll of its store all of them.
func ExampleHandler_Purge() {
	version := 1
	origin := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "max-age=60")
		fmt.Fprintf(w, "version %d", version)
	})
	h, err := cache.New(cache.Options{Next: origin, Now: noon})
	if err != nil {
		fmt.Println(err)
		return
	}
	show := func() {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest("GET", "http://example.org/", nil))
		fmt.Println(w.Body)
	}

	show()
	version = 2
	show() // still fresh
	n, err := h.Purge("http://example.org/", false)
	fmt.Println(n, err)
	show()

	// Output:
	// version 1
	// version 1
	// 1 <nil>
	// version 2
}

// noon is a clock that stands still, for examples.
func noon() int64 { return 1_795_262_400_000_000_000 }
