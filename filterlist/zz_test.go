package filterlist

import (
	"os"
	"strings"
	"testing"
)

func BenchmarkEZ(b *testing.B) {
	var ss []Source
	for _, n := range []string{"easylist", "easyprivacy"} {
		t, _ := os.ReadFile("/tmp/fl/package/test/data/" + n + ".txt")
		ss = append(ss, Source{n, string(t)})
	}
	s := Compile(ss)
	t, _ := os.ReadFile("/tmp/fl/package/test/data/sitelist.txt")
	var qs []*Request
	page := ""
	for l := range strings.Lines(string(t)) {
		l = strings.TrimSpace(l)
		_, r, _ := strings.Cut(l, "://")
		if _, f, _ := strings.Cut(r, "/"); f == "" {
			page = l
		}
		qs = append(qs, &Request{URL: l, Page: page, Type: Image})
	}
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		s.Match(qs[i%len(qs)])
		i++
	}
}
