//go:build !nonats

package bus

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"freshet/internal/atrest"
)

// bothWays runs a test in a folder that is plain, and in one that is sealed.
func bothWays(t *testing.T, f func(t *testing.T, ring *atrest.Ring)) {
	t.Run("plain", func(t *testing.T) { f(t, nil) })
	t.Run("sealed", func(t *testing.T) { f(t, sealRing(t, "k1")) })
}

// storeOf is where NATS keeps the streams of a folder.
func storeOf(t *testing.T, dir string) string {
	t.Helper()
	all, err := filepath.Glob(filepath.Join(dir, storePrefix+"*"))
	switch {
	case err != nil || len(all) > 1:
		t.Fatal(all, err)
	case len(all) == 1:
		return all[0]
	}
	return dir
}

func streamDir(t *testing.T, dir, stream string) string {
	t.Helper()
	return filepath.Join(storeOf(t, dir), "jetstream", "$G", "streams", stream)
}

// filesOf are the files of a folder of streams, and what is in them, but for the
// folder's own.
func filesOf(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	store := storeOf(t, dir)
	err := filepath.WalkDir(store, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() || filepath.Dir(path) == dir {
			return err
		}
		text, err := os.ReadFile(path)
		files[path[len(store):]] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// wantFiles has a folder be what it was.
func wantFiles(t *testing.T, dir string, want map[string]string) {
	t.Helper()
	is := filesOf(t, dir)
	for _, name := range slices.Sorted(maps.Keys(want)) {
		if text, there := is[name]; !there || text != want[name] {
			t.Errorf("%s: there %t, %d bytes, of %d", name, there, len(text), len(want[name]))
		}
	}
	for name := range is {
		if _, there := want[name]; !there {
			t.Errorf("%s is new", name)
		}
	}
}

// TestKept has files be damaged that NATS needs to open a stream: the start ends with
// what NATS says, all files are as they were, and when the one is mended all is there.
func TestKept(t *testing.T) {
	bothWays(t, func(t *testing.T, ring *atrest.Ring) {
		was := t.TempDir()
		before := fillKept(t, was, ring)
		for _, c := range []struct {
			name   string
			file   string
			damage func(text []byte) []byte
			sealed bool // only when it is
			says   string
		}{
			{"meta.inf is torn", "meta.inf", func(text []byte) []byte { return text[:len(text)/2] }, false, "checksums do not match"},
			{"meta.sum is another", "meta.sum", func([]byte) []byte { return []byte("0123456789abcdef") }, false, "checksums do not match"},
			{"meta.key is of another secret", "meta.key", func(text []byte) []byte { text[20] ^= 1; return text }, true, "decrypting"},
			{"meta.key is torn", "meta.key", func(text []byte) []byte { return text[:20] }, true, "key length"},
			{"a block has no key", "msgs/1.key", nil, true, "its key is missing"},
		} {
			if c.sealed && ring == nil {
				continue
			}
			dir := copied(t, was)
			name := filepath.Join(streamDir(t, dir, "log_jobs"), c.file)
			text := damage(t, name, c.damage)
			refusedWhole(t, dir, ring, c.says)
			if err := os.WriteFile(name, text, 0o600); err != nil {
				t.Fatal(err)
			}
			if now := tell(t, dir, ring); now != before {
				t.Errorf("%s, mended: %q of %q", c.name, now, before)
			}
		}
	})
}

// TestKeptBlock has files of messages be damaged that NATS opens a stream without, or
// with less in it, and says nothing.
func TestKeptBlock(t *testing.T) {
	bothWays(t, func(t *testing.T, ring *atrest.Ring) {
		was := t.TempDir()
		before := fillKept(t, was, ring)
		for _, c := range []struct {
			name   string
			file   string
			damage func(text []byte) []byte
			sealed bool
			says   string // "": it starts
		}{
			{"its key is missing", "1.key", nil, true, "Error recreating stream"},
			{"its key is torn", "1.key", func(text []byte) []byte { return text[:20] }, true, "its key does not open"},
			{"its key is damaged", "1.key", func(text []byte) []byte { text[20] ^= 1; return text }, true, "its key does not open"},
			{"its first record is damaged", "1.blk", func(text []byte) []byte { text[30] ^= 1; return text }, false, "is damaged at byte 0"},
			{"a record in its middle is", "1.blk", func(text []byte) []byte { text[len(text)/2] ^= 1; return text }, false, "is damaged at byte"},
			{"its last record is torn", "1.blk", func(text []byte) []byte { return text[:len(text)-10] }, false, ""},
		} {
			if c.sealed && ring == nil {
				continue
			}
			dir := copied(t, was)
			msgs := filepath.Join(streamDir(t, dir, "log_jobs"), "msgs")
			damage(t, filepath.Join(msgs, "index.db"), nil) // which is not written when a process is killed
			damage(t, filepath.Join(msgs, c.file), c.damage)
			if c.says == "" {
				if now := tell(t, dir, ring); !strings.HasPrefix(before, now) || now == before {
					t.Errorf("%s: %q of %q", c.name, now, before)
				}
				continue
			}
			refusedWhole(t, dir, ring, c.says)
		}
	})
}

// fillKept writes some entries, the last of which is short.
func fillKept(t *testing.T, dir string, ring *atrest.Ring) string {
	t.Helper()
	s := startSealed(t, dir, ring)
	l := openLog(t, connect(t, s, "writer"), "jobs")
	for n := range uint64(5) {
		mustAppend(t, l, n, fmt.Sprint(n, strings.Repeat(" s3cr3t", int(5-n))))
	}
	closed(t, s)
	return tell(t, dir, ring)
}

// tell is what is in a log.
func tell(t *testing.T, dir string, ring *atrest.Ring) string {
	t.Helper()
	s := startSealed(t, dir, ring)
	defer closed(t, s)
	return strings.Join(entries(t, openLog(t, connect(t, s, "reader"), "jobs"), 0), "\n")
}

func copied(t *testing.T, from string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
	return dir
}

// damage changes a file, or removes it, and returns what was in it.
func damage(t *testing.T, name string, change func([]byte) []byte) []byte {
	t.Helper()
	text, err := os.ReadFile(name)
	if err == nil && change != nil {
		err = os.WriteFile(name, change(slices.Clone(text)), 0o600)
	} else if err == nil {
		err = os.Remove(name)
	}
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// refusedWhole has a folder be refused, and be as it was.
func refusedWhole(t *testing.T, dir string, ring *atrest.Ring, says string) {
	t.Helper()
	files := filesOf(t, dir)
	s, err := Start(Options{Dir: dir, Seal: ring})
	if err == nil {
		closed(t, s)
	}
	if !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), says) || !strings.Contains(err.Error(), "log_jobs") || !strings.Contains(err.Error(), "as they were") {
		t.Fatalf("not %q: %v", says, err)
	}
	wantFiles(t, dir, files)
}
