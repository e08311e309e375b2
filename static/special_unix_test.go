//go:build unix

package static

import (
	"os"
	"syscall"
	"testing"
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
	s := newFSSite(t, Options{FS: os.DirFS(dir.dir)})
	if w := s.get("/pipe"); w.Code != 403 {
		t.Errorf("%d", w.Code)
	}
}
