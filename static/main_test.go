package static

import (
	"flag"
	"os"
	"testing"

	"freshet/internal/wiretest"
)

// TestMain looks for leaks, but not while fuzzing: the fuzzer's own signal
// handler is a goroutine that stays.
func TestMain(m *testing.M) {
	flag.Parse()
	if flag.Lookup("test.fuzz").Value.String() != "" {
		os.Exit(m.Run())
	}
	wiretest.Main(m)
}
