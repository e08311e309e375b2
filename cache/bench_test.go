package cache

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"freshet/httpd"
)

// BenchmarkHit is what a hit from memory takes, without the engine.
func BenchmarkHit(b *testing.B) {
	h, err := New(Options{Next: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "max-age=1000000000")
		w.Header().Set("ETag", `"x"`)
		w.Header().Set("Vary", "Accept-Encoding")
		fmt.Fprint(w, "hello")
	})})
	if err != nil {
		b.Fatal(err)
	}
	defer h.store.Close()
	warm(h, "http://example.org/a?b=1", "Accept-Encoding: gzip, br")
	head := parse(b, "GET /a?b=1 HTTP/1.1\r\nHost: example.org\r\nAccept-Encoding: gzip, br\r\n\r\n")
	a := httpd.Answer{}
	scratch := make([]byte, 0, 2048)
	b.ReportAllocs()
	for b.Loop() {
		a = httpd.Answer{Scratch: scratch}
		if !h.ServeHot(head, &a) {
			b.Fatal("declined")
		}
	}
}

// BenchmarkMiss is what the cache adds to an answer that it fetches and keeps.
func BenchmarkMiss(b *testing.B) {
	h, err := New(Options{Next: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "max-age=1000000000")
		fmt.Fprint(w, "hello")
	})})
	if err != nil {
		b.Fatal(err)
	}
	defer h.store.Close()
	b.ReportAllocs()
	for n := 0; b.Loop(); n++ {
		warm(h, fmt.Sprintf("http://example.org/%d", n))
	}
}

// BenchmarkPass is what the cache adds to an answer that it may not keep.
func BenchmarkPass(b *testing.B) {
	h, err := New(Options{Next: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header := w.Header()
		header["Content-Type"], header["Cache-Control"] = html, noStore
		w.Write(hello)
	})})
	if err != nil {
		b.Fatal(err)
	}
	defer h.store.Close()
	warm(h, "http://example.org/a")
	r := httptest.NewRequest("GET", "http://example.org/a", nil)
	w := &sink{http.Header{}}
	b.ReportAllocs()
	for b.Loop() {
		clear(w.header)
		h.ServeHTTP(w, r)
	}
}

// BenchmarkPost is what the cache adds to a request that changes something.
func BenchmarkPost(b *testing.B) {
	h, err := New(Options{Next: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header := w.Header()
		header["Content-Type"] = html
		w.Write(hello)
	})})
	if err != nil {
		b.Fatal(err)
	}
	defer h.store.Close()
	r := httptest.NewRequest("POST", "http://example.org/a", nil)
	w := &sink{http.Header{}}
	b.ReportAllocs()
	for b.Loop() {
		clear(w.header)
		h.ServeHTTP(w, r)
	}
}

var (
	html    = []string{"text/html"}
	noStore = []string{"no-store, no-cache, must-revalidate"}
	hello   = []byte("hello")
)

// sink is a http.ResponseWriter that takes no memory.
type sink struct{ header http.Header }

func (s *sink) Header() http.Header         { return s.header }
func (s *sink) WriteHeader(int)             {}
func (s *sink) Write(b []byte) (int, error) { return len(b), nil }

// BenchmarkHitParallel is hits of one object on all processors.
func BenchmarkHitParallel(b *testing.B) {
	h, err := New(Options{Next: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "max-age=1000000000")
		fmt.Fprint(w, "hello")
	})})
	if err != nil {
		b.Fatal(err)
	}
	defer h.store.Close()
	warm(h, "http://example.org/a")
	b.RunParallel(func(pb *testing.PB) {
		head := parse(b, "GET /a HTTP/1.1\r\nHost: example.org\r\n\r\n")
		scratch := make([]byte, 0, 2048)
		for pb.Next() {
			a := httpd.Answer{Scratch: scratch}
			if !h.ServeHot(head, &a) {
				b.Error("declined")
			}
		}
	})
}
