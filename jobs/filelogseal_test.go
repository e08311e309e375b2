package jobs

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"freshet/internal/atrest"
	"freshet/internal/sealedfolder"
)

// logSays is all that a log has, in one text.
func logSays(dir string, ring *atrest.Ring) (says string, err error) {
	l, err := OpenSealedFileLog(dir, ring)
	if err != nil {
		return "", err
	}
	defer l.Close()
	if says, err = readAfter(l, 0); err != nil {
		return "", err
	}
	err = l.Pages(ctx, func(key string, page []byte) error {
		says += fmt.Sprintf(" %s:%s", key, page)
		return nil
	})
	return says, err
}

const someLog = "1:\x01one 2:\x01two 3:\x01three j-1:page one m-1:meta"

// makeLog makes a log that says someLog.
func makeLog(t testing.TB, dir string, ring *atrest.Ring) {
	t.Helper()
	l := openLogWith(t, dir, ring)
	appendAll(t, l, 0, "\x01one", "\x01two", "\x01three")
	for key, page := range map[string]string{"j-1": "page one", "m-1": "meta"} {
		if err := l.PutPage(ctx, key, []byte(page)); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
}

// allFiles are the files below a folder, by their paths.
func allFiles(t testing.TB, dir string) map[string][]byte {
	t.Helper()
	all := map[string][]byte{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		all[path], err = os.ReadFile(path)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// Nothing that a ledger was told is to be read in its folder.
func TestSealedLogHides(t *testing.T) {
	const secret = "the-secret-word-of-this-test"
	root := t.TempDir()
	l := openLogWith(t, filepath.Join(root, "log"), testRing("a"))
	s, err := New(ctx, l, Options{PageEntries: 3})
	if err != nil {
		t.Fatal(err)
	}
	for range 10 {
		submit(t, s, Spec{Name: secret, Owner: secret, Command: []string{secret, secret}, Env: []string{"X=" + secret}, Array: Range(1, 3)})
		finish(t, s, claim(t, s, Worker{Node: secret}), Result{Exit: 1, Output: []byte(secret), Reason: secret})
	}
	if err := s.Close(ctx); err != nil {
		t.Fatal(err)
	}
	_ = l.Close()
	files := allFiles(t, root)
	if len(files) < 4 {
		t.Errorf("%d files", len(files))
	}
	for path, content := range files {
		if bytes.Contains(content, []byte(secret[:8])) || strings.Contains(path, secret[:8]) {
			t.Errorf("%s has it", path)
		}
	}
	l = openLogWith(t, filepath.Join(root, "log"), testRing("b", "a"))
	s = start(t, l, Options{})
	if page, err := s.Jobs(ctx, Filter{}); err != nil || page.Total != 10 || page.Jobs[0].Spec.Name != secret {
		t.Errorf("%+v, %v", page, err)
	}
}

// A log of one kind is not opened as the other, nor with other keys, and nothing of
// it is changed by that.
func TestSealedLogRefuses(t *testing.T) {
	for _, c := range []struct {
		made, opened []string
		fault        error
	}{
		{nil, nil, nil},
		{[]string{"a"}, []string{"a"}, nil},
		{[]string{"a"}, []string{"b", "a"}, nil},
		{nil, []string{"a"}, atrest.ErrPlain},
		{[]string{"a"}, nil, atrest.ErrSealed},
		{[]string{"a"}, []string{"b"}, atrest.ErrNoKey},
	} {
		dir := filepath.Join(t.TempDir(), "log")
		makeLog(t, dir, testRing(c.made...))
		before := allFiles(t, filepath.Dir(dir))
		says, err := logSays(dir, testRing(c.opened...))
		if !errors.Is(err, c.fault) || c.fault == nil && says != someLog {
			t.Errorf("made with %q, opened with %q: %q, %v", c.made, c.opened, says, err)
		}
		if c.fault == nil {
			continue
		}
		for path, was := range before {
			if now, err := os.ReadFile(path); err != nil || !bytes.Equal(now, was) {
				t.Errorf("made with %q, opened with %q: %s changed, %v", c.made, c.opened, path, err)
			}
		}
		if says, err := logSays(dir, testRing(c.made...)); err != nil || says != someLog {
			t.Errorf("afterwards: %q, %v", says, err)
		}
	}
}

// Who opens it with a key that was put first writes with that, and reads what the
// one before has sealed; without the one before it says which key is missing.
func TestSealedLogAnotherKey(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "log")
	makeLog(t, dir, testRing("a"))
	l := openLogWith(t, dir, testRing("b", "a"))
	appendAll(t, l, 3, "\x01four")
	_ = l.Close()
	if says, err := logSays(dir, testRing("a", "b")); err != nil || !strings.Contains(says, "4:\x01four") {
		t.Errorf("%q, %v", says, err)
	}
	l = openLogWith(t, dir, testRing("b", "a")) // which seals the marker by b
	_ = l.Close()
	if _, err := logSays(dir, testRing("b")); !errors.Is(err, atrest.ErrNoKey) || !strings.Contains(err.Error(), "entry 1") || !strings.Contains(err.Error(), "key a") {
		t.Errorf("without the key before: %v", err)
	}
	if err := SealFolder(ctx, dir, &atrest.Change{Ring: testRing("b", "a")}, nil); err != nil {
		t.Fatal(err)
	}
	if says, err := logSays(dir, testRing("b")); err != nil || !strings.Contains(says, "3:\x01three 4:\x01four j-1:page one") {
		t.Errorf("sealed anew: %q, %v", says, err)
	}
}

// Whatever byte of a small ledger is changed, or wherever a file is cut: an error,
// or what was written, perhaps without the last entry, which may be what was being
// written when the power went away.
func TestSealedLogDamage(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "log")
	ring := testRing("a")
	makeLog(t, dir, ring)
	whole := allFiles(t, sealedfolder.SealedDir(dir))
	var torn int
	check := func(path, how string, changed []byte) {
		if err := os.WriteFile(path, changed, 0o600); err != nil {
			t.Fatal(err)
		}
		defer os.WriteFile(path, whole[path], 0o600)
		switch says, err := logSays(dir, ring); {
		case err != nil, says == someLog:
		case says == strings.Replace(someLog, " 3:\x01three", "", 1) && strings.HasPrefix(filepath.Base(path), logPrefix):
			torn++
		default:
			t.Errorf("%s, %s: %q", filepath.Base(path), how, says)
		}
	}
	for path, content := range whole {
		for at := range content {
			changed := bytes.Clone(content)
			changed[at] ^= 1 << (at % 8)
			check(path, fmt.Sprint("byte ", at), changed)
			if cut := content[:at]; at%5 == 0 && !strings.HasPrefix(filepath.Base(path), logPrefix) {
				check(path, fmt.Sprint("cut at ", at), cut)
			}
		}
	}
	if torn == 0 {
		t.Error("the last entry was never taken for what was being written")
	}
}

// An entry or a page stands for nothing but itself: not in another's place, not in
// another ledger, and not when its checksum was made right.
func TestSealedLogMoved(t *testing.T) {
	root := t.TempDir()
	ring := testRing("a")
	here, there := filepath.Join(root, "here"), filepath.Join(root, "there")
	makeLog(t, here, ring)
	makeLog(t, there, ring)
	const first, page = "log-00000000000000000001", "page-j-1"
	file := func(dir, name string) string { return filepath.Join(sealedfolder.SealedDir(dir), name) }
	whole := allFiles(t, root)
	entries := func() (list [][]byte) {
		_, err := readEntries(bytes.NewReader(whole[file(here, first)]), 1, func(_ uint64, e []byte) error {
			list = append(list, bytes.Clone(e))
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return list
	}()
	for name, change := range map[string]func() (string, []byte){
		"the log of another ledger": func() (string, []byte) { return file(here, first), whole[file(there, first)] },
		"a page of another ledger":  func() (string, []byte) { return file(here, page), whole[file(there, page)] },
		"another page":              func() (string, []byte) { return file(here, page), whole[file(here, "page-m-1")] },
		"another entry": func() (string, []byte) {
			return file(here, first), appendFrame(appendFrame(appendFrame(nil, 1, entries[0]), 2, entries[2]), 3, entries[1])
		},
		"an entry twice": func() (string, []byte) {
			return file(here, first), appendFrame(bytes.Clone(whole[file(here, first)]), 4, entries[2])
		},
		"a plain entry": func() (string, []byte) {
			return file(here, first), appendFrame(bytes.Clone(whole[file(here, first)]), 4, []byte("\x01four"))
		},
		"a plain page":                   func() (string, []byte) { return file(here, page), appendPage(nil, []byte("page one")) },
		"the marker of another ledger":   func() (string, []byte) { return file(here, "sealed"), whole[file(there, "sealed")] },
		"an entry cut, its checksum new": func() (string, []byte) { return file(here, first), appendFrame(nil, 1, entries[0][:len(entries[0])-1]) },
	} {
		path, content := change()
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		if says, err := logSays(here, ring); !errors.Is(err, atrest.ErrDamaged) {
			t.Errorf("%s: %q, %v", name, says, err)
		}
		if now, err := os.ReadFile(path); err != nil || !bytes.Equal(now, content) {
			t.Errorf("%s: it was changed", name)
		}
		if err := os.WriteFile(path, whole[path], 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Remove(file(here, "sealed")); err != nil {
		t.Fatal(err)
	}
	if _, err := logSays(here, ring); err == nil || !strings.Contains(err.Error(), "is missing") {
		t.Errorf("without its marker: %v", err)
	}
}

var errKilled = errors.New("killed")

// SealFolder goes from each way of being kept to each other one. Wherever it is
// ended, nothing that opens says anything else, and the next one, be it the same or
// the opposite, ends what it has begun.
func TestSealFolder(t *testing.T) {
	ways := map[string]struct {
		open   *atrest.Ring
		change *atrest.Change
	}{
		"plain":   {nil, &atrest.Change{Ring: testRing("b", "a"), Plain: true}},
		"sealed":  {testRing("a"), &atrest.Change{Ring: testRing("a")}},
		"another": {testRing("b"), &atrest.Change{Ring: testRing("b", "a")}},
	}
	for from := range ways {
		for to := range ways {
			if from == "another" && to == "sealed" {
				continue
			}
			for kill := 0; ; kill++ {
				dir := filepath.Join(t.TempDir(), "log")
				makeLog(t, dir, ways[from].open)
				steps := 0
				err := sealFolder(ctx, dir, ways[to].change, nil, func() error {
					if steps++; steps > kill {
						return errKilled
					}
					return nil
				})
				if err != nil && !errors.Is(err, errKilled) {
					t.Fatalf("%s to %s: %v", from, to, err)
				}
				for name, way := range ways {
					if says, err := logSays(dir, way.open); err == nil && says != someLog {
						t.Fatalf("%s to %s, ended at step %d, opened as %s: %q", from, to, kill, name, says)
					}
				}
				next := to
				if kill%2 == 1 {
					next = "plain"
				}
				var done, all int64
				if err := SealFolder(ctx, dir, ways[next].change, func(d, a int64) { done, all = d, a }); err != nil || done != all {
					t.Fatalf("%s to %s, ended at step %d, then to %s: %d of %d, %v", from, to, kill, next, done, all, err)
				}
				if says, err := logSays(dir, ways[next].open); err != nil || says != someLog {
					t.Fatalf("%s to %s, ended at step %d, then to %s: %q, %v", from, to, kill, next, says, err)
				}
				if err == nil {
					if from != to && kill < 10 {
						t.Errorf("%s to %s: only %d steps", from, to, kill)
					}
					break
				}
			}
		}
	}
}

// What is torn at the end is cut off before a log is rewritten, as at a start; what
// is damaged is not rewritten, and stays.
func TestSealFolderMends(t *testing.T) {
	eachForm(t, func(t *testing.T, ring *atrest.Ring) {
		dir := filepath.Join(t.TempDir(), "log")
		makeLog(t, dir, ring)
		l := openLogWith(t, dir, ring)
		path, change := l.path(1), &atrest.Change{Ring: testRing("b", "a"), Plain: ring != nil}
		_ = l.Close()
		whole, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		damaged := bytes.Clone(whole)
		damaged[20] ^= 1
		if err := os.WriteFile(path, damaged, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := SealFolder(ctx, dir, change, nil); err == nil {
			t.Error("damaged: nothing is said")
		}
		if now, err := os.ReadFile(path); err != nil || !bytes.Equal(now, damaged) {
			t.Error("what is damaged was changed")
		}
		if err := os.WriteFile(path, whole[:len(whole)-3], 0o600); err != nil {
			t.Fatal(err)
		}
		if err := SealFolder(ctx, dir, change, nil); err != nil {
			t.Fatal(err)
		}
		if change.Plain {
			ring = nil
		} else {
			ring = change.Ring
		}
		if says, err := logSays(dir, ring); err != nil || says != strings.Replace(someLog, " 3:\x01three", "", 1) {
			t.Errorf("%q, %v", says, err)
		}
		open := openLogWith(t, dir, ring)
		if err := SealFolder(ctx, dir, change, nil); !errors.Is(err, ErrFenced) {
			t.Errorf("while it is open: %v", err)
		}
		_ = open.Close()
	})
}
