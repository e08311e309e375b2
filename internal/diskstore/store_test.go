package diskstore

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// open opens a store in dir and closes it with the test.
func open(t testing.TB, o Options) *Store {
	t.Helper()
	if o.ScrubRate == 0 {
		o.ScrubRate = -1
	}
	s, err := openStore(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// settled waits until s has counted what it found and removed what it set aside.
func settled(t testing.TB, s *Store) {
	t.Helper()
	wait(t, "the index", func() bool {
		s.budget.mu.Lock()
		defer s.budget.mu.Unlock()
		return s.indexed.Load() && s.budget.unknown == 0 && s.budget.trash == 0
	})
}

func wait(t testing.TB, what string, done func() bool) {
	t.Helper()
	for late := time.Now().Add(time.Minute); !done(); time.Sleep(time.Millisecond) {
		if time.Now().After(late) {
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

func key(n int) (k Key) {
	r := rand.NewChaCha8([32]byte{byte(n), byte(n >> 8), byte(n >> 16), 1})
	_, _ = r.Read(k[:])
	return k
}

// content is n bytes that depend on seed.
func content(seed, n int) []byte {
	b := make([]byte, n)
	_, _ = rand.NewChaCha8([32]byte{byte(seed), byte(seed >> 8), byte(seed >> 16), 2}).Read(b)
	return b
}

// write makes a body of data, in two writes.
func write(t testing.TB, s *Store, hint int64, data []byte) Body {
	t.Helper()
	w, err := s.Create(hint)
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range [][]byte{data[:len(data)/3], data[len(data)/3:]} {
		if _, err := w.Write(part); err != nil {
			t.Fatal(err)
		}
	}
	b, err := w.Finish()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func put(t testing.TB, s *Store, k Key, meta string, bodies ...Body) {
	t.Helper()
	if err := s.Put(k, &Record{Meta: []byte(meta), Bodies: bodies}); err != nil {
		t.Fatal(err)
	}
}

// get returns the metadata and the verified bodies of k.
func get(s *Store, k Key) (meta string, bodies [][]byte, err error) {
	o, err := s.Get(k)
	if err != nil {
		return "", nil, err
	}
	defer o.Release()
	for i := range o.Record().Bodies {
		f, err := o.OpenBody(i)
		if err != nil {
			return "", nil, err
		}
		defer f.Release()
		data := make([]byte, f.Body().Size)
		if err := f.Verify(0, int64(len(data))); err != nil {
			return "", nil, err
		}
		if n, err := f.ReadAt(data, 0); n < len(data) {
			return "", nil, err
		}
		bodies = append(bodies, data)
	}
	return string(o.Record().Meta), bodies, nil
}

// want fails the test unless k is what it says.
func want(t testing.TB, s *Store, k Key, meta string, bodies ...[]byte) {
	t.Helper()
	m, b, err := get(s, k)
	if err != nil || m != meta || len(b) != len(bodies) {
		t.Fatalf("got %q with %d bodies (%v), want %q with %d", m, len(b), err, meta, len(bodies))
	}
	for i := range b {
		if !bytes.Equal(b[i], bodies[i]) {
			t.Errorf("body %d of %q is another", i, meta)
		}
	}
}

func wantNone(t testing.TB, s *Store, k Key) {
	t.Helper()
	if m, _, err := get(s, k); !errors.Is(err, ErrNotFound) {
		t.Errorf("got %q, %v; want %v", m, err, ErrNotFound)
	}
}

// files counts the files below dir that are objects or temporary.
func files(t testing.TB, dir string) (n int) {
	t.Helper()
	for _, sub := range []string{"objects", "tmp"} {
		err := filepath.Walk(filepath.Join(dir, sub), func(_ string, info os.FileInfo, err error) error {
			if err == nil && !info.IsDir() {
				n++
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return n
}

// balanced fails the test unless the store counts what there is: the files of
// each object as its metadata tells of them, those in tmp, and no others.
func balanced(t testing.TB, s *Store) {
	t.Helper()
	settled(t, s)
	count, total := 0, int64(0)
	for i := range indexShards {
		for j := 0; ; j++ {
			k, ok := s.index.at(i, j)
			if !ok {
				break
			}
			rec, err := s.readRecord(&k)
			if err != nil {
				t.Fatal(err)
			}
			e, _ := s.index.get(k)
			if e.cost() < rec.cost() || e.files() != rec.files() || e.cost() > rec.cost() && !slices.ContainsFunc(rec.Bodies, func(b Body) bool { return !b.Complete() }) {
				t.Errorf("the index has %d bytes, the record %d", e.cost(), rec.cost())
			}
			count, total = count+1, total+e.cost()
			for i := range rec.Bodies {
				if rec.Bodies[i].Inline == nil {
					count++
				}
			}
		}
	}
	s.live.mu.Lock()
	for _, b := range s.live.bodies {
		if b.path != "" {
			count, total = count+1, total+b.cost
		}
	}
	s.live.mu.Unlock()
	temporary, err := os.ReadDir(filepath.Join(s.opt.Dir, "tmp"))
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range temporary {
		if info, err := d.Info(); err == nil {
			count, total = count+1, total+onDisk(info.Size())
		}
	}
	if total != s.Stats().Bytes {
		t.Errorf("%d bytes on disk, %d counted", total, s.Stats().Bytes)
	}
	if n := files(t, s.opt.Dir); n != count {
		t.Errorf("%d files, %d known", n, count)
	}
}

func TestPutGet(t *testing.T) {
	dir := t.TempDir()
	s := open(t, Options{Dir: dir})
	settled(t, s)
	sizes := []int{0, 1, 100, 16 << 10, 16<<10 + 1, 64 << 10, 64<<10 + 1, 300_000, 1 << 20}
	for i, n := range sizes {
		for j, hint := range []int64{-1, int64(n), 1 << 20} {
			put(t, s, key(3*i+j), "meta", write(t, s, hint, content(n, n)))
		}
	}
	put(t, s, key(1000), "no body")
	check := func() {
		t.Helper()
		for i, n := range sizes {
			for j := range 3 {
				want(t, s, key(3*i+j), "meta", content(n, n))
			}
		}
		want(t, s, key(1000), "no body")
		wantNone(t, s, key(1001))
		balanced(t, s)
	}
	check()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Get(key(0)); !errors.Is(err, ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
	s = open(t, Options{Dir: dir})
	want(t, s, key(5), "meta", content(1, 1))
	check()
}

func TestReplace(t *testing.T) {
	s := open(t, Options{Dir: t.TempDir()})
	k, a, b, small := key(1), content(1, 100_000), content(2, 200_000), content(3, 10)
	bodyA, bodyB := write(t, s, -1, a), write(t, s, -1, b)
	put(t, s, k, "one", bodyA)
	o, err := s.Get(k)
	if err != nil {
		t.Fatal(err)
	}
	put(t, s, k, "two", bodyA, bodyB, write(t, s, -1, small))
	want(t, s, k, "two", a, b, small)
	put(t, s, k, "three", bodyB)
	want(t, s, k, "three", b)

	// The first is held still.
	f, err := o.OpenBody(0)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Verify(0, 100_000); err != nil {
		t.Error(err)
	}
	balanced(t, s)
	o.Release()
	if n := files(t, s.opt.Dir); n != 3 {
		t.Errorf("%d files while a reader holds the first body, want 3", n)
	}
	f.Release()
	if n := files(t, s.opt.Dir); n != 2 {
		t.Errorf("%d files, want the metadata and one body", n)
	}
	if err := s.Put(k, &Record{Bodies: []Body{bodyA}}); !errors.Is(err, ErrNotFound) {
		t.Errorf("a body that is gone: %v", err)
	}
	want(t, s, k, "three", b)
	if err := s.Delete(k); err != nil {
		t.Fatal(err)
	}
	wantNone(t, s, k)
	balanced(t, s)
	if n := s.Stats(); n.Bytes != 0 || n.Entries != 0 {
		t.Errorf("after all: %+v", n)
	}
}
