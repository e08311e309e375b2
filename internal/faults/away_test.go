//go:build linux

package faults

import (
	"flag"
	"os"
	"syscall"
	"testing"
	"time"

	"freshet/jobs"
)

var away = flag.Duration("faults.away", 0, "how long a hub is away, as 25s: longer than a lease")

// TestHubAway kills the hub and starts it when all leases would be over: what runs
// on a worker meanwhile goes on, and none of it runs again.
func TestHubAway(t *testing.T) {
	if *away == 0 {
		t.Skip("only with -faults.away, as in make faults")
	}
	s := newShape(t, plan{workers: 1})
	until := time.Now().Add(*away + roundWithin)
	h := s.hold(t, "away", until)
	if err := s.hub.end(syscall.SIGKILL); err == nil {
		t.Error("it has ended before")
	}
	time.Sleep(*away)
	if _, err := s.hub.start(); err != nil {
		t.Fatal(err)
	}
	// The hub's own run again when their leases are over: then the worker has beaten.
	for again := 0; again < atOnce/2; time.Sleep(100 * time.Millisecond) {
		again = 0
		for _, task := range h.tasks(t) {
			if task.Attempt == 2 && task.State == jobs.Running {
				again++
			}
		}
		if time.Now().After(until) {
			t.Fatalf("%+v", h.tasks(t))
		}
	}
	for _, task := range h.tasks(t) {
		if (task.Worker == "worker-1") != (task.Attempt == 1) {
			t.Errorf("the hub was away for %v: %+v", *away, task)
		}
	}
	if err := os.WriteFile(h.gate, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	s.succeeds(t, h.job, until)
	if more := s.verify(t, []jobs.ID{h.job}, atOnce); more != atOnce/2 {
		t.Errorf("%d tasks have run again, and the hub had %d", more, atOnce/2)
	}
}
