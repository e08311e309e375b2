package alloctest

import "testing"

var kept []byte

func TestPerRun(t *testing.T) {
	calls := 0
	if n := PerRun(100, func() { calls++ }); n != 0 || calls == 0 {
		t.Errorf("%v allocations in %d calls of what allocates nothing", n, calls)
	}
	if n := PerRun(100, func() { kept = make([]byte, 10) }); n != 1 && !raceEnabled {
		t.Errorf("%v allocations of what allocates once", n)
	}
	// What happens beside a path is not the path's.
	first := true
	if n := PerRun(10, func() {
		if first {
			first = false
			return
		}
		if calls++; calls < 150 {
			kept = make([]byte, 10)
		}
	}); n != 0 {
		t.Errorf("%v allocations of what allocated only at first", n)
	}
}
