package static

import (
	"bytes"
	"crypto/sha256"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"

	"freshet/httpd"
)

// TestLargeFiles: a file that is not kept in memory has its tag once it was
// hashed, not before, and everything else at once.
func TestLargeFiles(t *testing.T) {
	content := strings.Repeat("0123456789", 5000)
	s := newSite(t, Options{MaxInMemory: 10_000}, map[string]string{"large.bin": content, "large.js": content})
	s.jobs.closed = true // nothing runs in the background for now
	for _, path := range []string{"/large.bin", "/large.js"} {
		w := s.both(raw("GET " + path))
		if w.Body.String() != content || w.Header().Get("Etag") != "" || w.Header().Get("Last-Modified") == "" {
			t.Errorf("before: %d bytes, %v", w.Body.Len(), w.Header())
		}
		if w := s.both(raw("GET "+path, "If-Modified-Since: "+w.Header().Get("Last-Modified"))); w.Code != 304 || w.Header().Get("Last-Modified") == "" {
			t.Errorf("before: %d %v", w.Code, w.Header())
		}
	}
	s.jobs.closed = false
	s.get("/large.bin") // asks for the hash again
	s.settle()
	tag := s.both(raw("GET /large.bin")).Header().Get("Etag")
	small := newSite(t, Options{}, map[string]string{"small.bin": content})
	if tag == "" || tag != small.get("/small.bin").Header().Get("Etag") {
		t.Errorf("the hash from disk is %s", tag)
	}
	if w := s.both(raw("GET /large.bin", "If-None-Match: "+tag)); w.Code != 304 {
		t.Error(w.Code)
	}
	if w := s.both(raw("GET /large.bin", "Range: bytes=49990-", "If-Range: "+tag)); w.Code != 206 || w.Body.String() != "0123456789" {
		t.Error(w.Code, w.Body)
	}
	s.write("large.bin", strings.Repeat("abcdefghij", 5000))
	if w := s.get("/large.bin"); w.Header().Get("Etag") == tag || w.Body.String() == content {
		t.Error("an edit does not show")
	}
}

// TestHashOfChangedFile: a file that changes while it is hashed gets no tag.
func TestHashOfChangedFile(t *testing.T) {
	content := strings.Repeat("0123456789", 5000)
	s := newSite(t, Options{MaxInMemory: 10_000}, map[string]string{"large.bin": content})
	s.jobs.closed = true
	s.get("/large.bin")
	src := s.table.get("large.bin").sources[0]
	s.jobs.closed = false
	sum, want := sha256.New(), sha256.Sum256([]byte(content))
	if ok := s.hash(src, sum); !ok || !bytes.Equal(sum.Sum(nil), want[:]) {
		t.Fatal("not hashed")
	}
	old := s.tree
	s.tree = &changingTree{old, func() { s.write("large.bin", content[:49_999]+"!") }}
	if s.hash(src, sha256.New()) {
		t.Error("it is hashed")
	}
	s.tree = old
	s.write("large.bin", "short")
	if s.hash(src, sha256.New()) {
		t.Error("another file is hashed")
	}
}

// changingTree changes a file as soon as it was opened.
type changingTree struct {
	tree
	change func()
}

func (c *changingTree) open(name string) (*opened, error) {
	f, err := c.tree.open(name)
	c.change()
	return f, err
}

// TestShrinks: a file that becomes shorter while it is sent cuts the
// connection, so that nobody takes the part for the whole.
func TestShrinks(t *testing.T) {
	content := strings.Repeat("0123456789", 500_000)
	s := newSite(t, Options{MaxInMemory: 1000}, map[string]string{"large.bin": content})
	srv := httptest.NewServer(s)
	defer srv.Close()
	res, err := http.Get(srv.URL + "/large.bin")
	must(t, err)
	defer res.Body.Close()
	first := make([]byte, 10)
	_, err = io.ReadFull(res.Body, first)
	must(t, err)
	must(t, os.Truncate(s.path("large.bin"), 4_999_999))
	n, err := io.Copy(io.Discard, res.Body)
	if err == nil {
		t.Errorf("%d bytes and a clean end", n+10)
	}
	srv.Close() // waits for the handler
	if !strings.Contains(s.log.String(), "became shorter") {
		t.Errorf("log: %s", s.log.String())
	}
}

