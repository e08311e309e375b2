package client_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"

	"freshet/client"
)

// A cache below http.Client, and what it says about the second answer.
func ExampleTransport() {
	origin := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "private, max-age=60")
		fmt.Fprint(w, "hello")
	}))
	defer origin.Close()

	kept := client.NewMemoryCache(16 << 20) // or OpenCache(dir, …), which processes can share
	defer kept.Close()
	transport := &client.Transport{Cache: kept}
	defer transport.CloseIdleConnections()
	hc := &http.Client{Transport: transport}
	for range 2 {
		resp, err := hc.Get(origin.URL)
		if err != nil {
			fmt.Println(err)
			return
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		why, _ := client.From(resp)
		fmt.Printf("%s %v: %s, %s\n", body, err, why.Verdict, why.Sentence)
	}
	// Output:
	// hello <nil>: miss, nothing was stored for this address
	// hello <nil>: hit, the stored answer is fresh
}
