package forward_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"freshet/forward"
)

// words makes text of n bytes or some more, of words that follow each other with
// some probability.
func words(n int, seed uint64, begin, end string) string {
	random := rand.New(rand.NewPCG(seed, seed))
	var b strings.Builder
	for b.Len() < n {
		b.WriteString(begin)
		for range 2 + random.IntN(3) {
			for k := random.ExpFloat64() * 200; k >= 0; k -= 100 {
				fmt.Fprintf(&b, "%c%c", "bdgklmnprst"[int(k)%11], "aeiou"[int(k/11)%5])
			}
			b.WriteByte("- "[len(end)&1])
		}
		fmt.Fprintf(&b, "%x%s", random.IntN(1<<16), end)
	}
	return b.String()
}

// fixedPage answers everything with one page.
type fixedPage string

func (p fixedPage) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: 200, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: r, ContentLength: int64(len(p)), Body: io.NopCloser(strings.NewReader(string(p))),
		Header: http.Header{"Content-Type": {"text/html; charset=utf-8"}, "Cache-Control": {"no-store"}}}, nil
}

// discarded counts what is sent.
type discarded struct {
	header http.Header
	sent   int
}

func (d *discarded) Header() http.Header { return d.header }
func (d *discarded) WriteHeader(int)     {}
func (d *discarded) Write(p []byte) (int, error) {
	d.sent += len(p)
	return len(p), nil
}

// BenchmarkHideCoded is a page of 50 KB that gets 350 KB of style sheet. sent-B is
// what its client gets.
func BenchmarkHideCoded(b *testing.B) {
	page := fixedPage("<!doctype html><html><head><meta charset=utf-8></head><body>" + words(50<<10, 1, "<p class=text>", "</p>\n") + "</body></html>")
	list := words(350<<10, 2, "##.", "\n")
	for _, accept := range []string{"identity", "gzip", "br", "zstd"} {
		b.Run(accept, func(b *testing.B) {
			h, err := forward.New(forward.Options{Lists: []forward.ListSource{listFile(b, list)}, Transport: page,
				Dial: func(context.Context, string) (net.Conn, error) { return nil, errors.New("there are no tunnels") }})
			if err != nil {
				b.Fatal(err)
			}
			defer h.Close()
			r := httptest.NewRequest("GET", "http://news.example/", nil)
			r.RemoteAddr = "127.0.0.1:1"
			r.Header.Set("Accept", "text/html")
			r.Header.Set("Accept-Encoding", accept)
			sent := 0
			for b.Loop() {
				w := &discarded{header: http.Header{}}
				h.ServeHTTP(w, r)
				sent = w.sent
			}
			b.ReportMetric(float64(sent), "sent-B")
		})
	}
}
