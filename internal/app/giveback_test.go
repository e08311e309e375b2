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
			time.Sleep(settling - 1)
			synctest.Wait()
			if forced() != before {
				t.Error("memory is given back at once")
			}
			time.Sleep(1)
			synctest.Wait()
			if gave := forced() > before; gave != c.gives {
				t.Errorf("a heap is small below %d: given back %t", c.small, gave)
			}
		})
	}
}
