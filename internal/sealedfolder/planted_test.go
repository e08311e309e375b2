package sealedfolder_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"freshet/internal/atrest"
	"freshet/internal/sealedfolder"
)

// TestPlanted: a plain file that somebody puts beside sealed ones is named, and
// nothing is changed; of a rewriting that was ended early what is left is sealed.
func TestPlanted(t *testing.T) {
	keys, err := atrest.ParseKeys([]byte("k1 " + strings.Repeat("0f", 32)))
	if err != nil {
		t.Fatal(err)
	}
	ring := atrest.NewRing(func() *atrest.Keys { return keys })
	var ended error
	steps, most := 0, 0
	kind := &sealedfolder.Kind{What: "notes", Becomes: func(to *sealedfolder.Folder, name string) string { return to.Name(name) },
		Copy: func(_ context.Context, c *sealedfolder.Copying) (string, error) {
			name := c.Name
			if !c.From.Sealed() {
				name = c.To.Name(name)
			}
			done, err := c.Whole("note", "note")
			if done {
				return "", err
			}
			return name, err
		},
		Step: func() error {
			if steps++; steps > most {
				return ended
			}
			return nil
		}}
	seal := func(dir string) error {
		steps = 0
		return sealedfolder.Rewrite(t.Context(), dir, &atrest.Change{Ring: ring}, kind, nil)
	}
	write := func(path string) {
		t.Helper()
		if err := os.WriteFile(path, []byte("a note"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	isThere := func(path string) bool {
		_, err := os.Lstat(path)
		return err == nil
	}
	dir := filepath.Join(t.TempDir(), "notes")
	if f, err := sealedfolder.Open(dir, ring, "notes"); err != nil || !f.Sealed() {
		t.Fatal(err)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	one, two := filepath.Join(dir, "one"), filepath.Join(dir, "two")
	write(one)
	if err := seal(dir); err != nil || isThere(one) { // nothing was sealed before
		t.Fatal(err)
	}
	write(one) // that it is there sealed, too
	if err := seal(dir); err != nil || isThere(one) {
		t.Fatal(err)
	}
	write(two)
	for range 2 {
		if err := seal(dir); err == nil || !strings.Contains(err.Error(), two+": it is not sealed, while what is there is") || !isThere(two) {
			t.Fatalf("planted: %v", err)
		}
	}
	if err := os.Remove(two); err != nil {
		t.Fatal(err)
	}
	if err := seal(dir); err != nil {
		t.Error(err)
	}

	// Ended at each step, from plain to sealed: the rest is done by the next call.
	killed := errors.New("killed")
	for most = 0; ; most++ {
		dir := filepath.Join(t.TempDir(), "notes")
		if err := os.MkdirAll(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		names := []string{filepath.Join(dir, "a"), filepath.Join(dir, "b"), filepath.Join(dir, "c")}
		for _, name := range names {
			write(name)
		}
		ended = killed
		err := seal(dir)
		ended = nil
		if err := seal(dir); err != nil {
			t.Errorf("ended at step %d: %v", most, err)
		}
		for _, name := range names {
			if isThere(name) {
				t.Errorf("ended at step %d: %s is plain", most, name)
			}
		}
		write(filepath.Join(dir, "d"))
		if err := seal(dir); err == nil {
			t.Errorf("ended at step %d: what was planted later is sealed", most)
		}
		if err == nil {
			break
		}
	}
	if most < 8 {
		t.Errorf("there are %d steps", most)
	}
}
