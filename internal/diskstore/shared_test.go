package diskstore

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

func openShared(t testing.TB, dir string, maxBytes int64) *Store {
	t.Helper()
	return open(t, Options{Dir: dir, MaxBytes: maxBytes, Shared: true})
}

// occupies is what all files below a directory take.
func occupies(t testing.TB, dir string) (n int64) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return nil
		}
		n += occupied(info)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// What one store does, the other sees at once.
func TestSharedSees(t *testing.T) {
	dir := t.TempDir()
	a, b := openShared(t, dir, 0), openShared(t, dir, 0)
	if _, err := b.Get(key(1)); !errors.Is(err, ErrNotFound) {
		t.Fatal(err)
	}
	for i, size := range []int{10, 100_000} {
		first, second := content(i, size), content(i+7, size)
		put(t, a, key(1), "first", write(t, a, -1, first))
		want(t, b, key(1), "first", first)
		// Replaced by the other, it can still be read by who holds it.
		held, err := a.Get(key(1))
		if err != nil {
			t.Fatal(err)
		}
		f, err := held.OpenBody(0)
		if err != nil {
			t.Fatal(err)
		}
		put(t, b, key(1), "second", write(t, b, -1, second))
		want(t, a, key(1), "second", second)
		if err := a.Delete(key(1)); err != nil {
			t.Fatal(err)
		}
		wantNone(t, b, key(1))
		got := make([]byte, size)
		if err := f.Verify(0, int64(size)); err != nil {
			t.Error(err)
		}
		if _, err := f.ReadAt(got, 0); err != nil || !bytes.Equal(got, first) {
			t.Error("other bytes", err)
		}
		f.Release()
		held.Release()
	}
	put(t, a, key(2), "x")
	n := 0
	for range b.Keys {
		n++
	}
	if err := b.Clear(); err != nil || n != 1 {
		t.Error(n, err)
	}
	if _, err := a.Get(key(2)); !errors.Is(err, ErrNotFound) {
		t.Error(err)
	}
	put(t, a, key(3), "after")
	want(t, b, key(3), "after")
}

