package cgi_test

import (
	"bytes"
	"io"
	"os"
	"syscall"
	"testing"

	"freshet/cgi"
	"freshet/internal/rule"
)

// TestSpoolFull: a body that the disk has no room for is refused, and one that
// it has room for is taken afterwards.
func TestSpoolFull(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can make a small disk")
	}
	disk := t.TempDir()
	if err := syscall.Mount("tmpfs", disk, "tmpfs", 0, "size=1m"); err != nil {
		t.Skipf("mount: %v", err)
	}
	t.Cleanup(func() { must(t, syscall.Unmount(disk, 0)) })
	s, _ := run(t, folder(t, "count", sh(`printf 'Content-Type: text/plain\n\n'`, `wc -c`)), func(o *cgi.Options) { o.SpoolDir = disk })
	// Not so much more that the server would stop reading, and clients that only
	// write would see that instead of the answer.
	for _, tt := range []struct{ size, status int }{{1150 << 10, 503}, {500 << 10, 200}, {1200 << 10, 503}} {
		a := s.do("POST", "/count", io.MultiReader(bytes.NewReader(make([]byte, tt.size))))
		r := s.next(t)
		if a.StatusCode != tt.status || (tt.status == 503) != (r.Rule == rule.ScriptSpoolFailed && r.Detail.Error != "" && a.Header.Get("Retry-After") != "") {
			t.Errorf("%d octets: %v %v %v %+v", tt.size, a.Status, a.err, r.Rule, r.Detail)
		}
	}
}
