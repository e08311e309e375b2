package fleet_test

import (
	"testing"

	"freshet/internal/bustest"
	"freshet/internal/wiretest"
)

// TestMain fails the run when a test left goroutines or descriptors behind.
func TestMain(m *testing.M) { wiretest.Main(m, bustest.Abandoned...) }
