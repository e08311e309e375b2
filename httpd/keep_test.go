package httpd_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"testing"

	"freshet/httpd"
)

// What a handler was given stays as it was, however many requests follow on
// the same connection: a handler may keep it.
func TestHandlersMayKeepRequests(t *testing.T) {
	const n = 50
	kept := make(chan *http.Request, n)
	addr := start(t, &httpd.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		kept <- r
		io.WriteString(w, "ok")
	})})
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	br := bufio.NewReader(c)
	for i := range n {
		fmt.Fprintf(c, "GET /path-%d?q=%d HTTP/1.1\r\nHost: host-%d\r\nX-Own: own-%d\r\nCookie: c=%d\r\n\r\n", i, i, i, i, i)
		resp, err := http.ReadResponse(br, nil)
		if err != nil {
			t.Fatal(err)
		}
		io.Copy(io.Discard, resp.Body)
	}
	for i := range n {
		r := <-kept
		got := fmt.Sprint(r.Method, " ", r.URL, " ", r.RequestURI, " ", r.Host, " ", r.Header["X-Own"], r.Header["Cookie"], " ", r.RemoteAddr != "")
		want := fmt.Sprintf("GET /path-%d?q=%d /path-%d?q=%d host-%d [own-%d] [c=%d] true", i, i, i, i, i, i, i)
		if got != want {
			t.Errorf("request %d became %q, want %q", i, got, want)
		}
	}
}
