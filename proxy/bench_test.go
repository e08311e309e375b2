package proxy_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"testing"

	"freshet/internal/alloctest"
	"freshet/proxy"
)

// sink is a response writer that costs nothing.
type sink struct {
	h http.Header
	n int
}

func (s *sink) Header() http.Header         { return s.h }
func (s *sink) WriteHeader(int)             {}
func (s *sink) Write(p []byte) (int, error) { s.n += len(p); return len(p), nil }

const smallAnswer = "HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nContent-Type: text/plain\r\nCache-Control: max-age=60\r\nETag: \"x\"\r\nContent-Length: 5\r\n\r\nsmall"

// quick is an origin that reads what it gets and answers without looking.
func quick(t testing.TB) string {
	return script(t, func(c net.Conn, br *bufio.Reader) {
		b := make([]byte, 4096)
		for {
			if _, err := c.Read(b); err != nil {
				return
			}
			io.WriteString(c, smallAnswer)
		}
	})
}

func smallRequest() *http.Request {
	r := httptest.NewRequest("GET", "/some/path?q=1", nil)
	r.Header.Set("User-Agent", "bench/1.0")
	r.Header.Set("Accept", "*/*")
	r.Header.Set("Accept-Encoding", "gzip, br")
	return r
}

func benchmark(b *testing.B, h http.Handler) {
	r := smallRequest()
	w := &sink{h: http.Header{}}
	b.ReportAllocs()
	for b.Loop() {
		clear(w.h)
		h.ServeHTTP(w, r)
	}
}

// A small answer of an origin on the loopback, and the same by the standard
// library.
func BenchmarkSmall(b *testing.B) {
	origin := quick(b)
	b.Run("proxy", func(b *testing.B) { benchmark(b, newProxy(b, proxy.Options{Origins: []string{origin}})) })
	b.Run("httputil", func(b *testing.B) {
		u, _ := url.Parse(origin)
		h := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(u); r.SetXForwarded() }}
		benchmark(b, h)
		http.DefaultTransport.(*http.Transport).CloseIdleConnections()
	})
}

// What a request costs beyond its transport has a bound.
func TestAllocations(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	resp := &http.Response{StatusCode: 200, ProtoMajor: 1, ProtoMinor: 1, Header: http.Header{}, Body: http.NoBody}
	h := newProxy(t, proxy.Options{Origins: []string{"http://a"}, Transport: transport(func(*http.Request) (*http.Response, error) { return resp, nil })})
	r := smallRequest()
	w := &sink{h: http.Header{}}
	n := alloctest.PerRun(200, func() {
		clear(w.h)
		h.ServeHTTP(w, r)
	})
	t.Logf("%.0f allocations", n)
	if n > 35 {
		t.Errorf("%.0f allocations for a request", n)
	}
}