// TestDescriptors: open files are shared, bounded and closed.
func TestDescriptors(t *testing.T) {
	large := strings.Repeat("x", 5000)
	s := newSite(t, Options{MaxInMemory: 1000, Descriptors: 2}, map[string]string{"1": large, "2": large, "3": large})
	open := func() (n int) {
		for _, src := range s.files.ring {
			if src != nil && src.file.Load() != nil {
				n++
			}
		}
		return n
	}
	s.get("/1")
	d := s.table.get("1").sources[0].file.Load()
	if !d.acquire() {
		t.Fatal("closed")
	}
	s.get("/2")
	s.get("/3")
	s.settle()
	if n := open(); n != 2 {
		t.Errorf("%d files are open", n)
	}
	if s.table.get("1").sources[0].file.Load() != nil {
		t.Error("the oldest is still in the cache")
	}
	if n, err := d.file.ReadAt(make([]byte, 10), 4000); n != 10 {
		t.Errorf("closed while it was in use: %v", err)
	}
	d.Release()
	if _, err := d.file.ReadAt(make([]byte, 1), 0); err == nil {
		t.Error("not closed by the last to let go")
	}
	if d.acquire() {
		t.Error("acquired a closed file")
	}
	if _, ok := s.hot(raw("GET /1")); ok {
		t.Error("the hot path answered from a closed file")
	}
	if w := s.both(raw("GET /1")); w.Body.String() != large { // opens it again
		t.Error("another body")
	}
	must(t, s.Close())
	if n := open(); n != 0 {
		t.Errorf("%d files are open after Close", n)
	}
}

// TestIdleFiles: a file that nobody asks for does not stay open, since it may
// have been deleted to make room.
func TestIdleFiles(t *testing.T) {
	large := strings.Repeat("x", 5000)
	s := newSite(t, Options{MaxInMemory: 1000}, map[string]string{"a": large, "b": large})
	s.get("/a")
	s.get("/b")
	s.settle()
	isOpen := func(key string) bool { return s.table.get(key).sources[0].file.Load() != nil }
	s.files.sweep() // they were used before it
	if !isOpen("a") || !isOpen("b") || s.files.timer == nil {
		t.Fatal("closed at once")
	}
	s.get("/a")
	s.files.sweep()
	if !isOpen("a") || isOpen("b") {
		t.Errorf("a is open: %v, b is open: %v", isOpen("a"), isOpen("b"))
	}
	s.files.sweep()
	if isOpen("a") || s.files.timer != nil {
		t.Errorf("a is open: %v; the sweep goes on: %v", isOpen("a"), s.files.timer != nil)
	}
	if w := s.both(raw("GET /b")); w.Body.String() != large || s.files.timer == nil {
		t.Error("not opened again")
	}
}

// TestReadersDoNotShareAPosition: many readers of one open file get their own
// bytes.
func TestReadersDoNotShareAPosition(t *testing.T) {
	var content bytes.Buffer
	for i := range 60_000 {
		content.WriteByte(byte(i % 251))
	}
	s := newSite(t, Options{MaxInMemory: 1000}, map[string]string{"large.bin": content.String()})
	s.get("/large.bin")
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 20 {
				var a httpd.Answer
				q := s.parse(raw("GET /large.bin"))
				if !s.ServeHot(q, &a) {
					t.Error("declined")
					return
				}
				got, err := io.ReadAll(io.NewSectionReader(a.File, a.Offset, a.Size))
				a.Done.Release()
				if err != nil || !bytes.Equal(got, content.Bytes()) {
					t.Errorf("%d bytes, %v", len(got), err)
				}
			}
		})
	}
	wg.Wait()
}
