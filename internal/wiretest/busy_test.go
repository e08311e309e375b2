package wiretest

import (
	"runtime"
	"testing"
	"time"
)

func TestBusy(t *testing.T) {
	worked := 0
	if took := Busy(func() {
		for begun := time.Now(); time.Since(begun) < 50*time.Millisecond; worked++ {
		}
	}); took <= 0 || took > time.Minute {
		t.Errorf("%v for %d rounds", took, worked)
	}
	if runtime.GOOS != "linux" {
		return
	}
	if took := Busy(func() { time.Sleep(200 * time.Millisecond) }); took >= 200*time.Millisecond {
		t.Errorf("%v for a sleep", took)
	}
}
