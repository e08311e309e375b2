package fleet

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"freshet/internal/atrest"
	"freshet/internal/worker"
	"freshet/jobs"
)

// threeParts is a folder with a text of three parts, the file of the text, and where
// its parts begin in that.
func threeParts(t *testing.T) (dir, path string, whole []byte, at []int64) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "jobs")
	l, err := OpenLogs(filepath.Join(dir, "logs"), ringOf("a"), nil)
	if err != nil {
		t.Fatal(err)
	}
	path, _ = l.path(keptJob, 1)
	for _, line := range []string{"one", "two", "three"} {
		if info, err := os.Stat(path); err == nil {
			at = append(at, info.Size())
		} else {
			at = append(at, 0)
		}
		if err := appendLine(t, l, line); err != nil {
			t.Fatal(err)
		}
	}
	if whole, err = os.ReadFile(path); err != nil {
		t.Fatal(err)
	}
	return dir, path, whole, at
}

func appendLine(t *testing.T, l *Logs, line string) error {
	return l.Append(t.Context(), jobs.Lease{Job: keptJob, Task: 1, Attempt: 1}, []worker.Line{{Text: []byte(line)}})
}

// allOf reads a text from its beginning, to its end or an error.
func allOf(t *testing.T, dir string, ring *atrest.Ring) (all string, err error) {
	t.Helper()
	l, err := OpenLogs(filepath.Join(dir, "logs"), ring, nil)
	if err != nil {
		t.Fatal(err)
	}
	for next := int64(0); ; {
		b, behind, err := l.Read(keptJob, 1, next, 1000)
		if err != nil || len(b) == 0 {
			return all, err
		}
		all, next = all+string(b), behind
	}
}

// A part that is damaged before others ends nothing: what is before it is read, then
// comes an error, and SealFolder leaves the text as it is.
func TestTextDamagedBefore(t *testing.T) {
	for name, damage := range map[string]func(whole []byte, two int64){
		"its length":       func(whole []byte, two int64) { whole[two+1] ^= 1 },
		"a longer length":  func(whole []byte, two int64) { whole[two+2] ^= 1 },
		"a shorter length": func(whole []byte, two int64) { whole[two+3] -= 2 },
		"no length":        func(whole []byte, two int64) { clear(whole[two:][:textHead]) },
		"its head":         func(whole []byte, two int64) { whole[two+textHead] ^= 1 },
		"its tag":          func(whole []byte, two int64) { whole[two+50] ^= 1 },
	} {
		t.Run(name, func(t *testing.T) {
			dir, path, whole, at := threeParts(t)
			damaged := bytes.Clone(whole)
			damage(damaged, at[1])
			if err := os.WriteFile(path, damaged, 0o600); err != nil {
				t.Fatal(err)
			}
			if got, err := allOf(t, dir, ringOf("a")); got != "one\n" || !errors.Is(err, atrest.ErrDamaged) {
				t.Errorf("%q, %v", got, err)
			}
			for _, change := range []*atrest.Change{{Ring: ringOf("a"), Plain: true}, {Ring: ringOf("b", "a")}} {
				if err := SealFolder(t.Context(), dir, change, nil); !errors.Is(err, atrest.ErrDamaged) {
					t.Errorf("SealFolder: %v", err)
				}
			}
			if now, err := os.ReadFile(path); err != nil || !bytes.Equal(now, damaged) {
				t.Errorf("it was changed: %v", err)
			}
		})
	}
}

