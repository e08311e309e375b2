package fleet

import (
	"fmt"
	"log/slog"
	"testing"

	"freshet/internal/atrest"
	"freshet/jobs"
)

// BenchmarkQueue submits jobs to a queue that NATS keeps in this process, plain and
// sealed: one by one, and in batches; an operation is a submit, synced.
func BenchmarkQueue(b *testing.B) {
	for _, keys := range []struct {
		name string
		ring *atrest.Ring
	}{{"plain", nil}, {"sealed", ringOf("a")}} {
		for _, batch := range []int{1, 100} {
			b.Run(fmt.Sprintf("%s/%d", keys.name, batch), func(b *testing.B) {
				n, err := Open(b.Context(), Options{Dir: b.TempDir(), Tasks: 1, Ring: keys.ring, ErrorLog: slog.New(slog.DiscardHandler)})
				if err != nil {
					b.Fatal(err)
				}
				specs := make([]jobs.Spec, batch)
				for i := range specs {
					specs[i] = jobs.Spec{Command: []string{"true", "--scene", "/srv/scenes/forest.blend"}, Needs: map[string]string{"nobody": ""}}
				}
				b.ResetTimer()
				for b.Loop() {
					if _, err := n.Queue().Submit(b.Context(), specs...); err != nil {
						b.Fatal(err)
					}
				}
				b.StopTimer()
				if err := n.Close(); err != nil {
					b.Fatal(err)
				}
			})
		}
	}
}
