package wholefile_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"testing"

	"freshet/internal/wholefile"
)

func TestWrite(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "state")
	for _, text := range []string{"one", "two, longer", ""} {
		if err := wholefile.Write(name, []byte(text)); err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(name); err != nil || string(got) != text {
			t.Errorf("%q, %v, not %q", got, err, text)
		}
	}
	if info, err := os.Stat(name); err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	alone(t, dir)
}

// TestCreate puts a file only where none is.
func TestCreate(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "state")
	if err := wholefile.Create(name, []byte("one"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := wholefile.Create(name, []byte("two"), 0o600); !errors.Is(err, fs.ErrExist) {
		t.Errorf("a second time: %v", err)
	}
	if text, err := os.ReadFile(name); string(text) != "one" || err != nil {
		t.Errorf("%q, %v", text, err)
	}
	if info, err := os.Stat(name); err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o644 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	alone(t, dir)
}

// TestFails: what cannot be put in its place changes nothing, and leaves nothing.
func TestFails(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "state")
	if err := os.MkdirAll(filepath.Join(name, "full"), 0o700); err != nil { // no file can be renamed to that
		t.Fatal(err)
	}
	if err := wholefile.Write(name, []byte("x")); err == nil {
		t.Error("in the place of a folder that is not empty")
	}
	alone(t, dir)
	if err := wholefile.Write(filepath.Join(dir, "none", "state"), []byte("x")); err == nil {
		t.Error("in a folder that is not there")
	}
}

// TestTogether has many write one file: it is always one of theirs.
func TestTogether(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "state")
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			if err := wholefile.Write(name, fmt.Appendf(nil, "%0512d", i)); err != nil && runtime.GOOS != "windows" {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if text, err := os.ReadFile(name); err != nil || len(text) != 512 {
		t.Errorf("%d bytes, %v", len(text), err)
	}
	alone(t, dir)
}

// alone finds what was left beside the one thing in a folder.
func alone(t *testing.T, dir string) {
	t.Helper()
	if left, err := os.ReadDir(dir); err != nil || len(left) != 1 {
		t.Errorf("left: %v, %v", left, err)
	}
}
