//go:build !race

package freshness

import (
	"testing"

	"freshet/internal/alloctest"
)

// TestAllocations holds what is asked on every hit to zero allocations.
func TestAllocations(t *testing.T) {
	var (
		c     Cache
		sink  int64
		key   = make([]byte, 0, 512)
		terms = c.Terms(&Response{Status: 200, Fields: fields(while + "|ETag: \"x\""), Requested: t0, Received: t0})
		d     = NoDirectives()
		cc    = []string{`max-age=0, "x", no-cache`, `min-fresh="5", max-stale=7`}
		none  []string
		pr    = []string{"no-cache"}
		langs = []string{"en-GB, de;q=0.5, *;q=0.1", "fr"}
		codes = []string{"gzip, deflate, br;q=1.0, zstd"}
		types = []string{"text/html, application/xhtml+xml, */* ; q=0.8"}
		agent = []string{"Mozilla/5.0 (X11; Linux x86_64), like something"}
	)
	for name, f := range map[string]func(){
		"Age":       func() { sink += terms.Age(t0 + 90*second) },
		"TTL":       func() { sink += terms.TTL(t0 + 90*second) },
		"Reuse":     func() { sink += int64(c.Reuse(&terms, &d, t0+70*second).Rule) },
		"OnFailure": func() { sink += int64(c.OnFailure(&terms, &d, Unreachable, t0+700*second).Rule) },
		"ParseDirectives": func() {
			x := ParseDirectives(cc, pr)
			y := ParseDirectives(none, pr)
			sink += x.MaxAge + y.MaxAge
		},
		"AppendSelecting": func() {
			key = AppendSelecting(key[:0], "Accept-Language", langs)
			key = AppendSelecting(key, "Accept-Encoding", codes)
			key = AppendSelecting(key, "Accept", types)
			key = AppendSelecting(key, "User-Agent", agent)
			key = AppendSelecting(key, "Cookie", none)
		},
	} {
		if n := alloctest.PerRun(100, f); n != 0 {
			t.Errorf("%s allocates %v times", name, n)
		}
	}
}

func BenchmarkReuse(b *testing.B) {
	var c Cache
	terms := c.Terms(&Response{Status: 200, Fields: fields(minute), Requested: t0, Received: t0})
	d := NoDirectives()
	for b.Loop() {
		c.Reuse(&terms, &d, t0+second)
	}
}

func BenchmarkAppendSelecting(b *testing.B) {
	key := make([]byte, 0, 512)
	values := []string{"gzip, deflate, br, zstd"}
	for b.Loop() {
		key = AppendSelecting(key[:0], "Accept-Encoding", values)
	}
}

func BenchmarkStore(b *testing.B) {
	var c Cache
	q := &Request{Method: "GET", URL: site}
	r := &Response{Status: 200, Fields: fields(`Cache-Control: public, max-age=60|ETag: "x"|Date: ` + t0Date), Requested: t0, Received: t0}
	for b.Loop() {
		c.Store(q, r)
	}
}
