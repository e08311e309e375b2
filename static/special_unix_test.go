//go:build unix

package static

import (
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// TestSpecialFiles: a pipe does not hang, and is refused as a device is.
func TestSpecialFiles(t *testing.T) {
	for name, make := range trees {
		s := newSite(t, Options{}, map[string]string{"a.txt": "a"})
		s.tree = make(s.dir, false)
		must(t, syscall.Mkfifo(s.path("pipe"), 0o644))
		must(t, syscall.Mkfifo(s.path("a.txt.gz"), 0o644))
		must(t, syscall.Mkfifo(s.path("index.html"), 0o644))
		l, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
		must(t, err)
		defer syscall.Close(l)
		must(t, syscall.Bind(l, &syscall.SockaddrUnix{Name: s.path("socket")}))
		for _, path := range []string{"/pipe", "/socket", "/"} {
			if code, _ := s.seen(path); code != 403 {
				t.Errorf("%s: %s: %d", name, path, code)
			}
		}
		if w := s.get("/a.txt", "Accept-Encoding: gzip"); w.Code != 200 || w.Body.String() != "a" {
			t.Errorf("%s: a pipe as sidecar: %d", name, w.Code)
		}
	}
}

// TestDirFSPipe: a pipe in an fs.FS that can look before it opens.
func TestDirFSPipe(t *testing.T) {
	dir := newSite(t, Options{}, nil)
	must(t, syscall.Mkfifo(dir.path("pipe"), 0o644))
	dir.write("file.txt", "x")
	parent, name := filepath.Split(dir.dir)
	sub, err := fs.Sub(os.DirFS(parent), name)
	must(t, err)
	for what, fsys := range map[string]fs.FS{"DirFS": os.DirFS(dir.dir), "Sub": sub} {
		s := newFSSite(t, Options{FS: fsys})
		codes := make(chan int)
		ask := func(path string) int {
			go func() { codes <- s.get(path).Code }()
			select {
			case code := <-codes:
				return code
			case <-time.After(patience):
				t.Fatalf("%s: %s waits for the pipe's other end", what, path)
				return 0
			}
		}
		if code := ask("/pipe"); code != 403 {
			t.Errorf("%s: %d", what, code)
		}
		if code := ask("/file.txt"); code != 200 {
			t.Errorf("%s: %d", what, code)
		}
	}
}