// What the disk had of a text when the power went away ends in zeros: in the length
// of a part, behind it, or in the last bytes that it got. What is whole before that
// is read; who writes next, and SealFolder, leave the rest out.
func TestTextAfterLossOfPower(t *testing.T) {
	_, _, whole, at := threeParts(t)
	size := int64(len(whole))
	for name, c := range map[string]struct {
		from, size int64
		want       string
	}{
		"a page behind":              {size, size + 4096, "one\ntwo\nthree\n"},
		"all of the last":            {at[2], size, "one\ntwo\n"},
		"behind the length":          {at[2] + textHead, size, "one\ntwo\n"},
		"in the head":                {at[2] + textHead + 20, size, "one\ntwo\n"},
		"the last bytes":             {size - 8, size, "one\ntwo\n"},
		"the last bytes, and behind": {size - 8, size + 4096, "one\ntwo\n"},
		"from the second on":         {at[1] + 50, size, "one\n"},
		"of the first, and all":      {at[0] + 50, size, ""},
	} {
		for _, next := range []string{"append", "plain", "sealed"} {
			t.Run(name+", "+next, func(t *testing.T) {
				dir, path, whole, _ := threeParts(t)
				lost := make([]byte, c.size)
				copy(lost, whole[:min(c.from, size)])
				if err := os.WriteFile(path, lost, 0o600); err != nil {
					t.Fatal(err)
				}
				if got, err := allOf(t, dir, ringOf("a")); got != c.want || err != nil && !errors.Is(err, atrest.ErrDamaged) {
					t.Errorf("before: %q, %v", got, err)
				}
				ring, want := ringOf("b", "a"), c.want
				switch next {
				case "append":
					l, err := OpenLogs(filepath.Join(dir, "logs"), ring, nil)
					if err != nil {
						t.Fatal(err)
					}
					for range 2 {
						if err := appendLine(t, l, "more"); err != nil {
							t.Fatal(err)
						}
					}
					if want != "" {
						want += "-- run 1\n"
					}
					want += "more\nmore\n"
				case "plain":
					if err := SealFolder(t.Context(), dir, &atrest.Change{Ring: ring, Plain: true}, nil); err != nil {
						t.Fatal(err)
					}
					ring = nil
				case "sealed":
					if err := SealFolder(t.Context(), dir, &atrest.Change{Ring: ring}, nil); err != nil {
						t.Fatal(err)
					}
				}
				if got, err := allOf(t, dir, ring); err != nil || got != want {
					t.Errorf("%q, %v", got, err)
				}
			})
		}
	}
}

// A text in the place of another one is not cut, and one whose last part needs a key
// that is not there neither.
func TestTextNotCut(t *testing.T) {
	dir, path, _, _ := threeParts(t)
	_, _, other, _ := threeParts(t)
	if err := os.WriteFile(path, other, 0o600); err != nil {
		t.Fatal(err)
	}
	l, err := OpenLogs(filepath.Join(dir, "logs"), ringOf("b", "a"), nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := appendLine(t, l, "more"); !errors.Is(err, atrest.ErrDamaged) {
		t.Errorf("behind another text: %v", err)
	}
	if err := SealFolder(t.Context(), dir, &atrest.Change{Ring: ringOf("b", "a")}, nil); !errors.Is(err, atrest.ErrDamaged) {
		t.Errorf("SealFolder of another text: %v", err)
	}
	if now, err := os.ReadFile(path); err != nil || !bytes.Equal(now, other) {
		t.Errorf("another text was changed: %v", err)
	}
	dir, path, whole, _ := threeParts(t)
	if _, err := OpenLogs(filepath.Join(dir, "logs"), ringOf("b", "a"), nil); err != nil { // its marker is of b then
		t.Fatal(err)
	}
	if l, err = OpenLogs(filepath.Join(dir, "logs"), ringOf("b"), nil); err != nil {
		t.Fatal(err)
	}
	if err := appendLine(t, l, "more"); err != nil {
		t.Fatal(err)
	}
	if now, err := os.ReadFile(path); err != nil || !bytes.HasPrefix(now, whole) {
		t.Errorf("without its key it was cut: %v", err)
	}
}

// A file that cannot be looked at is an error of what is appended.
func TestEndOfAFileThatFails(t *testing.T) {
	l, err := OpenLogs(t.TempDir(), testRing(), nil)
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.Create(filepath.Join(t.TempDir(), "f"))
	if err = errors.Join(err, f.Close()); err != nil {
		t.Fatal(err)
	}
	if _, err := l.endOf(taskOf{"j", 1}, f); !errors.Is(err, os.ErrClosed) {
		t.Error(err)
	}
}
