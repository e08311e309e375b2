package static

import (
	"crypto/sha256"
	"fmt"
	"io/fs"
	"runtime"
	"testing"
	"time"

	"freshet/internal/field"
)

// TestQueueIsBounded: what finds the queue full is asked for again later.
func TestQueueIsBounded(t *testing.T) {
	s := newSite(t, Options{}, map[string]string{"app.js": script})
	s.get("/app.js")
	e := s.table.get("app.js")
	j := &s.jobs
	j.running = maxWorkers // none of which takes anything
	for i := range maxJobs {
		other := &entry{key: fmt.Sprint(i), slot: -1}
		other.todo.Store(1 << field.Gzip)
		s.enqueue(other, field.Gzip)
		s.enqueue(other, field.Gzip) // once only
	}
	s.get("/app.js", "Accept-Encoding: gzip")
	if len(j.queue) != maxJobs || e.todo.Load()&(1<<field.Gzip) == 0 {
		t.Errorf("%d jobs, todo %b", len(j.queue), e.todo.Load())
	}
	j.queue, j.running = nil, 0
	s.warm("/app.js")
	if e.todo.Load() != 0 || !e.set.Load().Has(field.Gzip) {
		t.Errorf("todo %b", e.todo.Load())
	}
}

// TestQueueHoldsNoBodies: an entry that is evicted while it waits for a coding
// gives its memory back, or the queue would hold a gigabyte beyond the budget.
func TestQueueHoldsNoBodies(t *testing.T) {
	files := map[string]string{}
	for i := range 40 {
		files[fmt.Sprint(i, ".js")] = script
	}
	s := newSite(t, Options{Memory: int64(20 * len(script))}, files)
	s.jobs.running = maxWorkers // none of which takes anything
	for name := range files {
		s.get("/"+name, "Accept-Encoding: gzip")
	}
	if len(s.jobs.queue) != len(files) {
		t.Fatalf("%d jobs", len(s.jobs.queue))
	}
	_, kept := s.table.size()
	runtime.GC()
	held := 0
	for _, j := range s.jobs.queue {
		if j.e.Value() != nil {
			held++
		}
	}
	if held > kept+1 { // a stack may hold one more
		t.Errorf("%d entries are held, %d kept", held, kept)
	}
	s.jobs.queue, s.jobs.running = nil, 0
}

// TestEvictedMeanwhile: a coding that is ready when its entry has left is
// dropped, and costs nothing.
func TestEvictedMeanwhile(t *testing.T) {
	s := newSite(t, Options{}, map[string]string{"app.js": script})
	s.get("/app.js")
	e := s.table.get("app.js")
	s.table.remove(e)
	s.do(e, job{c: field.Gzip})
	if used, n := s.table.size(); used != 0 || n != 0 || e.set.Load().Has(field.Gzip) {
		t.Errorf("%d bytes in %d entries", used, n)
	}
}

// endless is a file system with one file of a petabyte.
type endless struct{ size int64 }

func (endless) Open(name string) (fs.File, error) {
	if name != "endless.bin" {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	return endless{1 << 50}, nil
}
func (e endless) Stat() (fs.FileInfo, error) { return e, nil }
func (e endless) Read(p []byte) (int, error) { return len(p), nil }
func (endless) Close() error                 { return nil }
func (endless) Name() string                 { return "endless.bin" }
func (e endless) Size() int64                { return e.size }
func (endless) Mode() fs.FileMode            { return 0o644 }
func (endless) ModTime() time.Time           { return time.Unix(1e9, 0) }
func (endless) IsDir() bool                  { return false }
func (endless) Sys() any                     { return nil }

// TestCloseStopsHashing: Close does not wait for a file to be hashed to its end.
func TestCloseStopsHashing(t *testing.T) {
	s := newFSSite(t, Options{FS: endless{}})
	if w := s.cold(raw("HEAD /endless.bin")); w.Code != 200 || w.Header().Get("Content-Length") != fmt.Sprint(int64(1)<<50) {
		t.Fatal(w.Code, w.Header())
	}
	closed := make(chan error)
	go func() { closed <- s.Close() }()
	select {
	case err := <-closed:
		must(t, err)
	case <-time.After(patience):
		t.Fatal("Close still waits")
	}
	if s.jobs.running != 0 {
		t.Errorf("%d workers after Close", s.jobs.running)
	}
	if w := s.cold(raw("HEAD /endless.bin")); w.Code != 200 {
		t.Errorf("after Close: %d", w.Code)
	}
}

// growing is the file of endless, and has another size with each look at it.
type growing struct{ endless }

func (g *growing) Open(name string) (fs.File, error) {
	if _, err := g.endless.Open(name); err != nil {
		return nil, err
	}
	return g, nil
}

func (g *growing) Stat() (fs.FileInfo, error) {
	g.size++
	return g.endless, nil
}

// TestHashingGivesUp: a file that changes is not read to its end.
func TestHashingGivesUp(t *testing.T) {
	s := newFSSite(t, Options{FS: endless{}})
	g := &growing{endless{1 << 50}}
	s.tree = newFSTree(g, false)
	src := &source{name: "endless.bin", stamp: stamp{size: 1<<50 + 1, mtime: 1e18}}
	hashed := make(chan bool)
	go func() {
		hashed <- s.hash(src, sha256.New())
	}()
	select {
	case ok := <-hashed:
		if ok || g.size < 1<<50+2 {
			t.Errorf("hashed %v, size %d", ok, g.size)
		}
	case <-time.After(patience):
		t.Fatal("it is still read")
	}
}

// TestBigCodingIsNotKept: one coding does not crowd out everything else.
func TestBigCodingIsNotKept(t *testing.T) {
	s := newSite(t, Options{Memory: 100_000}, map[string]string{"app.js": script[:6000]})
	s.get("/app.js")
	e := s.table.get("app.js")
	if e == nil || s.table.grow(e, newVariant(&e.meta, field.Gzip, 50_000, make([]byte, 50_000))) {
		t.Error("half of the budget went to one coding")
	}
}
