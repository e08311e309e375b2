package fastcgi_test

import (
	"os"
	"testing"

	"freshet/internal/wiretest"
)

// TestMain fails the run when a test left goroutines or descriptors behind. With
// FASTCGI_TEST_WORKER the binary is a worker instead.
func TestMain(m *testing.M) {
	if mode := os.Getenv("FASTCGI_TEST_WORKER"); mode != "" {
		work(mode)
		return
	}
	wiretest.Main(m)
}
