package static

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/fstest"
	"time"
)

// trees are the trees over a real folder, by name.
var trees = map[string]func(dir string, follow bool) tree{
	"folder": newFolder,
	"root":   func(dir string, follow bool) tree { return &rootTree{dir, follow} },
}

// TestLinks: links are followed inside the folder, and out of it only when
// that was asked for.
func TestLinks(t *testing.T) {
	out := t.TempDir()
	must(t, os.WriteFile(filepath.Join(out, "secret.txt"), []byte("secret"), 0o644))
	for name, make := range trees {
		for _, follow := range []bool{false, true} {
			s := newSite(t, Options{FollowSymlinks: follow}, map[string]string{"a.txt": "a", "d/b.txt": "b"})
			s.tree = make(s.dir, follow)
			link := func(to, name string) { must(t, os.Symlink(to, s.path(name))) }
			link("a.txt", "relative")
			link("../a.txt", "d/up")
			link(s.path("a.txt"), "absolute")
			link(s.path("d"), "folder")
			link("d", "dir")
			link(out, "out")
			link(filepath.Join(out, "secret.txt"), "secret")
			link("../../../../../../../../etc/passwd", "climb")
			link("/", "slash")
			for path, body := range map[string]string{
				"/relative": "a", "/d/up": "a", "/absolute": "a", "/folder/b.txt": "b", "/dir/b.txt": "b",
			} {
				for range 2 {
					if code, got := s.seen(path); code != 200 || got != body {
						t.Errorf("%s: %s: %d %q", name, path, code, got)
					}
				}
			}
			for path, whenFollowed := range map[string]int{
				"/out/secret.txt": 200, "/secret": 200, "/climb": 200, "/slash/etc/passwd": 200, "/out": 301, "/out/": 200,
				"/out/missing": 404, "/slash/etc/shadow.none": 404,
			} {
				want := 403
				if follow {
					want = whenFollowed
				}
				if code, body := s.seen(path); code != want || code == 403 && strings.Contains(body, "secret") {
					t.Errorf("%s, follow %v: %s: %d, want %d", name, follow, path, code, want)
				}
			}
			if t.Failed() {
				t.Log(s.log.String())
			}
		}
	}
}

// FuzzServe: whatever path is asked for, nothing from outside is sent, both
// paths agree, and nothing panics.
func FuzzServe(f *testing.F) {
	parent := f.TempDir()
	dir := filepath.Join(parent, "root")
	must(f, os.MkdirAll(filepath.Join(dir, "d"), 0o755))
	const secret = "the secret of the parent folder"
	for name, content := range map[string]string{"secret": secret, "root/.env": secret, "root/a.txt": "a", "root/index.html": "home", "root/d/b.txt": "b"} {
		must(f, os.WriteFile(filepath.Join(parent, name), []byte(content), 0o644))
	}
	must(f, os.Symlink("../secret", filepath.Join(dir, "link")))
	must(f, os.Symlink("..", filepath.Join(dir, "up")))
	h, err := New(Options{Root: dir, Now: func() time.Time { return time.Now().Add(time.Second) }})
	must(f, err)
	f.Cleanup(func() { h.Close() })
	for _, seed := range []string{"/", "/a.txt", "/d/b.txt", "/../secret", "/%2e%2e/secret", "/link", "/up/secret", "/d/../../secret", "/.env", "/d//b.txt", "/%2Fetc", "/d/%2e%2e/.env", "/up/root/.env", "/a.txt/"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, path string) {
		if !asksForPath(path) {
			return
		}
		s := &site{Handler: h, t: t, dir: dir, now: time.Second}
		_, body := s.seen(path)
		if strings.Contains(body, secret) {
			t.Fatalf("%q sends the secret", path)
		}
	})
}

// asksForPath reports whether a text can be the path of a request.
func asksForPath(path string) bool {
	if path == "" || path[0] != '/' || strings.ContainsAny(path, " #?\r\n\t\"<>\\^`{|}[]") {
		return false
	}
	for i := range len(path) {
		if path[i] < ' ' || path[i] >= 0x7f {
			return false
		}
	}
	for i := 0; i < len(path); i++ {
		if path[i] == '%' && (i+2 >= len(path) || !isHex(path[i+1]) || !isHex(path[i+2])) {
			return false
		}
	}
	return len(path) <= 4000
}

// faultFS fails as it is told.
type faultFS struct {
	fstest.MapFS
	open map[string]error // errors of Open, by name
	read error            // error of reading, after three bytes
}

func (f faultFS) Open(name string) (fs.File, error) {
	if err := f.open[name]; err != nil {
		return nil, &fs.PathError{Op: "open", Path: name, Err: err}
	}
	file, err := f.MapFS.Open(name)
	if err != nil || f.read == nil {
		return file, err
	}
	return &faultFile{File: file, err: f.read}, nil
}

// faultFile hides Seek and ReadAt, and fails after three bytes.
type faultFile struct {
	fs.File
	err  error
	done bool
}

func (f *faultFile) Read(p []byte) (int, error) {
	if f.done || f.err == nil {
		return 0, f.err
	}
	f.done = true
	return f.File.Read(p[:min(3, len(p))])
}

// newFSSite is a site over a file system.
func newFSSite(t *testing.T, o Options) *site {
	s := newSite(t, Options{Memory: o.Memory}, nil)
	o.Now, o.ErrorLog = s.clock, s.opt.ErrorLog
	h, err := New(o)
	must(t, err)
	t.Cleanup(func() { h.Close() })
	s.Handler = h
	return s
}

// TestFaults: each fault of a file system has its answer, and no answer tells
// where the files are.
func TestFaults(t *testing.T) {
	modified := time.Unix(1e9, 0)
	files := fstest.MapFS{"a.txt": {Data: []byte("hello"), ModTime: modified}, "d/x": {Data: []byte("x"), ModTime: modified}}
	for _, c := range []struct {
		err  error
		code int
		log  bool
	}{
		{fs.ErrPermission, 403, false},
		{syscall.EACCES, 403, false},
		{fs.ErrNotExist, 404, false},
		{syscall.ENOTDIR, 404, false},
		{syscall.ENAMETOOLONG, 414, false},
		{syscall.ELOOP, 404, false},
		{syscall.EIO, 500, true},
		{syscall.EMFILE, 500, true},
		{errors.New("anything at /secret/place"), 500, true},
	} {
		s := newFSSite(t, Options{FS: faultFS{MapFS: files, open: map[string]error{"a.txt": c.err}}})
		w := s.get("/a.txt")
		if w.Code != c.code || strings.Contains(w.Body.String(), "secret") {
			t.Errorf("%v: %d %s", c.err, w.Code, w.Body)
		}
		if logged := s.log.Len() > 0; logged != c.log {
			t.Errorf("%v: logged: %q", c.err, s.log.String())
		}
		if w := s.get("/d/x"); w.Code != 200 {
			t.Errorf("%v: another file: %d", c.err, w.Code)
		}
	}
	s := newFSSite(t, Options{FS: faultFS{MapFS: files, read: syscall.EIO}})
	if w := s.get("/a.txt"); w.Code != 500 {
		t.Errorf("a read error: %d %s", w.Code, w.Body)
	}
	s = newFSSite(t, Options{FS: faultFS{MapFS: files, read: io.EOF}})
	if w := s.get("/a.txt"); w.Code != 200 || w.Body.String() != "hel" || w.Header().Get("Content-Length") != "3" {
		t.Errorf("a file that is always shorter than it says: %d %s", w.Code, w.Body)
	}
	if s.table.get("a.txt") != nil {
		t.Error("kept")
	}
}

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'f'
}
