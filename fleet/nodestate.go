package fleet

import (
	"runtime"
	"time"

	"freshet/internal/machine"
	"freshet/internal/worker"
)

// measured is a report with what every machine can say of itself. dir is the
// folder whose disk it is about; "": none.
func measured(dir string) Report {
	r := Report{Processors: runtime.NumCPU()}
	if load, ok := machine.Load(); ok {
		r.Load = &load
	}
	r.Memory.Total, r.Memory.Available = machine.Memory()
	r.Memory.Ours = machine.Resident()
	if total, free, ok := machine.Disk(dir); ok {
		r.Disk = &Disk{Total: total, Free: free}
	}
	return r
}

// tasksOf says what a worker does. stays: it was told to drain, and does not end.
func tasksOf(w *worker.Worker, stays bool) *Tasks {
	s, offer := w.Status(), w.Offer()
	t := &Tasks{State: StateWorking, Running: len(s.Held), Capacity: offer.Capacity, Labels: offer.Labels, Pools: offer.Pools}
	switch {
	case (s.Draining || stays) && len(s.Held) > 0:
		t.State = StateDraining
	case s.Draining || stays:
		t.State = StateDrained
	case s.Locked:
		t.State = StateLocked
	case !s.Quarantined.IsZero():
		t.State, t.Until, t.Why = StateQuarantined, s.Quarantined.Truncate(time.Millisecond), s.Fault
	}
	return t
}
