package static_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing/fstest"
	"time"

	"freshet/static"
)

// A file is asked for again with the entity-tag of the first answer.
func Example() {
	site := fstest.MapFS{
		"hello.txt": {Data: []byte("Hello, water!\n"), ModTime: time.Unix(1_700_000_000, 0)},
	}
	h, err := static.New(static.Options{FS: site, Cache: static.Auto})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer h.Close()

	srv := httptest.NewServer(h)
	defer srv.Close()
	first, err := http.Get(srv.URL + "/hello.txt")
	if err != nil {
		fmt.Println(err)
		return
	}
	first.Body.Close()
	fmt.Println(first.Status, first.Header.Get("Cache-Control"), first.Header.Get("ETag"))

	again, _ := http.NewRequest("GET", srv.URL+"/hello.txt", nil)
	again.Header.Set("If-None-Match", first.Header.Get("ETag"))
	second, err := http.DefaultClient.Do(again)
	if err != nil {
		fmt.Println(err)
		return
	}
	second.Body.Close()
	fmt.Println(second.Status)

	// Output:
	// 200 OK max-age=60 "D68pubvZpS4WcaY7hqnOFw"
	// 304 Not Modified
}
