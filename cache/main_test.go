package cache

import (
	"os"
	"testing"

	"freshet/internal/wiretest"
)

// TestMain fails the run when a test left goroutines or descriptors behind.
func TestMain(m *testing.M) {
	if dir := os.Getenv(killDir); dir != "" {
		serveUntilKilled(dir)
		return
	}
	if dir := os.Getenv(purgeKillDir); dir != "" {
		servePurges(dir)
		return
	}
	wiretest.Main(m)
}
