package cache

import (
	"bytes"
	"fmt"
	"net/http"
	"testing"
	"time"
)

// film is a large resource with ranges and a strong validator.
type film struct {
	data []byte
	tag  string
	sent []string // the ranges that were asked for
	cut  int      // bytes after which an answer breaks off, if not 0
	then *film    // what it becomes after one request
}

func (f *film) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if f.then != nil && len(f.sent) > 0 && f.sent[len(f.sent)-1] == "once" {
		f.then.ServeHTTP(w, r)
		return
	}
	f.sent = append(f.sent, r.Header.Get("Range"))
	if f.then != nil {
		f.sent = append(f.sent, "once")
	}
	w.Header().Set("Cache-Control", "max-age=1000")
	w.Header().Set("ETag", f.tag)
	w.Header().Set("Content-Type", "video/mp4")
	if f.cut > 0 {
		w = &cutter{w, f.cut}
	}
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(f.data))
}

// cutter breaks off.
type cutter struct {
	http.ResponseWriter
	left int
}

func (c *cutter) Write(p []byte) (int, error) {
	if len(p) > c.left {
		c.ResponseWriter.Write(p[:c.left])
		panic(http.ErrAbortHandler)
	}
	c.left -= len(p)
	return c.ResponseWriter.Write(p)
}

func newFilm(n int, tag string) *film {
	f := &film{data: make([]byte, n), tag: tag}
	for i := range f.data {
		f.data[i] = byte(i>>8 ^ i ^ int(tag[1]))
	}
	return f
}

func TestSparse(t *testing.T) {
	dir := t.TempDir()
	s := diskStore(t, dir)
	f := newFilm(2_000_000, `"1"`)
	w := newWorld(t, Options{Store: s, MaxInMemory: 10_000}, f.ServeHTTP)
	get := func(from, to int, status string) {
		t.Helper()
		expect(t, w.do("GET /film", fmt.Sprintf("Range: bytes=%d-%d", from, to-1)), 206, string(f.data[from:to]), status)
	}
	asked := func(want ...string) {
		t.Helper()
		if fmt.Sprint(f.sent) != fmt.Sprint(want) {
			t.Errorf("the origin was asked for %q, want %q", f.sent, want)
		}
		f.sent = nil
	}
	get(100_000, 200_000, "fwd=uri-miss")
	asked("bytes=100000-199999")
	get(100_000, 200_000, "hit")
	get(150_000, 160_000, "hit")
	get(500_000, 600_000, "fwd=partial")
	get(50_000, 700_000, "fwd=partial")
	asked("bytes=500000-599999", "bytes=50000-99999", "bytes=200000-499999", "bytes=600000-699999")
	get(50_000, 700_000, "hit")
	asked()

	s.Close()
	s = diskStore(t, dir)
	defer s.Close()
	w = newWorld(t, Options{Store: s, MaxInMemory: 10_000}, f.ServeHTTP)
	get(50_000, 700_000, "hit")
	expect(t, w.do("GET /film"), 200, string(f.data), "fwd=partial")
	asked("bytes=0-49999", "bytes=700000-1999999")
	expect(t, w.do("GET /film"), 200, string(f.data), "hit")
	asked()
}

// When the origin has another representation, parts of the two are not mixed.
func TestSparseChanged(t *testing.T) {
	s := diskStore(t, t.TempDir())
	defer s.Close()
	f := newFilm(1_000_000, `"1"`)
	w := newWorld(t, Options{Store: s, MaxInMemory: 10_000}, func(w http.ResponseWriter, r *http.Request) { f.ServeHTTP(w, r) })
	w.do("GET /film", "Range: bytes=0-99999")
	f = newFilm(1_000_000, `"2"`)
	expect(t, w.do("GET /film", "Range: bytes=100000-299999"), 206, string(f.data[100_000:300_000]), "fwd=")
	expect(t, w.do("GET /film", "Range: bytes=50000-149999"), 206, string(f.data[50_000:150_000]), "fwd=partial")
	f = newFilm(1_000_000, `"3"`)
	expect(t, w.do("GET /film", "Range: bytes=50000-399999"), 206, string(f.data[50_000:400_000]), "fwd=")

	// It changes between two gaps of one answer: that is cut.
	f = newFilm(1_000_000, `"3"`)
	w.do("GET /film", "Range: bytes=500000-599999")
	f.then = newFilm(1_000_000, `"4"`)
	func() {
		defer func() {
			if recover() == nil {
				t.Error("an answer that mixes two representations ended cleanly")
			}
		}()
		w.do("GET /film", "Range: bytes=300000-699999")
	}()
	f = f.then
	expect(t, w.do("GET /film", "Range: bytes=50000-399999"), 206, string(f.data[50_000:400_000]), "fwd=")
}

// What came before the origin broke off is kept.
func TestSparseCut(t *testing.T) {
	s := diskStore(t, t.TempDir())
	defer s.Close()
	f := newFilm(1_000_000, `"1"`)
	f.cut = 200_000
	w := newWorld(t, Options{Store: s, MaxInMemory: 10_000}, f.ServeHTTP)
	func() {
		defer func() {
			if recover() == nil {
				t.Error("an answer that was cut ended cleanly")
			}
		}()
		w.do("GET /film", "Range: bytes=0-499999")
	}()
	f.cut, f.sent = 0, nil
	expect(t, w.do("GET /film", "Range: bytes=0-499999"), 206, string(f.data[:500_000]), "fwd=partial")
	if len(f.sent) != 1 || f.sent[0] == "bytes=0-499999" {
		t.Errorf("the origin was asked for %q", f.sent)
	}
}
