package diskstore

import (
	"errors"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// countingFS knows at each moment what the files occupy, and what that was at most.
type countingFS struct {
	OS
	mu    sync.Mutex
	sizes map[string]int64
	total int64
	peak  int64
}

func (f *countingFS) resize(name string, size int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if strings.Contains(filepath.Base(name), "usage") {
		return
	}
	f.total += onDisk(size) - onDisk(f.sizes[name])
	f.peak = max(f.peak, f.total)
	if f.sizes[name] = size; size == 0 {
		delete(f.sizes, name)
	}
}

func (f *countingFS) Remove(name string) error {
	err := f.OS.Remove(name)
	if err == nil {
		f.resize(name, 0)
	}
	return err
}

func (f *countingFS) Rename(from, to string) error {
	err := f.OS.Rename(from, to)
	if err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for name, size := range f.sizes {
		if name == from || strings.HasPrefix(name, from+string(filepath.Separator)) {
			target := to + name[len(from):]
			f.total -= onDisk(f.sizes[target])
			f.sizes[target] = size
			delete(f.sizes, name)
		}
	}
	return nil
}

func (f *countingFS) OpenFile(name string, flag int, perm fs.FileMode) (File, error) {
	file, err := f.OS.OpenFile(name, flag, perm)
	if err != nil {
		return nil, err
	}
	return &countingFile{file, f, name}, nil
}

type countingFile struct {
	File
	fs   *countingFS
	name string
}

func (f *countingFile) Write(p []byte) (int, error) {
	n, err := f.File.Write(p)
	f.fs.resize(f.name, int64(n)) // the store writes such files in one go
	return n, err
}

func (f *countingFile) WriteAt(p []byte, off int64) (int, error) {
	n, err := f.File.WriteAt(p, off)
	f.fs.resize(f.name, off+int64(n))
	return n, err
}

// Whatever is stored by however many, the disk never holds more than it may.
func TestBudget(t *testing.T) {
	disk := &countingFS{sizes: map[string]int64{}}
	o := Options{Dir: t.TempDir(), FS: disk, MaxBytes: 4 << 20, MaxEntries: 60, ScrubRate: -1}
	for life := range 3 {
		s := open(t, o)
		var g sync.WaitGroup
		for worker := range 4 {
			g.Go(func() { fill(t, s, worker) })
		}
		g.Wait()
		balanced(t, s)
		if s.Stats().Evictions == 0 {
			t.Error("nothing was evicted")
		}
		if n := s.Stats().Entries; n > o.MaxEntries {
			t.Errorf("%d objects", n)
		}
		if life%2 == 0 {
			s.Close()
		} else {
			s.abandon()
		}
	}
	if disk.peak > o.MaxBytes {
		t.Errorf("%d bytes were on disk, of %d", disk.peak, o.MaxBytes)
	}
	if disk.peak < o.MaxBytes/2 {
		t.Errorf("%d bytes were on disk at most; this tests nothing", disk.peak)
	}
}

func fill(t *testing.T, s *Store, worker int) {
	r := rand.New(rand.NewPCG(uint64(worker), 5))
	for i := range 80 {
		k := key(r.IntN(200))
		size := []int{r.IntN(5000), r.IntN(100_000), r.IntN(800_000)}[r.IntN(3)]
		w, err := s.Create(int64(r.IntN(2)*(size+1) - 1))
		if err == nil {
			_, err = w.Write(content(i, size))
			if err == nil {
				var b Body
				if b, err = w.Finish(); err == nil {
					err = s.Put(k, &Record{Meta: make([]byte, r.IntN(5000)), Bodies: []Body{b}})
				}
			}
			if err != nil || r.IntN(10) == 0 {
				w.Abort()
			}
		}
		if err != nil && !errors.Is(err, ErrFull) {
			t.Error(err)
		}
		s.Touch(key(r.IntN(20)))
		if o, err := s.Get(key(r.IntN(200))); err == nil {
			if len(o.Record().Bodies) > 0 {
				if f, err := o.OpenBody(0); err == nil {
					f.Release()
				}
			}
			o.Release()
		}
	}
}

func TestTooMuch(t *testing.T) {
	s := open(t, Options{Dir: t.TempDir(), MaxBytes: 1 << 20})
	settled(t, s)
	put(t, s, key(2), "meta")
	announced, err := s.Create(1 << 20)
	if err != nil {
		t.Fatal(err)
	}
	want(t, s, key(2), "meta") // an announcement evicts nothing
	announced.Abort()
	if err := s.Delete(key(2)); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Create(2 << 20); !errors.Is(err, ErrFull) {
		t.Errorf("announced: %v", err)
	}
	w, err := s.Create(-1)
	if err != nil {
		t.Fatal(err)
	}
	part := content(1, 300_000)
	for range 3 {
		if _, err := w.Write(part); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := w.Write(part); !errors.Is(err, ErrFull) {
		t.Errorf("found out: %v", err)
	}
	if got, err := io.ReadAll(io.NewSectionReader(w, 0, 1<<20)); err != nil || len(got) != 900_000 {
		t.Errorf("%d bytes can be read still, %v", len(got), err)
	}
	if _, err := w.Finish(); !errors.Is(err, ErrFull) {
		t.Errorf("Finish: %v", err)
	}
	w.Abort()
	if err := s.Put(key(1), &Record{Meta: make([]byte, 1<<20)}); !errors.Is(err, ErrFull) {
		t.Errorf("metadata: %v", err)
	}
	balanced(t, s)
	if s.Stats().Bytes != 0 || s.Stats().State != OK {
		t.Errorf("%+v", s.Stats())
	}
}

// The least recently used goes, in the next life too.
func TestRecency(t *testing.T) {
	clock := &fakeClock{now: time.Now()}
	o := Options{Dir: t.TempDir(), MaxEntries: 10, Now: clock.Now, ScrubRate: -1}
	s := open(t, o)
	settled(t, s)
	for i := range 10 {
		put(t, s, key(i), "meta")
		clock.advance(time.Second)
	}
	s.Touch(key(0))
	want(t, s, key(1), "meta")
	clock.advance(time.Second)
	put(t, s, key(10), "meta")
	put(t, s, key(11), "meta")
	for i := range 12 {
		if i == 2 || i == 3 {
			wantNone(t, s, key(i))
		} else if _, known := s.index.get(key(i)); !known {
			t.Errorf("%d was evicted", i)
		}
	}
	for i := range 12 { // as if put at those times
		k := key(i)
		_ = os.Chtimes(s.metaPath(&k), clock.now, clock.now.Add(time.Duration(-i)*time.Minute))
	}
	s.Close()
	o.MaxEntries = 3
	s = open(t, o)
	wait(t, "eviction", func() bool { return s.Stats().Entries == 3 && s.Stats().Indexed })
	for _, i := range []int{0, 1, 4} {
		want(t, s, key(i), "meta")
	}
}

// Before all is counted, what may be there is taken to be there.
func TestUnknownIsCounted(t *testing.T) {
	const limit = 8 << 20
	for _, end := range []func(*Store){func(s *Store) { s.Close() }, (*Store).abandon} {
		fs := &faultFS{}
		o := Options{Dir: t.TempDir(), FS: fs, MaxBytes: limit, ScrubRate: -1}
		s := open(t, o)
		settled(t, s)
		for i := range 10 {
			put(t, s, key(i), "meta", write(t, s, -1, content(i, 300_000)))
		}
		was := s.Stats().Bytes
		end(s)
		hold := make(chan bool)
		fs.set(nil, func(op, _ string) error {
			if op == "readdir" {
				<-hold
			}
			return nil
		})
		go func() { // Open asks once itself, whether there is anything
			hold <- true
		}()
		s = open(t, o)
		if n := s.Stats(); n.Indexed || n.Bytes < was || n.Bytes > was+limit/64+writeStep {
			t.Errorf("%+v, was %d", n, was)
		}
		want(t, s, key(3), "meta", content(3, 300_000))
		if n := s.Stats(); n.Bytes < was || n.Entries != 1 {
			t.Errorf("%+v, was %d", n, was)
		}
		if err := s.Delete(key(4)); err != nil {
			t.Error(err)
		}
		was -= was / 10
		if n := s.Stats(); n.Bytes < was || n.Bytes > was+limit/64+writeStep {
			t.Errorf("%+v, want %d", n, was)
		}
		put(t, s, key(5), "new") // in place of one that is not counted yet
		was += diskBlock - was/9
		close(hold)
		balanced(t, s)
		if n := s.Stats(); n.Bytes != was || n.Entries != 9 {
			t.Errorf("%+v, want %d", n, was)
		}
		want(t, s, key(5), "new")
		s.Close()
	}
}
