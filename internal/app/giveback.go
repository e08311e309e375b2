package app

import (
	"context"
	"runtime"
	"runtime/debug"
	"time"
)

// settling is how long after its start a server gives back memory, and smallHeap how
// much it may have by then: one with more is at work, and would need it again.
const (
	settling  = 20 * time.Second
	smallHeap = 16 << 20
)

// giveBack returns to the system what the start took and nobody uses any more. Go
// does so by itself after minutes.
func giveBack(ctx context.Context, small uint64) {
	select {
	case <-time.After(settling):
	case <-ctx.Done():
		return
	}
	var is runtime.MemStats
	if runtime.ReadMemStats(&is); is.HeapAlloc < small {
		debug.FreeOSMemory()
	}
}
