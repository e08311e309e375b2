package fastcgi_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"freshet/fastcgi"
	"freshet/internal/alloctest"
)

// sink is a response writer that costs nothing.
type sink struct {
	h http.Header
	n int
}

func (s *sink) Header() http.Header         { return s.h }
func (s *sink) WriteHeader(int)             {}
func (s *sink) Write(p []byte) (int, error) { s.n += len(p); return len(p), nil }

func smallRequest() *http.Request {
	r := httptest.NewRequest("GET", "/some/path?q=1", nil)
	r.Header.Set("User-Agent", "bench/1.0")
	r.Header.Set("Accept", "*/*")
	r.Header.Set("Accept-Encoding", "gzip, br")
	r.Header.Set("Cookie", "session=0123456789abcdef")
	return r
}

// quick is a backend that reads what it gets and answers without looking.
func quick(t testing.TB) string {
	answer := []byte(stdout("Content-type: text/html; charset=UTF-8\r\nX-Powered-By: PHP\r\n\r\nhello, world") + end(0, 0))
	return fake(t, "unix", func(s *session) {
		b := make([]byte, 64<<10)
		for {
			if _, err := s.Conn.Read(b); err != nil {
				return
			}
			s.Conn.Write(answer)
		}
	})
}

// A small answer of a backend that does nothing, over a Unix socket. Half of
// the time is the backend's.
func BenchmarkSmall(b *testing.B) {
	h := newHandler(b, fastcgi.Options{Address: quick(b)})
	r := smallRequest()
	w := &sink{h: http.Header{}}
	b.ReportAllocs()
	for b.Loop() {
		clear(w.h)
		h.ServeHTTP(w, r)
	}
}

// The same with a script to be found.
func BenchmarkScript(b *testing.B) {
	h := newHandler(b, fastcgi.Options{Address: quick(b), Root: site(b), Fallback: "/index.php"})
	r := smallRequest()
	w := &sink{h: http.Header{}}
	b.ReportAllocs()
	for b.Loop() {
		clear(w.h)
		h.ServeHTTP(w, r)
	}
}

// What the round trip costs without any of this.
func BenchmarkRoundTrip(b *testing.B) {
	address := quick(b)
	c, err := dialBackend(address)
	if err != nil {
		b.Fatal(err)
	}
	defer c.Close()
	buf := make([]byte, 64<<10)
	for b.Loop() {
		c.Write(buf[:600])
		c.Read(buf)
	}
}

// A long answer, in full records.
func BenchmarkLong(b *testing.B) {
	content := make([]byte, 32<<10)
	octets := stdout(head)
	for range 32 {
		octets += stdout(string(content))
	}
	octets += stdout("") + end(0, 0)
	h := newHandler(b, fastcgi.Options{Address: fake(b, "unix", func(s *session) {
		buf := make([]byte, 64<<10)
		for {
			if _, err := s.Conn.Read(buf); err != nil {
				return
			}
			io.WriteString(s, octets)
		}
	})})
	r := smallRequest()
	w := &sink{h: http.Header{}}
	b.SetBytes(1 << 20)
	b.ReportAllocs()
	for b.Loop() {
		clear(w.h)
		h.ServeHTTP(w, r)
	}
}

// What a request costs has a bound.
func TestAllocations(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	h := newHandler(t, fastcgi.Options{Address: quick(t)})
	r := smallRequest()
	w := &sink{h: http.Header{}}
	n := alloctest.PerRun(200, func() {
		clear(w.h)
		h.ServeHTTP(w, r)
	})
	t.Logf("%.0f allocations", n)
	if n > 10 {
		t.Errorf("%.0f allocations for a request", n)
	}
}
