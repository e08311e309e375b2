package client

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
)

// What a command that is started for one request pays: opening a folder, a hit
// in it, and closing it.
func BenchmarkOpenAndHit(b *testing.B) {
	dir := b.TempDir()
	origin := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "max-age=1000")
		w.Write(make([]byte, 10_000))
	}))
	defer origin.Close()
	get := func() {
		c, err := OpenCache(dir, CacheOptions{})
		if err != nil {
			b.Fatal(err)
		}
		t := &Transport{Cache: c}
		r, _ := http.NewRequest("GET", origin.URL, nil)
		resp, err := t.RoundTrip(r)
		if err != nil {
			b.Fatal(err)
		}
		io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
		t.CloseIdleConnections()
		if err := c.Close(); err != nil {
			b.Fatal(err)
		}
	}
	get()
	for b.Loop() {
		get()
	}
}

// A hit, in memory and in a folder.
func BenchmarkHit(b *testing.B) {
	origin := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "max-age=1000")
		w.Write(make([]byte, 10_000))
	}))
	defer origin.Close()
	for name, dir := range map[string]string{"memory": "", "folder": b.TempDir()} {
		b.Run(name, func(b *testing.B) {
			c, err := OpenCache(dir, CacheOptions{})
			if err != nil {
				b.Fatal(err)
			}
			defer c.Close()
			t := &Transport{Cache: c}
			defer t.CloseIdleConnections()
			b.ReportAllocs()
			for b.Loop() {
				r, _ := http.NewRequest("GET", origin.URL, nil)
				resp, err := t.RoundTrip(r)
				if err != nil {
					b.Fatal(err)
				}
				io.Copy(io.Discard, resp.Body)
				resp.Body.Close()
			}
		})
	}
}
