package app

import (
	"math"
	"runtime"
	"testing"
	"testing/synctest"
	"time"
)

func TestGiveBack(t *testing.T) {
	forced := func() uint32 {
		var is runtime.MemStats
		runtime.ReadMemStats(&is)
		return is.NumForcedGC
	}
	for _, c := range []struct {
		small uint64
		gives bool
	}{{math.MaxUint64, true}, {0, false}} {
		synctest.Test(t, func(t *testing.T) {
			before := forced()
			go giveBack(t.Context(), c.small)
			time.Sleep(givingBack - time.Nanosecond)
			synctest.Wait()
			if forced() != before {
				t.Error("memory is given back at once")
			}
			time.Sleep(time.Nanosecond)
			synctest.Wait()
			if gave := forced() > before; gave != c.gives {
				t.Errorf("a heap is small below %d: given back %t", c.small, gave)
			}
			before = forced()
			time.Sleep(givingBack)
			synctest.Wait()
			if gave := forced() > before; gave != c.gives {
				t.Errorf("a heap is small below %d: given back once more %t", c.small, gave)
			}
			before = forced()
			for range 3 {
				work()
			}
			time.Sleep(givingBack)
			synctest.Wait()
			if forced() > before {
				t.Error("a server that collects by itself gives back memory")
			}
		})
	}
}

// work makes garbage until it was collected.
func work() {
	collected := func() uint32 {
		var is runtime.MemStats
		runtime.ReadMemStats(&is)
		return is.NumGC - is.NumForcedGC
	}
	for before := collected(); collected() == before; {
		garbage = make([]byte, 1<<20)
	}
}

var garbage []byte
