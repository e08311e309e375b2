package fleet

import (
	"bytes"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"freshet/internal/atrest"
	"freshet/jobs"
)

// Where there is no NATS nobody opens a folder of jobs before all of it is
// rewritten, also if there is no log yet.
func TestSealFolderLocksLog(t *testing.T) {
	for name, withLog := range map[string]bool{"with a log": true, "without one": false} {
		t.Run(name, func(t *testing.T) {
			dir := makeKept(t, nil)
			log := filepath.Join(dir, "log")
			if withLog {
				l, err := jobs.OpenFileLog(log)
				if err != nil {
					t.Fatal(err)
				}
				if err := l.Close(); err != nil {
					t.Fatal(err)
				}
			}
			steps := 0
			err := sealFolder(t.Context(), dir, &atrest.Change{Ring: ringOf("a")}, nil, func() error {
				steps++
				for _, ring := range []*atrest.Ring{nil, ringOf("a")} {
					l, err := jobs.OpenSealedFileLog(log, ring)
					if !errors.Is(err, jobs.ErrFenced) {
						t.Errorf("step %d: %v", steps, err)
					}
					if err == nil {
						_ = l.Close()
					}
				}
				if err := SealFolder(t.Context(), dir, &atrest.Change{Ring: ringOf("a")}, nil); !errors.Is(err, ErrInUse) {
					t.Errorf("step %d, another one: %v", steps, err)
				}
				return nil
			})
			if err != nil || steps < 10 {
				t.Fatalf("%d steps, %v", steps, err)
			}
			l, err := jobs.OpenSealedFileLog(log, ringOf("a"))
			if err != nil {
				t.Fatal(err)
			}
			_ = l.Close()
		})
	}
}

// A file that is none of ours, in whichever part, is found before anything is moved.
func TestSealFolderForeign(t *testing.T) {
	for _, in := range []string{"log", "logs", "outputs", "inputs"} {
		dir := makeKept(t, nil)
		l, err := jobs.OpenFileLog(filepath.Join(dir, "log"))
		if err != nil {
			t.Fatal(err)
		}
		_, err = l.Append(t.Context(), 0, []byte("\x01one"))
		foreign := filepath.Join(dir, in, "zz-notes.txt")
		if err := errors.Join(err, l.Close(), os.WriteFile(foreign, []byte("a note"), 0o600)); err != nil {
			t.Fatal(err)
		}
		before := filesBelow(t, dir)
		if err := SealFolder(t.Context(), dir, &atrest.Change{Ring: ringOf("a")}, nil); err == nil || !strings.Contains(err.Error(), foreign) {
			t.Errorf("%s: %v", in, err)
		}
		if after := filesBelow(t, dir); !maps.EqualFunc(before, after, bytes.Equal) {
			t.Errorf("%s: something was changed", in)
		}
	}
}
