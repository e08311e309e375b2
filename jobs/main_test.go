package jobs

import (
	"os"
	"testing"

	"freshet/internal/wiretest"
)

// TestMain fails the run when a test left goroutines or descriptors behind.
func TestMain(m *testing.M) {
	if dir := os.Getenv(killFolder); dir != "" {
		killChild(dir)
		return
	}
	wiretest.Main(m)
}
