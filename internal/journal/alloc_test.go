//go:build !race

package journal

import (
	"testing"

	"freshet/internal/alloctest"
	"freshet/internal/record"
)

func TestAllocs(t *testing.T) {
	j := New(Options{Records: 64})
	hot := full()
	cold := full()
	cold.Detail = &record.Detail{Key: "https a.example/"}
	for name, r := range map[string]*record.Record{"hot": &hot, "cold": &cold} {
		if n := alloctest.PerRun(1000, func() { j.Record(r) }); n != 0 {
			t.Errorf("Record of a %s request: %v allocations", name, n)
		}
	}
}