// Room is made at Close, too, when that is due.
func TestSharedCollectsAtClose(t *testing.T) {
	const bound = 1 << 20
	dir := t.TempDir()
	for i := range 10 {
		s := openShared(t, dir, bound)
		s.shared.running = true // so that nothing is made room for meanwhile
		for j := range 4 {
			put(t, s, key(10*i+j), "x", write(t, s, -1, content(i, 50_000)))
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		if n := occupies(t, dir); n > bound {
			t.Errorf("%d bytes of %d", n, bound)
		}
	}
}

// To open and close without a write leaves nothing, and touches nothing.
func TestSharedIdle(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new")
	s := openShared(t, dir, 0)
	if _, err := s.Get(key(1)); !errors.Is(err, ErrNotFound) {
		t.Error(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	names, err := os.ReadDir(dir)
	if s.opt.Seal != nil { // but for what says that it is sealed
		names = slices.DeleteFunc(names, func(d os.DirEntry) bool { return strings.HasPrefix(d.Name(), markerName) })
	}
	if err != nil || len(names) != 0 {
		t.Errorf("%v, %v", names, err)
	}
}

// The bound holds for all together, and what was used of late stays.
func TestSharedEviction(t *testing.T) {
	const bound = 2 << 20
	dir := t.TempDir()
	now := time.Now().Add(-24 * time.Hour)
	clock := func() time.Time { return now }
	stores := []*Store{
		open(t, Options{Dir: dir, MaxBytes: bound, Shared: true, Now: clock}),
		open(t, Options{Dir: dir, MaxBytes: bound, Shared: true, Now: clock}),
	}
	for i := range 200 {
		s := stores[i%2]
		put(t, s, key(i), "x", write(t, s, -1, content(i, 50_000)))
		when := now.Add(time.Duration(i) * time.Second)
		if err := os.Chtimes(s.metaPath(ptr(key(i))), when, when); err != nil {
			continue // gone already
		}
		if o, err := stores[0].Get(key(0)); err == nil {
			o.Release()
			later := when.Add(time.Minute)
			_ = os.Chtimes(s.metaPath(ptr(key(0))), later, later)
		} else {
			t.Fatalf("%d: what is used most was removed: %v", i, err)
		}
	}
	evicted := stores[0].Stats().Evictions + stores[1].Stats().Evictions
	for _, s := range stores {
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if n := occupies(t, dir); n > bound || n < bound/2 || evicted == 0 {
		t.Errorf("%d bytes of %d, %d evicted", n, bound, evicted)
	}
}

func ptr(k Key) *Key { return &k }

// A use is noted when the last one is long ago, and not more often.
func TestSharedTouch(t *testing.T) {
	now := time.Now()
	s := open(t, Options{Dir: t.TempDir(), Shared: true, Now: func() time.Time { return now }})
	put(t, s, key(1), "x")
	changed := func() time.Time {
		info, err := os.Stat(s.metaPath(ptr(key(1))))
		if err != nil {
			t.Fatal(err)
		}
		return info.ModTime()
	}
	first := changed()
	want(t, s, key(1), "x")
	if !changed().Equal(first) {
		t.Error("a hit has written")
	}
	now = now.Add(time.Hour)
	if o, err := s.Peek(key(1)); err != nil || !changed().Equal(first) {
		t.Error("a look has written", err)
	} else {
		o.Release()
	}
	want(t, s, key(1), "x")
	if changed().Sub(first) < 50*time.Minute {
		t.Error("a use was not noted")
	}
}

const sharedDirVar = "DISKSTORE_SHARED_DIR"

// Processes write, read, evict and clear in one directory, and some are killed:
// whatever can be read is what was put, and the directory stays bounded.
func TestSharedKill(t *testing.T) {
	const bound = 8 << 20
	if dir := os.Getenv(sharedDirVar); dir != "" {
		s, err := openStore(Options{Dir: dir, MaxBytes: bound, Shared: true})
		if err != nil {
			t.Fatal(err)
		}
		for worker := range 2 {
			go func() {
				r := rand.New(rand.NewPCG(rand.Uint64(), uint64(worker)))
				for {
					writeOne(s, r)
				}
			}()
		}
		_, _ = os.Stdin.Read(make([]byte, 1)) // until killed
		os.Exit(0)
	}
	dir := t.TempDir()
	total := 0
	for round := range *killRounds {
		var children []*exec.Cmd
		var out strings.Builder
		for range 3 {
			child := exec.Command(os.Args[0], "-test.run=^TestSharedKill$")
			child.Env = append(os.Environ(), sharedDirVar+"="+dir)
			child.Stdout, child.Stderr = &out, &out
			in, err := child.StdinPipe()
			if err != nil {
				t.Fatal(err)
			}
			defer in.Close()
			if err := child.Start(); err != nil {
				t.Fatal(err)
			}
			children = append(children, child)
		}
		s := openShared(t, dir, bound)
		if round == 0 { // something has to be there in the end
			wait(t, "an object", func() bool { return inspectShared(t, s) > 0 })
		}
		time.Sleep(time.Duration(100+rand.IntN(300)) * time.Millisecond)
		total += inspectShared(t, s) // while they write
		for _, child := range children {
			_ = child.Process.Kill()
			_ = child.Wait()
		}
		if out.Len() > 0 {
			t.Fatalf("round %d: %s", round, out.String())
		}
		total += inspectShared(t, s)
		s.opt.Now = func() time.Time { return time.Now().Add(time.Hour) } // strays are old, then
		s.collect()
		if n := occupies(t, dir); n > bound {
			t.Errorf("%d bytes of %d are occupied", n, bound)
		}
		if names, _ := os.ReadDir(filepath.Join(dir, "tmp")); len(names) > 2 {
			t.Errorf("%d files and folders of dead processes", len(names))
		}
		total += inspectShared(t, s)
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
	t.Logf("%d objects were whole", total)
	if total == 0 {
		t.Error("nothing survived; was anything written?")
	}
}

// inspectShared reads everything, and returns how much there was.
func inspectShared(t *testing.T, s *Store) (n int) {
	t.Helper()
	for i := range 400 {
		o, err := s.Get(key(i))
		if errors.Is(err, ErrNotFound) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		n += inspectObject(t, o)
		o.Release()
	}
	if c := s.Stats().Corrupt; c != 0 {
		t.Errorf("%d objects were corrupt", c)
	}
	return n
}

// inspectObject reads one object, unless it is removed meanwhile.
func inspectObject(t *testing.T, o *Object) int {
	var name string
	var seed, size, start int
	if _, err := fmt.Sscanf(string(o.Record().Meta), "%s %d %d %d", &name, &seed, &size, &start); err != nil || name != fmt.Sprintf("%x", o.key[:]) {
		t.Fatalf("metadata %q: %v", o.Record().Meta, err)
	}
	f, err := o.OpenBody(0)
	if errors.Is(err, ErrNotFound) {
		return 0
	}
	if err != nil {
		t.Fatal(err)
	}
	defer f.Release()
	got := make([]byte, size-start)
	if err := f.Verify(int64(start), int64(len(got))); err != nil {
		t.Fatalf("%q: %v", o.Record().Meta, err)
	}
	if n, err := f.ReadAt(got, int64(start)); n < len(got) || string(got) != string(content(seed, size)[start:]) {
		t.Fatalf("%q: other bytes, %v", o.Record().Meta, err)
	}
	return 1
}

// A disk that fails at any step leaves what was stored, or what was to be, for
// everyone, and no more than a stray.
func TestSharedDiskFails(t *testing.T) {
	for _, failure := range []error{syscall.ENOSPC, syscall.EIO} {
		for n, reached := 0, true; reached; n++ {
			dir := t.TempDir()
			faulty := &faultFS{}
			s := open(t, Options{Dir: dir, FS: faulty, Shared: true})
			other := openShared(t, dir, 0)
			before, after := content(1, 100_000), content(2, 120_000)
			if n%2 == 0 { // else it is the first that is stored
				put(t, s, key(1), "old", write(t, s, -1, before))
			}
			fail, wasReached := nth(n/2, 1000, failure)
			faulty.set(fail, nil)
			err := putNew(s, key(1), after)
			faulty.set(nil, nil)
			reached = n%2 == 0 || wasReached()
			meta, bodies, failed := get(other, key(1))
			switch {
			case failed == nil && meta == "new" && bytes.Equal(bodies[0], after):
			case err == nil:
				t.Errorf("%v at %d: no error, but %q, %v", failure, n, meta, failed)
			case failed == nil && meta == "old" && bytes.Equal(bodies[0], before):
			case n%2 == 1 && errors.Is(failed, ErrNotFound):
			default:
				t.Errorf("%v at %d: %q, %v (%v)", failure, n, meta, failed, err)
			}
			s.Close()
			other.Close()
		}
	}
}

func putNew(s *Store, k Key, data []byte) error {
	w, err := s.Create(-1)
	if err != nil {
		return err
	}
	defer w.Abort()
	if _, err := w.Write(data); err != nil {
		return err
	}
	b, err := w.Finish()
	if err != nil {
		return err
	}
	return s.Put(k, &Record{Meta: []byte("new"), Bodies: []Body{b}})
}
