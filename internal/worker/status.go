package worker

import (
	"slices"
	"time"

	"freshet/jobs"
)

// Status is what a worker is doing.
type Status struct {
	Locked   bool // by Lock
	Draining bool
	// Quarantined is when it claims again, after faults of its own; zero: it is
	// not in quarantine. Fault is the last one.
	Quarantined time.Time
	Fault       string
	Held        []Held // the longest first
	Finished    uint64 // results that were told
	Gone        uint64 // leases that were lost, and tasks that were given back
}

// Held is a task that a worker has.
type Held struct {
	Lease    jobs.Lease
	Name     string // of the job
	Since    time.Time
	PID      int // 0: no program, or none yet
	Progress jobs.Progress
}

// Status returns what the worker is doing.
func (w *Worker) Status() Status {
	w.mu.Lock()
	defer w.mu.Unlock()
	s := Status{Locked: w.locked, Draining: w.draining, Finished: w.finished, Gone: w.gone, Fault: w.sick.why}
	if time.Now().Before(w.sick.until) {
		s.Quarantined = w.sick.until
	}
	for h := range w.held {
		s.Held = append(s.Held, Held{Lease: h.task.Lease, Name: h.task.Spec.Name, Since: h.since, PID: int(h.pid.Load()), Progress: h.progress.latest()})
	}
	slices.SortFunc(s.Held, func(a, b Held) int { return a.Since.Compare(b.Since) })
	return s
}

// Offer is what the queue is told of the worker.
func (w *Worker) Offer() jobs.Worker { return w.self() }
