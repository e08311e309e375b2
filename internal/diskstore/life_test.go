package diskstore

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
)

func TestLock(t *testing.T) {
	dir := t.TempDir()
	s := open(t, Options{Dir: dir})
	if _, err := openStore(Options{Dir: dir}); !errors.Is(err, ErrLocked) || !strings.Contains(err.Error(), dir) {
		t.Errorf("a second one: %v", err)
	}
	s.Close()
	open(t, Options{Dir: dir})
}

func TestOptions(t *testing.T) {
	for _, o := range []Options{
		{},
		{Dir: t.TempDir(), MaxBytes: -1},
		{Dir: t.TempDir(), InlineMax: 2 << 20},
		{Dir: filepath.Join(t.TempDir(), "no", "parent")},
	} {
		if s, err := openStore(o); err == nil {
			t.Errorf("%+v was taken", o)
			s.Close()
		}
	}
}

func TestPermissions(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("has other ones")
	}
	dir := filepath.Join(t.TempDir(), "store")
	s := open(t, Options{Dir: dir})
	put(t, s, key(1), "meta", write(t, s, -1, content(1, 100_000)))
	w, err := s.Create(1 << 20)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Abort()
	err = filepath.Walk(dir, func(name string, info os.FileInfo, err error) error {
		if want := os.FileMode(0o600); err == nil && info.Mode().Perm() != want && info.Mode() != os.ModeDir|0o700 {
			t.Errorf("%s: %v", name, info.Mode())
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// Bodies of up to InlineMax bytes cost no file.
func TestInline(t *testing.T) {
	for _, c := range []struct{ max, size, files int }{{0, 16 << 10, 1}, {0, 16<<10 + 1, 2}, {-1, 1, 2}, {-1, 0, 1}, {100, 100, 1}, {100, 101, 2}} {
		s := open(t, Options{Dir: t.TempDir(), InlineMax: c.max})
		data := content(1, c.size)
		put(t, s, key(1), "", write(t, s, -1, data))
		want(t, s, key(1), "", data)
		if n := files(t, s.opt.Dir); n != c.files {
			t.Errorf("%+v: %d files", c, n)
		}
		s.Close()
	}
}

// Who reads along sees what is written, from memory or from the file, and can
// go on after the end.
func TestReadAlong(t *testing.T) {
	s := open(t, Options{Dir: t.TempDir()})
	settled(t, s)
	data := content(1, 200_000)
	for _, end := range []func(w *Writer){
		func(w *Writer) {
			b, err := w.Finish()
			if err != nil {
				t.Error(err)
			}
			put(t, s, key(1), "", b)
		},
		func(w *Writer) { w.Abort() },
		func(w *Writer) { _, _ = w.Finish(); w.Abort() },
	} {
		w, err := s.Create(-1)
		if err != nil {
			t.Fatal(err)
		}
		w.Retain()
		for at := 0; at < len(data); at += 10_000 {
			if _, err := w.Write(data[at : at+10_000]); err != nil {
				t.Fatal(err)
			}
			if (w.File() == nil) != (at == 0 || s.opt.Seal != nil) {
				t.Errorf("at %d: file %v", at, w.File())
			}
			p := make([]byte, 20_000)
			if n, err := w.ReadAt(p, int64(at)); n != 10_000 || err != io.EOF || !bytes.Equal(p[:n], data[at:at+n]) {
				t.Errorf("at %d: %d bytes, %v", at, n, err)
			}
		}
		end(w)
		if got, err := io.ReadAll(io.NewSectionReader(w, 0, w.Written())); err != nil || !bytes.Equal(got, data) {
			t.Errorf("after the end: %d bytes, %v", len(got), err)
		}
		if _, err := w.Write(data); err == nil {
			t.Error("written after the end")
		}
		if _, err := w.Finish(); err == nil {
			t.Error("finished twice")
		}
		w.Release()
		balanced(t, s)
	}
	want(t, s, key(1), "", data)
	if n := files(t, s.opt.Dir); n != 2 {
		t.Errorf("%d files", n)
	}
}

func TestClear(t *testing.T) {
	o := Options{Dir: t.TempDir(), ScrubRate: -1}
	s := open(t, o)
	settled(t, s)
	data := content(1, 100_000)
	for i := range 50 {
		put(t, s, key(i), "meta", write(t, s, -1, data))
	}
	held, err := s.Get(key(1))
	if err != nil {
		t.Fatal(err)
	}
	f, err := held.OpenBody(0)
	if err != nil {
		t.Fatal(err)
	}
	finished := write(t, s, -1, data)
	if err := s.Clear(); err != nil {
		t.Fatal(err)
	}
	for i := range 50 {
		wantNone(t, s, key(i))
	}
	put(t, s, key(1), "new", finished)
	want(t, s, key(1), "new", data)
	if err := f.Verify(0, 100_000); err != nil {
		t.Errorf("a descriptor that is held: %v", err)
	}
	f.Release()
	held.Release()
	s.background.Wait()
	balanced(t, s)
	names, err := os.ReadDir(o.Dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range names {
		if strings.HasPrefix(d.Name(), "trash") {
			t.Errorf("%s is left", d.Name())
		}
	}
	s.Close()
	s = open(t, o)
	want(t, s, key(1), "new", data)
	wantNone(t, s, key(2))
}

// gateFS lets a test do something between the listing of a directory of
// objects and what is made of it.
type gateFS struct {
	OS
	listed func()
	once   sync.Once
}

func (f *gateFS) ReadDir(name string) ([]fs.DirEntry, error) {
	names, err := f.OS.ReadDir(name)
	if len(names) > 0 && strings.HasSuffix(names[0].Name(), ".m") {
		f.once.Do(f.listed)
	}
	return names, err
}

// A walk that began before Clear enters nothing that Clear has removed.
func TestClearWhileCounting(t *testing.T) {
	gate := &gateFS{listed: func() {}}
	o := Options{Dir: t.TempDir(), FS: gate, ScrubRate: -1}
	s := open(t, o)
	settled(t, s)
	for i := range 20 {
		put(t, s, key(i), "meta")
	}
	s.Close()
	listed, goOn := make(chan bool), make(chan bool)
	*gate = gateFS{listed: func() { close(listed); <-goOn }}
	s = open(t, o)
	<-listed
	if err := s.Clear(); err != nil {
		t.Fatal(err)
	}
	wantNone(t, s, key(1))
	put(t, s, key(2), "new")
	close(goOn)
	balanced(t, s)
	want(t, s, key(2), "new")
	if n := s.Stats().Entries; n != 1 {
		t.Errorf("%d objects", n)
	}
}

// What a crash between two steps leaves is removed by the next life.
func TestLeftovers(t *testing.T) {
	o := Options{Dir: t.TempDir(), ScrubRate: -1}
	s := open(t, o)
	settled(t, s)
	k, l := key(1), key(2)
	data := content(1, 100_000)
	put(t, s, k, "meta", write(t, s, -1, data))
	write(t, s, -1, data) // never put
	s.Close()
	for _, name := range []string{s.bodyPath(&k, 77), s.bodyPath(&l, 78), s.temporary(79), filepath.Join(o.Dir, "trash-5")} {
		_ = os.MkdirAll(filepath.Dir(name), 0o700)
		if err := os.WriteFile(name, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	foreign := filepath.Join(o.Dir, "objects", "0", "README")
	_ = os.MkdirAll(filepath.Dir(foreign), 0o700)
	if err := os.WriteFile(foreign, data, 0o600); err != nil {
		t.Fatal(err)
	}
	s = open(t, o)
	settled(t, s)
	wait(t, "the sweep", func() bool { _, err := os.Stat(filepath.Join(o.Dir, "trash-5")); return os.IsNotExist(err) })
	os.Remove(foreign) // it is left alone
	balanced(t, s)
	want(t, s, k, "meta", data)
	if n := files(t, o.Dir); n != 2 {
		t.Errorf("%d files", n)
	}
}

// Many at once, with keys and bodies of their own and of each other.
func TestConcurrent(t *testing.T) {
	s := open(t, Options{Dir: t.TempDir(), MaxEntries: 15, ScrubRate: 1 << 30})
	var g sync.WaitGroup
	for worker := range 8 {
		g.Go(func() {
			for i := range 60 {
				n := (worker*7 + i) % 20
				k, data := key(n), content(n, 10_000*n)
				switch (worker + i) % 6 {
				case 0, 1:
					w, err := s.Create(-1)
					if err != nil {
						t.Error(err)
						return
					}
					if _, err := w.Write(data); err != nil {
						t.Error(err)
					}
					b, err := w.Finish()
					if err == nil {
						err = s.Put(k, &Record{Meta: fmt.Append(nil, n), Bodies: []Body{b}})
					}
					if err != nil {
						t.Error(err)
					}
				case 2:
					if err := s.Delete(k); err != nil {
						t.Error(err)
					}
				case 3:
					if o, err := s.Get(k); err == nil {
						err := s.Put(k, o.Record())
						if err != nil && !errors.Is(err, ErrNotFound) {
							t.Error(err)
						}
						o.Release()
					}
				default:
					meta, bodies, err := get(s, k)
					if err == nil && (meta != fmt.Sprint(n) || !bytes.Equal(bodies[0], data)) {
						t.Errorf("%d: got %q", n, meta)
					} else if err != nil && !errors.Is(err, ErrNotFound) {
						t.Error(err)
					}
				}
				if worker == 0 && i%20 == 0 {
					if err := s.Clear(); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	g.Wait()
	if n := s.Stats().Corrupt; n != 0 {
		t.Errorf("%d objects were found corrupt", n)
	}
	settled(t, s)
}
