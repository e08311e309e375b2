package cache

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"freshet/httpd"
	"freshet/internal/alloctest"
)

func diskStore(t *testing.T, dir string) *Store {
	t.Helper()
	s, err := newStore(StoreOptions{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// bySize answers /N with N bytes.
func bySize(w http.ResponseWriter, r *http.Request) {
	var n int
	fmt.Sscanf(r.URL.Path, "/%d", &n)
	w.Header().Set("Cache-Control", "max-age=1000")
	w.Header().Set("ETag", fmt.Sprintf(`"%d"`, n))
	if r.URL.Query().Has("declared") {
		w.Header().Set("Content-Length", fmt.Sprint(n))
	}
	b := []byte(text(n))
	for len(b) > 0 {
		k := min(len(b), 10_000)
		w.Write(b[:k])
		b = b[k:]
	}
}

func text(n int) string { return strings.Repeat("0123456789abcdef", n/16+1)[:n] }

func TestRestart(t *testing.T) {
	dir := t.TempDir()
	sizes := []int{0, 1, 5000, 60_000, 200_000, 3_000_000}
	s := diskStore(t, dir)
	w := newWorld(t, Options{Store: s}, bySize)
	for _, n := range sizes {
		for _, q := range []string{"", "?declared"} {
			expect(t, w.do(fmt.Sprintf("GET /%d%s", n, q)), 200, text(n), "stored")
			expect(t, w.do(fmt.Sprintf("GET /%d%s", n, q)), 200, text(n), "hit")
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = diskStore(t, dir)
	defer s.Close()
	again := newWorld(t, Options{Store: s}, bySize)
	again.pass(10)
	for _, n := range sizes {
		for _, q := range []string{"", "?declared"} {
			rec := again.do(fmt.Sprintf("GET /%d%s", n, q))
			expect(t, rec, 200, text(n), "hit; ttl=990")
			expect(t, again.do(fmt.Sprintf("GET /%d%s", n, q), fmt.Sprintf(`If-None-Match: "%d"`, n)), 304, "", "hit")
			if n > 20 {
				expect(t, again.do(fmt.Sprintf("GET /%d%s", n, q), "Range: bytes=3-12"), 206, text(n)[3:13], "hit")
			}
		}
	}
	if n := again.asked.Load(); n != 0 {
		t.Errorf("the origin was asked %d times after the restart", n)
	}
}

// A body on disk is answered from its open file.
func TestHotFile(t *testing.T) {
	s := diskStore(t, t.TempDir())
	defer s.Close()
	w := newWorld(t, Options{Store: s, MaxInMemory: 10_000}, bySize)
	w.do("GET http://example.org/200000")
	head := parse(t, "GET /200000 HTTP/1.1\r\nHost: example.org\r\n\r\n")
	var a httpd.Answer
	if w.ServeHot(head, &a) {
		t.Error("answered although the file is not open")
	}
	expect(t, w.do("GET http://example.org/200000"), 200, text(200_000), "hit")
	scratch := make([]byte, 0, 2048)
	ask := func() {
		a = httpd.Answer{Scratch: scratch}
		if !w.ServeHot(head, &a) || a.File == nil || a.Size != 200_000 {
			t.Fatalf("declined, or without a file: %+v", a)
		}
		a.Done.Release()
	}
	if n := alloctest.PerRun(100, ask); n != 0 && !raceEnabled {
		t.Errorf("%v allocations", n)
	}
}

func TestPurgeSurvivesRestart(t *testing.T) {
	for _, soft := range []bool{false, true} {
		dir := t.TempDir()
		s := diskStore(t, dir)
		w := newWorld(t, Options{Store: s}, bySize)
		w.do("GET /100")
		w.do("GET /100000")
		if err := s.PurgeAll(soft); err != nil {
			t.Fatal(err)
		}
		s.Close()
		s = diskStore(t, dir)
		w = newWorld(t, Options{Store: s}, bySize)
		why := "fwd=uri-miss"
		if soft {
			why = "fwd=stale"
		}
		expect(t, w.do("GET /100"), 200, text(100), why)
		expect(t, w.do("GET /100000"), 200, text(100_000), why)
		expect(t, w.do("GET /100"), 200, text(100), "hit")
		s.Close()
	}
}
