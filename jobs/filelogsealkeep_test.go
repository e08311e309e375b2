package jobs

import (
	"bytes"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"freshet/internal/atrest"
	"freshet/internal/sealedfolder"
)

// putBack writes files as they were.
func putBack(t *testing.T, files map[string][]byte) {
	t.Helper()
	for path, content := range files {
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// A plain file that comes back, by a loss of power or a backup, or that somebody
// puts there, does not take the place of the sealed one, to which a server has
// written since; also where the end of that was torn.
func TestSealFolderKeepsSealed(t *testing.T) {
	ring := testRing("a")
	seal := &atrest.Change{Ring: ring}
	const all = "1:\x01one 2:\x01two 3:\x01three 4:\x01four 5:\x01five j-1:page one m-1:meta"
	for name, c := range map[string]struct {
		change func(plain map[string][]byte) // what comes back
		torn   bool
		then   *atrest.Change
	}{
		"an older one":             {func(map[string][]byte) {}, false, seal},
		"an older one, and a tear": {func(map[string][]byte) {}, true, seal},
		"by another key":           {func(map[string][]byte) {}, false, &atrest.Change{Ring: testRing("b", "a")}},
		"an older one, to plain":   {func(map[string][]byte) {}, false, &atrest.Change{Ring: ring, Plain: true}},
		"a forged one": {func(plain map[string][]byte) {
			for path := range plain {
				if strings.HasPrefix(filepath.Base(path), logPrefix) {
					plain[path] = appendFrame(nil, 1, []byte("\x01forged"))
				} else if strings.HasPrefix(filepath.Base(path), pagePrefix) {
					plain[path] = appendPage(nil, []byte("forged"))
				}
			}
		}, false, seal},
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "log")
			makeLog(t, dir, nil)
			plain := allFiles(t, dir)
			if err := SealFolder(ctx, dir, seal, nil); err != nil {
				t.Fatal(err)
			}
			l := openLogWith(t, dir, ring)
			appendAll(t, l, 3, "\x01four", "\x01five")
			path := l.path(1)
			_ = l.Close()
			if c.torn {
				whole, err := os.ReadFile(path)
				if err != nil {
					t.Fatal(err)
				}
				putBack(t, map[string][]byte{path: append(whole, 9, 0, 0)})
			}
			c.change(plain)
			putBack(t, plain)
			if _, err := logSays(dir, ring); !errors.Is(err, atrest.ErrPlain) {
				t.Fatalf("a start: %v", err)
			}
			if err := SealFolder(ctx, dir, c.then, nil); err != nil {
				t.Fatal(err)
			}
			open := c.then.Ring
			if c.then.Plain {
				open = nil
			}
			if says, err := logSays(dir, open); err != nil || says != all {
				t.Errorf("%q, %v", says, err)
			}
		})
	}
}

// Where the sealed one does not open, neither is touched, and the error names both.
func TestSealFolderKeepsBoth(t *testing.T) {
	ring := testRing("a")
	dir := filepath.Join(t.TempDir(), "log")
	makeLog(t, dir, nil)
	plain := allFiles(t, dir)
	if err := SealFolder(ctx, dir, &atrest.Change{Ring: ring}, nil); err != nil {
		t.Fatal(err)
	}
	const page = "page-j-1"
	sealed := filepath.Join(sealedfolder.SealedDir(dir), page)
	content, err := os.ReadFile(sealed)
	if err != nil {
		t.Fatal(err)
	}
	damaged := appendPage(nil, append(bytes.Clone(content[pageHead:len(content)-1]), content[len(content)-1]^1))
	putBack(t, map[string][]byte{sealed: damaged, filepath.Join(dir, page): plain[filepath.Join(dir, page)]})
	before := allFiles(t, filepath.Dir(dir))
	err = SealFolder(ctx, dir, &atrest.Change{Ring: ring}, nil)
	if !errors.Is(err, atrest.ErrDamaged) || !strings.Contains(err.Error(), sealed) || !strings.Contains(err.Error(), filepath.Join(dir, page)+" ") {
		t.Errorf("%v", err)
	}
	if after := allFiles(t, filepath.Dir(dir)); !maps.EqualFunc(before, after, bytes.Equal) {
		t.Error("something was changed")
	}
	if _, err := os.Lstat(filepath.Join(sealedfolder.SealedDir(dir), ".freshet-seal")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("what was being written is left: %v", err)
	}
}

// What is rewritten is for its owner alone, whatever the modes were.
func TestSealFolderModes(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("which has no modes")
	}
	ring := testRing("a")
	for _, change := range []*atrest.Change{{Ring: ring, Plain: true}, {Ring: testRing("b", "a")}} {
		dir := filepath.Join(t.TempDir(), "log")
		makeLog(t, dir, ring)
		for path := range allFiles(t, filepath.Dir(dir)) {
			if err := os.Chmod(path, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if err := SealFolder(ctx, dir, change, nil); err != nil {
			t.Fatal(err)
		}
		for path := range allFiles(t, filepath.Dir(dir)) {
			info, err := os.Stat(path)
			if name := filepath.Base(path); err != nil || info.Mode().Perm()&0o077 != 0 && name != "lock" && name != "sealed" {
				t.Errorf("%s: %v, %v", path, info.Mode(), err)
			}
		}
	}
}

// A file that is none of a log is found before anything is moved.
func TestSealFolderForeign(t *testing.T) {
	eachForm(t, func(t *testing.T, ring *atrest.Ring) {
		dir := filepath.Join(t.TempDir(), "log")
		makeLog(t, dir, ring)
		in, change := dir, &atrest.Change{Ring: testRing("b", "a"), Plain: ring != nil}
		if ring != nil {
			in = sealedfolder.SealedDir(dir)
		}
		foreign := filepath.Join(in, "zz-notes.txt")
		putBack(t, map[string][]byte{foreign: []byte("a note")})
		before := allFiles(t, filepath.Dir(dir))
		if err := SealFolder(ctx, dir, change, nil); err == nil || !strings.Contains(err.Error(), foreign) {
			t.Errorf("%v", err)
		}
		if after := allFiles(t, filepath.Dir(dir)); !maps.EqualFunc(before, after, bytes.Equal) {
			t.Error("something was changed")
		}
		if says, err := logSays(dir, ring); err != nil || says != someLog {
			t.Errorf("%q, %v", says, err)
		}
	})
}
