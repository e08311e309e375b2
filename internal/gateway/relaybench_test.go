package gateway

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// BenchmarkRelay is what an answer costs, without what sends it: one of many
// pieces, and one of a single one.
func BenchmarkRelay(b *testing.B) {
	piece := strings.Repeat("x", 32<<10)
	for _, bb := range []struct {
		name    string
		pieces  int
		program Program
	}{
		{"one piece", 1, nil}, {"one piece, read ahead if need be", 1, idle{}},
		{"100 pieces", 100, nil}, {"100 pieces, read ahead if need be", 100, idle{}},
	} {
		b.Run(bb.name, func(b *testing.B) {
			b.ReportAllocs()
			in := make([]string, bb.pieces)
			h := &Head{Status: 200, Header: http.Header{}, Length: -1}
			r, w := httptest.NewRequest("GET", "/", nil), discarding{make(http.Header)}
			for b.Loop() {
				for i := range in {
					in[i] = piece
				}
				o := NewOutput(&pieces{all: in})
				if f := Relay(w, r, h, o, RelayOptions{Program: bb.program}); f != nil {
					b.Fatal(f)
				}
				o.Release()
			}
		})
	}
}
