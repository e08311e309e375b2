package fleet

import (
	"runtime"
	"runtime/metrics"
	"time"

	"freshet/internal/worker"
)

// measured is a report with what every machine can say of itself. dir is the
// folder whose disk it is about; "": none.
func measured(dir string) Report {
	r := Report{Processors: runtime.NumCPU()}
	measure(&r)
	r.Disk = diskOf(dir)
	if r.Memory.Ours == 0 {
		r.Memory.Ours = heap()
	}
	return r
}

// heap is what the runtime has of the machine's memory, where the system does
// not say what the process has.
func heap() int64 {
	sample := []metrics.Sample{{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}}
	metrics.Read(sample)
	return int64(sample[0].Value.Uint64() - sample[1].Value.Uint64())
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
