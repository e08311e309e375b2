package diskstore

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"freshet/internal/alloctest"
	"freshet/internal/atrest"
)

// everything returns all that a folder has, names and contents.
func everything(t *testing.T, dir string) []byte {
	t.Helper()
	var all []byte
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		all = append(append(all, path...), '\n')
		if d.Type().IsRegular() {
			content, err := os.ReadFile(path)
			all = append(all, content...)
			return err
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestSealedFolder(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "d")
	for _, shared := range []bool{false, true} {
		name := dir + fmt.Sprint(shared)
		o := Options{Dir: name, Shared: shared, ScrubRate: -1, Seal: testRing("k1")}
		s := open(t, o)
		k := s.KeyOf("http://example.com/secret-path")
		putAll(t, s, k, "secret-meta", []byte("secret-inline"), bytes.Repeat([]byte("secret-body "), 20_000))
		for _, word := range []string{"secret", fmt.Sprintf("%x", (&Store{}).KeyOf("http://example.com/secret-path"))} {
			if bytes.Contains(everything(t, name), []byte(word)) {
				t.Errorf("shared %v: %s is on the disk", shared, word)
			}
		}
		s.Close()

		plain := o
		plain.Seal = nil
		if s, err := Open(plain); !errors.Is(err, ErrSealed) {
			t.Errorf("shared %v, without a key: %v, %v", shared, s, err)
		}
		other := o
		other.Seal = testRing("k2")
		if s, err := Open(other); !errors.Is(err, atrest.ErrNoKey) || !strings.Contains(err.Error(), "k1") {
			t.Errorf("shared %v, with another key: %v, %v", shared, s, err)
		}
		s = open(t, o)
		if got := s.KeyOf("http://example.com/secret-path"); got != k {
			t.Errorf("shared %v: a key has another name in the next life", shared)
		}
		has(t, s, k, "secret-meta", "secret-inline", strings.Repeat("secret-body ", 20_000))
		s.Close()
	}

	plain := open(t, Options{Dir: dir})
	if os.Getenv(sealedVar) != "" {
		return // it is none
	}
	putAll(t, plain, key(1), "m")
	plain.Close()
	if s, err := Open(Options{Dir: dir, Seal: testRing("k1")}); !errors.Is(err, ErrNotSealed) {
		t.Errorf("a folder that is not sealed: %v, %v", s, err)
	}
	plain = open(t, Options{Dir: dir})
	has(t, plain, key(1), "m")
	if err := plain.Delete(key(1)); err != nil {
		t.Fatal(err)
	}
	plain.Close()
	sealed := open(t, Options{Dir: dir, Seal: testRing("k1")}) // it is empty now
	sealed.Close()
}

// TestSealedMarker has a marker that is not what was written refused, and
// several processes that begin at once agree on one.
func TestSealedMarker(t *testing.T) {
	dir := t.TempDir()
	stores := make([]*Store, 8)
	var all sync.WaitGroup
	for i := range stores {
		all.Go(func() {
			var err error
			if stores[i], err = Open(Options{Dir: dir, Shared: true, Seal: testRing("k1")}); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	for _, s := range stores {
		if s.KeyOf("x") != stores[0].KeyOf("x") {
			t.Error("two that began at once name a key differently")
		}
		s.Close()
	}
	marker := filepath.Join(dir, markerName)
	content, err := os.ReadFile(marker)
	if err != nil {
		t.Fatal(err)
	}
	content[len(content)-1] ^= 1
	for _, bad := range [][]byte{content, content[:20], {}} {
		if err := os.WriteFile(marker, bad, 0o600); err != nil {
			t.Fatal(err)
		}
		if s, err := Open(Options{Dir: dir, Shared: true, Seal: testRing("k1")}); !errors.Is(err, atrest.ErrDamaged) {
			t.Errorf("a marker of %d bytes: %v, %v", len(bad), s, err)
		}
	}
}

// putAll stores a record with these bodies.
func putAll(t testing.TB, s *Store, k Key, meta string, bodies ...[]byte) {
	t.Helper()
	r := &Record{Meta: []byte(meta)}
	for _, b := range bodies {
		r.Bodies = append(r.Bodies, write(t, s, int64(len(b)), b))
	}
	if err := s.Put(k, r); err != nil {
		t.Fatal(err)
	}
}

// has looks whether that is stored.
func has(t testing.TB, s *Store, k Key, meta string, bodies ...string) {
	t.Helper()
	o, err := s.Get(k)
	if err != nil {
		t.Error(err)
		return
	}
	defer o.Release()
	if string(o.Record().Meta) != meta || len(o.Record().Bodies) != len(bodies) {
		t.Errorf("%q with %d bodies", o.Record().Meta, len(o.Record().Bodies))
		return
	}
	for i, want := range bodies {
		f, err := o.OpenBody(i)
		if err != nil {
			t.Error(err)
			continue
		}
		got := make([]byte, len(want))
		if err := f.Verify(0, int64(len(want))); err != nil {
			t.Error(err)
		}
		if n, err := f.ReadAt(got, 0); n != len(want) || err != nil || string(got) != want {
			t.Errorf("body %d: %d bytes, %v", i, n, err)
		}
		f.Release()
	}
}

func TestSealedRotation(t *testing.T) {
	dir := t.TempDir()
	body := string(content(7, 200_000))
	s := open(t, Options{Dir: dir, Seal: testRing("k1")})
	putAll(t, s, key(1), "one", []byte(body))
	putAll(t, s, key(2), "two", []byte("inline"))
	name := s.KeyOf("x")
	s.Close()

	s = open(t, Options{Dir: dir, Seal: testRing("k2", "k1")})
	has(t, s, key(1), "one", body)
	putAll(t, s, key(2), "again", []byte("inline"))
	s.Close()

	// The folder goes with the first key; what only the old one opens is gone with it.
	s = open(t, Options{Dir: dir, Seal: testRing("k2")})
	if s.KeyOf("x") != name {
		t.Error("with another key, names are others")
	}
	has(t, s, key(2), "again", "inline")
	if _, err := s.Get(key(1)); !errors.Is(err, ErrNotFound) {
		t.Errorf("without its key: %v", err)
	}
	settled(t, s)
	if n := s.Stats(); n.Entries != 1 {
		t.Errorf("%d objects", n.Entries)
	}
}

// TestSealedMixed puts files in the place of others.
func TestSealedMixed(t *testing.T) {
	a, b := content(1, 150_000), content(2, 150_000)
	for _, c := range []struct {
		what string
		mix  func(s *Store, ids [2]uint64) (from, to string)
	}{
		{"the record of another key", func(s *Store, _ [2]uint64) (from, to string) {
			k1, k2 := key(1), key(2)
			return s.metaPath(&k2), s.metaPath(&k1)
		}},
		{"the body of another key", func(s *Store, ids [2]uint64) (from, to string) {
			k1, k2 := key(1), key(2)
			return s.bodyPath(&k2, ids[1]), s.bodyPath(&k1, ids[0])
		}},
	} {
		s := open(t, Options{Dir: t.TempDir(), Seal: testRing("k1")})
		var ids [2]uint64
		for i, data := range [][]byte{a, b} {
			body := write(t, s, -1, data)
			ids[i] = body.ID
			if err := s.Put(key(1+i), &Record{Bodies: []Body{body}}); err != nil {
				t.Fatal(err)
			}
		}
		from, to := c.mix(s, ids)
		file, err := os.ReadFile(from)
		if err == nil {
			err = os.WriteFile(to, file, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
		refused(t, s, key(1), c.what)
		has(t, s, key(2), "", string(b))
	}
}

// refused looks whether nothing is read of the first body of a key, and that is gone.
func refused(t *testing.T, s *Store, k Key, what string) {
	t.Helper()
	if o, err := s.Get(k); err == nil {
		defer o.Release()
		f, err := o.OpenBody(0)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Release()
		var out bytes.Buffer
		if err := f.WriteRange(&out, 0, f.Body().Size); !errors.Is(err, ErrCorrupt) {
			t.Errorf("%s: %d bytes, %v", what, out.Len(), err)
		}
	}
	if _, err := s.Get(k); !errors.Is(err, ErrNotFound) {
		t.Errorf("%s: it is still there: %v", what, err)
	}
}

// TestSealedParts has parts of one body change places, be cut, or be those of
// an earlier Writer.
func TestSealedParts(t *testing.T) {
	data := content(1, 3*blockSize)
	for what, change := range map[string]func(file []byte) []byte{
		"swapped": func(f []byte) []byte {
			return append(append(append([]byte{}, f[blockSize:2*blockSize]...), f[:blockSize]...), f[2*blockSize:]...)
		},
		"cut":      func(f []byte) []byte { return f[:2*blockSize] },
		"cut by 1": func(f []byte) []byte { return f[:3*blockSize-1] },
		"empty":    func(f []byte) []byte { return nil },
		"zero":     func(f []byte) []byte { return append(f[:2*blockSize:2*blockSize], make([]byte, blockSize)...) },
		"flipped":  func(f []byte) []byte { f[2*blockSize+5] ^= 1; return f },
	} {
		s := open(t, Options{Dir: t.TempDir(), Seal: testRing("k1")})
		body := write(t, s, -1, data)
		k := key(1)
		if err := s.Put(k, &Record{Bodies: []Body{body}}); err != nil {
			t.Fatal(err)
		}
		file, err := os.ReadFile(s.bodyPath(&k, body.ID))
		if err == nil {
			err = os.WriteFile(s.bodyPath(&k, body.ID), change(file), 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
		refused(t, s, k, what)
	}
}

// readsFS counts what is read of files.
type readsFS struct {
	OS
	read int
}

type readsFile struct {
	File
	fs *readsFS
}

func (c *readsFS) OpenFile(name string, flag int, perm fs.FileMode) (File, error) {
	f, err := c.OS.OpenFile(name, flag, perm)
	if err != nil {
		return nil, err
	}
	return readsFile{f, c}, nil
}

func (f readsFile) ReadAt(p []byte, off int64) (int, error) {
	n, err := f.File.ReadAt(p, off)
	f.fs.read += n
	return n, err
}

// TestSealedRange reads a range of a large body: only the parts are read that
// it touches, and nothing is allocated for them.
func TestSealedRange(t *testing.T) {
	counting := &readsFS{}
	s := open(t, Options{Dir: t.TempDir(), FS: counting, Seal: testRing("k1")})
	data := content(1, 20*blockSize)
	body := write(t, s, -1, data)
	if err := s.Put(key(1), &Record{Bodies: []Body{body}}); err != nil {
		t.Fatal(err)
	}
	o, err := s.Get(key(1))
	if err != nil {
		t.Fatal(err)
	}
	defer o.Release()
	f, err := o.OpenBody(0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Release()
	if !f.Sealed() || f.File() != nil {
		t.Error("it is not sealed")
	}
	counting.read = 0
	var out bytes.Buffer
	const from, n = 7*blockSize - 100, 300
	if err := f.WriteRange(&out, from, n); err != nil || !bytes.Equal(out.Bytes(), data[from:from+n]) {
		t.Errorf("%d bytes, %v", out.Len(), err)
	}
	if counting.read != 2*blockSize {
		t.Errorf("%d bytes were read for %d in two blocks", counting.read, n)
	}
	if n := alloctest.PerRun(20, func() {
		if err := f.WriteRange(io.Discard, 0, 4*blockSize); err != nil {
			t.Error(err)
		}
	}); n > 2 { // the functions that each range has, none for a part
		t.Errorf("%v allocations for 4 blocks", n)
	}
	if err := f.WriteRange(io.Discard, 19*blockSize, 2*blockSize); err != io.ErrUnexpectedEOF {
		t.Errorf("beyond the end: %v", err)
	}
}

// TestSealedHoles fills holes of a sealed body, bit by bit, by many Writers.
func TestSealedHoles(t *testing.T) {
	s := open(t, Options{Dir: t.TempDir(), Seal: testRing("k1")})
	const size = 3*blockSize + 77
	data := content(5, size)
	w, err := s.OpenSparse(size)
	if err != nil {
		t.Fatal(err)
	}
	k := key(1)
	for i, step := 0, 997; i < size; i += step {
		end := min(i+step, size)
		if _, err := w.WriteAt(data[i:end], int64(i)); err != nil {
			t.Fatal(err)
		}
		if i%3 != 0 {
			continue
		}
		// What waits in memory is read, too.
		got := make([]byte, end-i)
		if n, err := w.ReadAt(got, int64(i)); n != len(got) || !bytes.Equal(got, data[i:end]) {
			t.Fatalf("at %d: %d bytes, %v", i, n, err)
		}
		b, err := w.Finish()
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Put(k, &Record{Bodies: []Body{b}}); err != nil {
			t.Fatal(err)
		}
		if w, err = s.AddTo(k, b.ID); err != nil {
			t.Fatal(err)
		}
	}
	b, err := w.Finish()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Put(k, &Record{Bodies: []Body{b}}); err != nil {
		t.Fatal(err)
	}
	if !b.Complete() {
		t.Errorf("it has %v", b.Extents)
	}
	has(t, s, k, "", string(data))
}

// TestReseal counts which keys objects need, has them written anew by the first,
// and does without the old key then.
func TestReseal(t *testing.T) {
	dir := t.TempDir()
	large, part := content(1, 200_000), content(2, 300_000)
	s := open(t, Options{Dir: dir, Seal: testRing("k1")})
	putAll(t, s, key(1), "inline", []byte("small"))
	putAll(t, s, key(2), "large", large, []byte("small"))
	w, err := s.OpenSparse(int64(len(part)))
	if err == nil {
		_, err = w.WriteAt(part[70_000:150_000], 70_000)
	}
	if err != nil {
		t.Fatal(err)
	}
	b, err := w.Finish()
	if err == nil {
		err = s.Put(key(3), &Record{Meta: []byte("part"), Bodies: []Body{b}})
	}
	if err != nil {
		t.Fatal(err)
	}
	s.Close()

	s = open(t, Options{Dir: dir, Seal: testRing("k2", "k1")})
	if w, err = s.AddTo(key(3), b.ID); err == nil {
		_, err = w.WriteAt(part[:10], 0)
	}
	if err == nil {
		b, err = w.Finish()
	}
	if err == nil {
		err = s.Put(key(3), &Record{Meta: []byte("part"), Bodies: []Body{b}})
	}
	if err != nil {
		t.Fatal(err)
	}
	putAll(t, s, key(4), "new", large)
	if marker, err := os.ReadFile(filepath.Join(dir, markerName)); err != nil {
		t.Fatal(err)
	} else if by, err := atrest.KeyOf(marker); by != "k2" || err != nil {
		t.Errorf("the marker is sealed by %q, %v", by, err)
	}
	if err := os.WriteFile(filepath.Join(dir, markerName), testRing("k1").Seal(nil, s.names, markerPurpose), 0o600); err != nil { // as if the key came while it runs
		t.Fatal(err)
	}
	expect := func(r Scrubbed, err error, old, now, resealed int64) {
		t.Helper()
		marker := "k2"
		if old > 0 {
			marker = "k1"
		}
		if len(r.Others) != 1 || r.Others[marker] != 1 {
			t.Errorf("other files: %v, not of %s", r.Others, marker)
		}
		if err != nil || r.Keys["k1"] != old || r.Keys["k2"] != now || r.Resealed != resealed || r.Objects != 4 || r.Removed != 0 {
			t.Errorf("%+v, %v; want %d by k1, %d by k2, %d resealed", r, err, old, now, resealed)
		}
	}
	r, err := s.Scrub(t.Context(), 0, nil)
	expect(r, err, 3, 2, 0)
	r, err = s.Reseal(t.Context(), 0, nil)
	expect(r, err, 0, 4, 3)
	r, err = s.Reseal(t.Context(), 0, nil)
	expect(r, err, 0, 4, 0)
	settled(t, s)
	s.Close()

	s = open(t, Options{Dir: dir, Seal: testRing("k2")})
	has(t, s, key(1), "inline", "small")
	has(t, s, key(2), "large", string(large), "small")
	has(t, s, key(4), "new", string(large))
	o, err := s.Get(key(3))
	if err != nil {
		t.Fatal(err)
	}
	defer o.Release()
	if got := o.Record().Bodies[0]; !got.Has(0, 10) || !got.Has(70_000, 80_000) || got.Has(10, 1) {
		t.Errorf("the parts are %v", got.Extents)
	}
	f, err := o.OpenBody(0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Release()
	var out bytes.Buffer
	if err := f.WriteRange(&out, 70_000, 80_000); err != nil || !bytes.Equal(out.Bytes(), part[70_000:150_000]) {
		t.Errorf("%d bytes, %v", out.Len(), err)
	}
}

// TestResealChanged leaves an object that was put anew after it was read.
func TestResealChanged(t *testing.T) {
	dir := t.TempDir()
	s := open(t, Options{Dir: dir, Seal: testRing("k1")})
	putAll(t, s, key(1), "old", content(1, 100_000))
	s.Close()
	s = open(t, Options{Dir: dir, Seal: testRing("k2", "k1")})
	o, err := s.Get(key(1))
	if err != nil {
		t.Fatal(err)
	}
	putAll(t, s, key(1), "new", content(2, 100_000))
	if s.reseal(key(1), o.rec) != nil {
		t.Error("what had changed was resealed")
	}
	o.Release()
	has(t, s, key(1), "new", string(content(2, 100_000)))
	settled(t, s)
	if names, err := os.ReadDir(filepath.Join(dir, "tmp")); err != nil || len(names) > 0 {
		t.Errorf("left behind: %v, %v", names, err)
	}
}

// TestSealedFormat has another program, which knows the format from its
// description alone, open what a store has sealed.
func TestSealedFormat(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err != nil || exec.Command(python, "-c", "from cryptography.hazmat.primitives.ciphers.aead import AESGCM").Run() != nil {
		t.Skip("no python3 with cryptography")
	}
	dir, keys := t.TempDir(), filepath.Join(t.TempDir(), "keys")
	if err := os.WriteFile(keys, []byte("k1 "+strings.Repeat("0", 2*(atrest.SecretSize-2))+hex.EncodeToString([]byte("k1"))+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := open(t, Options{Dir: dir, Seal: testRing("k1")})
	k := s.KeyOf("http://example.com/")
	whole, part := content(1, 200_000), content(2, 300_000)
	w, err := s.OpenSparse(int64(len(part)))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.WriteAt(part[:100], 0); err != nil {
		t.Fatal(err)
	}
	if _, err := w.WriteAt(part[60_000:180_000], 60_000); err != nil {
		t.Fatal(err)
	}
	sparse, err := w.Finish()
	if err != nil {
		t.Fatal(err)
	}
	bodies := []Body{write(t, s, -1, whole), write(t, s, -1, []byte("inline")), sparse}
	if err := s.Put(k, &Record{Meta: bytes.Repeat([]byte("meta "), 20_000), Bodies: bodies}); err != nil {
		t.Fatal(err)
	}
	s.Close()
	var told bytes.Buffer
	open := exec.Command(python, "testdata/open.py", dir, keys, "http://example.com/")
	open.Stderr = &told
	got, err := open.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, &told)
	}
	want := bytes.Join([][]byte{bytes.Repeat([]byte("meta "), 20_000), []byte("\n"), whole, []byte("inline"), part[:100], part[60_000:180_000]}, nil)
	if !bytes.Equal(got, want) {
		t.Errorf("it opened %d bytes, not the %d that were stored", len(got), len(want))
	}
}
