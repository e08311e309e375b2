//go:build !race

package metrics

import (
	"testing"
	"time"

	"freshet/internal/alloctest"
)

// Recording and the work of each second leave nothing to the garbage collector.
func TestAllocs(t *testing.T) {
	m := New(Options{})
	m.AddGauge(Gauge{Name: Connections, Value: func() float64 { return 1 }})
	r := hot(1)
	if n := alloctest.PerRun(1000, func() { m.Record(r) }); n != 0 {
		t.Errorf("Record: %v allocations", n)
	}
	now := noon
	if n := alloctest.PerRun(200, func() {
		now = now.Add(time.Second)
		m.Tick(now)
	}); n != 0 {
		t.Errorf("Tick: %v allocations", n)
	}
	points := make([]Point, 0, 4000)
	if n := alloctest.PerRun(10, func() { points = m.Series(Seconds, noon, now, points[:0]) }); n != 0 {
		t.Errorf("Series: %v allocations", n)
	}
}
