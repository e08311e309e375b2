package app

import (
	"context"
	"runtime"
	"runtime/debug"
	"time"
)

// givingBack is how often an idle server gives back memory, and smallHeap how much it
// may have by then: one with more is at work, and would need it again.
const (
	givingBack = 30 * time.Second
	smallHeap  = 16 << 20
)

// giveBack returns to the system what nobody uses any more, first of all what the
// start took. Go does so by itself where memory is used; where nearly none is, after
// many minutes. One that has collected more than once since the last time is at work.
func giveBack(ctx context.Context, small uint64) {
	ticks := time.NewTicker(givingBack)
	defer ticks.Stop()
	var collected uint32
	for first := true; ; first = false {
		select {
		case <-ticks.C:
		case <-ctx.Done():
			return
		}
		var is runtime.MemStats
		runtime.ReadMemStats(&is)
		byItself := is.NumGC - is.NumForcedGC
		if is.HeapAlloc < small && (first || byItself-collected <= 1) {
			debug.FreeOSMemory()
		}
		collected = byItself
	}
}
