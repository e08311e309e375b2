package fleet

import (
	"log/slog"
	"path/filepath"
	"testing"

	"freshet/jobs"
)

// Limits outlive the queues that keep to them, and hold none that is closed.
func TestLimitsOfClosed(t *testing.T) {
	l := NewLimits(map[string]int{"p": 1}, nil)
	o := Options{Dir: filepath.Join(t.TempDir(), "jobs"), Name: "here", Tasks: 1, Limits: l, ErrorLog: slog.New(slog.DiscardHandler)}
	for _, limit := range []int{1, 2} {
		n, err := Open(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := n.scheduler.Submit(t.Context(), jobs.Spec{Command: []string{"true"}, Pool: "p", Needs: map[string]string{"nobody": ""}}); err != nil {
			t.Fatal(err)
		}
		page, err := n.scheduler.Jobs(t.Context(), jobs.Filter{})
		if err != nil || len(page.Pools) != 1 || page.Pools[0].Limit != limit {
			t.Errorf("%+v %v, want a limit of %d", page.Pools, err, limit)
		}
		if l.queue != n.scheduler {
			t.Error("it would not hear of other limits")
		}
		if err := n.Close(); err != nil {
			t.Fatal(err)
		}
		if l.queue != nil {
			t.Error("a queue is kept that is closed")
		}
		l.Set(map[string]int{"p": 2}, nil) // for the next one
	}
	a, b := &jobs.Scheduler{}, &jobs.Scheduler{}
	l.queue = b
	if l.drop(a); l.queue != b {
		t.Error("the one that was opened meanwhile is dropped")
	}
}
