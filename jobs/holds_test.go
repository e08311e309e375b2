package jobs

import (
	"errors"
	"testing"
)

// Whose a task is, a scheduler knows that has begun after the claim, of many tasks,
// and after its end: what a worker says again is not refused.
func TestHolds(t *testing.T) {
	log := newMemLog()
	s := start(t, log, Options{})
	const n = maxRunning + 10
	submit(t, s, Spec{Array: Range(1, n)})
	var held []*Task
	for range n {
		held = append(held, claim(t, s, Worker{Node: "a"}))
	}
	s = start(t, log.copy(), Options{})
	if list, err := s.Leases(ctx, "a"); err != nil || len(list) != n {
		t.Errorf("%d leases, %v", len(list), err)
	}
	if list, err := s.Leases(ctx, "b"); err != nil || len(list) != 0 {
		t.Errorf("of another: %v, %v", list, err)
	}
	for _, task := range held {
		if running, err := s.Holds(ctx, "a", task.Lease); err != nil || !running {
			t.Fatalf("task %d: %v %v", task.Task, running, err)
		}
	}
	l := held[0].Lease
	refused := func(name, worker string, l Lease) {
		t.Helper()
		if running, err := s.Holds(ctx, worker, l); !errors.Is(err, ErrLost) || running {
			t.Errorf("%s: %v %v", name, running, err)
		}
	}
	refused("another worker", "b", l)
	for name, change := range map[string]func(*Lease){
		"another job": func(l *Lease) { l.Job = "zzzzzzzzz" }, "no job": func(l *Lease) { l.Job = "?" }, "another task": func(l *Lease) { l.Task++ },
		"another token": func(l *Lease) { l.Token++ }, "another attempt": func(l *Lease) { l.Attempt++ },
	} {
		other := l
		change(&other)
		refused(name, "a", other)
	}
	finish(t, s, held[0], Result{})
	if running, err := s.Holds(ctx, "a", l); err != nil || running {
		t.Errorf("when it is over: %v %v", running, err)
	}
	lost := held[1]
	finish(t, s, lost, Result{Lost: true})
	claim(t, s, Worker{Node: "a"})
	refused("it has run again", "a", lost.Lease)
}
