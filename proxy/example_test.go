package proxy_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"

	"freshet/proxy"
)

// A proxy in front of one origin.
func Example() {
	origin := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/plain")
		fmt.Fprintf(w, "%s, by way of %s", r.URL, r.Header.Get("Via"))
	}))
	defer origin.Close()

	h, err := proxy.New(proxy.Options{Origins: []string{origin.URL + "/app"}, Name: "edge"})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer h.Close()

	srv := httptest.NewServer(h)
	defer srv.Close()
	resp, err := http.Get(srv.URL + "/hello?x=1")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(resp.Body)
	fmt.Println(resp.Status, resp.Header.Get("Via"))
	fmt.Printf("%s\n", body)

	// Output:
	// 200 OK 1.1 edge
	// /app/hello?x=1, by way of 1.1 edge
}
