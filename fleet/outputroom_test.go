package fleet

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"freshet/jobs"
)

// What tasks made is bounded, over starts too, and there is room again when jobs
// are forgotten; here, and where it is kept elsewhere.
func TestOutputRoom(t *testing.T) {
	for _, where := range []string{"here", "elsewhere"} {
		t.Run(where, func(t *testing.T) {
			dir, there := t.TempDir(), newFake()
			open := func() *Outputs {
				t.Helper()
				var away *elsewhere
				if where == "elsewhere" {
					away = elsewhereOf(t, there)
				}
				o, err := OpenOutputs(dir, 10, away)
				if err != nil {
					t.Fatal(err)
				}
				return o
			}
			o := open()
			fits := func(job jobs.ID, name, content string, want bool) {
				t.Helper()
				err := o.give(t, job, 1, 1, name, content)
				if want != (err == nil) || !want && (!errors.Is(err, jobs.ErrFull) || !strings.Contains(err.Error(), "--job-outputs")) {
					t.Errorf("%s %s: %v", job, name, err)
				}
			}
			fits("j", "a", "12345", true)
			fits("j", "b", "123456", false)
			fits("j", "a", "54321", true) // the same file once more
			fits("k", "a", "1234", true)
			fits("k", "b", "12", false)
			fits("k", "b", "1", true)
			fits("k", "empty", "", true)
			making := []jobs.Spec{{}, {Outputs: []string{"*"}}}
			if err := o.room.check(making); !errors.Is(err, jobs.ErrFull) {
				t.Errorf("a job that makes files: %v", err)
			}
			if err := o.room.check(making[:1]); err != nil {
				t.Errorf("a job that makes none: %v", err)
			}
			if where == "here" {
				// Left by a process that was killed.
				if err := os.WriteFile(filepath.Join(dir, "k", "1.1", ".freshet-x"), []byte("123"), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			o = open()
			fits("m", "a", "1", false)
			if err := o.forget("j"); err != nil {
				t.Fatal(err)
			}
			fits("m", "a", "123456", false)
			fits("m", "a", "12345", true)
			if err := errors.Join(o.forget("k"), o.forget("m"), o.forget("k")); err != nil {
				t.Fatal(err)
			}
			if r := o.room; r.all != 0 || r.coming != 0 || len(r.of) != 0 {
				t.Errorf("%d, %d on their way, of %v", r.all, r.coming, r.of)
			}
		})
	}
}
