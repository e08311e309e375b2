package jobs

import (
	"errors"
	"path/filepath"
	"testing"

	"freshet/internal/atrest"
)

// A kill on the way to plain leaves a part of what is plain; a start with the key
// removes it.
func TestSealFolderLeavesNothingPlain(t *testing.T) {
	ring := testRing("a")
	left := false
	for kill := range 12 {
		dir := filepath.Join(t.TempDir(), "log")
		makeLog(t, dir, ring)
		steps := 0
		err := sealFolder(ctx, dir, &atrest.Change{Ring: ring, Plain: true}, nil, func() error {
			if steps++; steps > kill {
				return errKilled
			}
			return nil
		})
		if !errors.Is(err, errKilled) {
			t.Fatalf("ended at step %d: %v", kill, err)
		}
		plain := func() (n int) {
			for path := range allFiles(t, dir) {
				if filepath.Base(path) != "lock" {
					n++
				}
			}
			return n
		}
		before := plain()
		says, err := logSays(dir, ring)
		if err != nil {
			continue
		}
		left = left || before > 0
		if n := plain(); n > 0 || says != someLog {
			t.Errorf("ended at step %d: %d plain files are left, and it says %q", kill, n, says)
		}
	}
	if !left {
		t.Error("no kill left anything")
	}
}
