package jobs

import "context"

// Totals are sizes of a queue, with the bounds that hold for them.
type Totals struct {
	Jobs        Counts `json:"jobs"`  // by state
	Tasks       Counts `json:"tasks"` // of all jobs, by state
	MaxJobs     int    `json:"max_jobs"`
	Bytes       int64  `json:"bytes"` // of all specs
	MaxBytes    int64  `json:"max_bytes"`
	Waiting     int    `json:"waiting"` // claims
	MaxWaiting  int    `json:"max_waiting"`
	Watching    int    `json:"watching"`
	MaxWatching int    `json:"max_watching"`
	Classes     int    `json:"classes"` // combinations of priority, owner, pool, kind and needs
	MaxClasses  int    `json:"max_classes"`
	Entry       uint64 `json:"entry"`     // the log's last
	NotPaged    int    `json:"not_paged"` // entries since pages were last begun to be written
}

// Totals are the queue's sizes now.
func (s *Scheduler) Totals(ctx context.Context) (Totals, error) {
	var t Totals
	err := s.look(ctx, func() error {
		o := &s.options
		t = Totals{
			Jobs: s.m.jobs, Tasks: s.m.tasks, MaxJobs: o.MaxJobs, Bytes: s.m.specBytes, MaxBytes: o.MaxBytes,
			Waiting: s.waiters.n, MaxWaiting: o.MaxWaiting, Watching: s.watching, MaxWatching: o.MaxWatching,
			Classes: len(s.m.classes), MaxClasses: o.MaxClasses, Entry: s.last, NotPaged: s.pages.entries,
		}
		return nil
	})
	if err != nil {
		return Totals{}, err
	}
	return t, nil
}
