package wiretest

import (
	"testing"
	"time"
)

// Longer is for what happens in time or not at all: try has to return nil for
// a limit that is short, so that the test is, or for one of the longer ones
// that are tried in turn. A machine that is busy takes any short time for
// itself; what is broken fails with every limit.
func Longer(t testing.TB, limit time.Duration, try func(limit time.Duration) error) {
	t.Helper()
	for ; ; limit *= 4 {
		err := try(limit)
		if err == nil {
			return
		}
		if limit > 5*time.Second {
			t.Fatal(err)
		}
		t.Logf("with a limit of %v: %v", limit, err)
	}
}
