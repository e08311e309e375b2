//go:build unix

package authority

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestReadKey(t *testing.T) {
	if !hasModes {
		t.Skip("there are no modes")
	}
	dir := t.TempDir()
	in := func(name string) string { return filepath.Join(dir, name) }
	put := func(name string, mode os.FileMode, size int) {
		if err := os.WriteFile(in(name), make([]byte, size), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(in(name), mode); err != nil {
			t.Fatal(err)
		}
	}
	put("good", 0o600, 10)
	put("group", 0o640, 10)
	put("all", 0o604, 10)
	put("large", 0o400, maxFile+1)
	if err := os.Symlink("good", in("link")); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(in("pipe"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"good": "", "link": "", "group": "others can read", "all": "chmod 600", "large": "more than", "pipe": "no", ".": "not a regular file", "none": "no such file",
	} {
		data, err := ReadKey(in(name))
		if want == "" && (err != nil || len(data) != 10) || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %d bytes, %v", name, len(data), err)
		}
	}
}
