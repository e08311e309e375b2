package httpd_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"freshet/httpd"
	"freshet/socketserver"
)

// start serves srv on a loopback port until the test ends.
func start(t testing.TB, srv *httpd.Server) (addr string) {
	t.Helper()
	l, err := socketserver.Listen("127.0.0.1:0", 0)
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- srv.Serve(l) }()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := srv.Shutdown(ctx); err != nil {
			t.Errorf("shutdown: %v", err)
		}
		if err := <-served; err != httpd.ErrServerClosed {
			t.Errorf("Serve returned %v", err)
		}
	})
	return l.Addr().String()
}

// talk sends raw bytes, closes its side when half is set, and returns
// everything that comes back until the server closes.
func talk(t testing.TB, addr, raw string) string {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(patience))
	if _, err := io.WriteString(c, raw); err != nil {
		t.Fatal(err)
	}
	c.(*net.TCPConn).CloseWrite()
	b, err := io.ReadAll(c)
	if err != nil {
		t.Fatalf("read: %v (after %q)", err, b)
	}
	return string(b)
}

func hello(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "hello "+r.URL.Path) }

func TestServesHandler(t *testing.T) {
	addr := start(t, &httpd.Server{Handler: http.HandlerFunc(hello)})
	got := talk(t, addr, "GET /a HTTP/1.1\r\nHost: x\r\n\r\nGET /b HTTP/1.1\r\nHost: x\r\n\r\nGET /c HTTP/1.0\r\n\r\n")
	br := bufio.NewReader(strings.NewReader(got))
	for _, path := range []string{"/a", "/b", "/c"} {
		resp, err := http.ReadResponse(br, nil)
		if err != nil {
			t.Fatalf("%v in %q", err, got)
		}
		body, err := io.ReadAll(resp.Body)
		if err != nil || string(body) != "hello "+path || resp.ContentLength != int64(len(body)) {
			t.Errorf("%s: %q, length %d, %v", path, body, resp.ContentLength, err)
		}
		if want := path == "/c"; resp.Close != want {
			t.Errorf("%s: close %v", path, resp.Close)
		}
	}
}

func TestClientFetches(t *testing.T) {
	addr := start(t, &httpd.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, err := io.ReadAll(r.Body)
		fmt.Fprintf(w, "%s %d %v", r.Method, len(b), err)
	})})
	for _, n := range []int{0, 1, 5000, 1 << 20} {
		resp, err := http.Post("http://"+addr+"/", "text/plain", strings.NewReader(strings.Repeat("x", n)))
		if err != nil {
			t.Fatal(err)
		}
		b, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		if want := fmt.Sprintf("POST %d <nil>", n); string(b) != want {
			t.Errorf("got %q, want %q", b, want)
		}
	}
	http.DefaultClient.CloseIdleConnections()
}
