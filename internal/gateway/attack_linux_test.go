package gateway

import (
	"errors"
	"io"
	"os"
	"strings"
	"syscall"
	"testing"
)

// TestSpooledIsOnlyRead: who is given the file of a body can read it, and
// neither write to it nor give it a name.
func TestSpooledIsOnlyRead(t *testing.T) {
	dir := t.TempDir()
	s, f := Spool(strings.NewReader("body"), SpoolOptions{Memory: 1, Dir: dir})
	if f != nil {
		t.Fatal(f)
	}
	defer s.Close()
	if b, err := io.ReadAll(s.File); err != nil || string(b) != "body" {
		t.Errorf("%q %v", b, err)
	}
	if _, err := s.File.Write([]byte("x")); !errors.Is(err, syscall.EBADF) {
		t.Errorf("written: %v", err)
	}
	if err := s.File.Truncate(1 << 20); err == nil {
		t.Error("it was made longer")
	}
	if names, _ := os.ReadDir(dir); len(names) > 0 {
		t.Error(names)
	}
}
