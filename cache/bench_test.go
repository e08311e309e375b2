package cache

import (
	"fmt"
	"net/http"
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
