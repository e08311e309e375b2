package worker

import (
	"context"
	"math/rand/v2"
	"time"

	"freshet/jobs"
)

// How long is waited after a call of the queue failed: the first time, and at
// most; each wait is between half of it and all.
const (
	firstPause = 250 * time.Millisecond
	lastPause  = 30 * time.Second
)

// pause is a wait that grows.
type pause struct{ next time.Duration }

// take returns how long to wait now.
func (p *pause) take() time.Duration {
	d := either(p.next, firstPause)
	p.next = min(2*d, lastPause)
	return d/2 + rand.N(d/2)
}

// wait waits; false: the context ended, or stop was closed, before.
func (p *pause) wait(ctx context.Context, stop <-chan struct{}) bool {
	t := time.NewTimer(p.take())
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
	case <-stop:
	}
	return false
}

// claim claims tasks while there is room and it may, and gives each to start,
// which calls release when it is over. It returns when ctx ends or Drain was
// called.
func (w *Worker) claim(ctx context.Context, start func(t *jobs.Task, release func())) {
	room := make(chan struct{}, w.o.Capacity)
	var failing pause
	for {
		select {
		case room <- struct{}{}:
		case <-ctx.Done():
			return
		case <-w.drain:
			return
		}
		claiming, cancel := w.mayClaim(ctx)
		if claiming == nil {
			return
		}
		t, err := w.o.Queue.Claim(claiming, w.self())
		ended := claiming.Err() != nil // locked, draining or stopped
		cancel()
		if t != nil && err == nil {
			if failing.next > 0 {
				w.o.ErrorLog.Info("the queue can be reached again", "worker", w.o.Node)
			}
			failing = pause{}
			start(t, func() { <-room })
			continue
		}
		<-room
		if ended {
			continue
		}
		if err != nil && failing.next == 0 {
			w.o.ErrorLog.Warn("cannot claim a task; trying again", "worker", w.o.Node, "error", err)
		}
		failing.wait(ctx, w.drain)
	}
}

// mayClaim waits until the worker may claim, and returns the context to do it
// with; nil when that will not be.
func (w *Worker) mayClaim(ctx context.Context) (context.Context, context.CancelFunc) {
	for ctx.Err() == nil {
		w.mu.Lock()
		left := time.Until(w.sick.until)
		changed := w.changed
		switch {
		case w.draining:
			w.mu.Unlock()
			return nil, nil
		case !w.locked && left <= 0:
			claiming, cancel := context.WithCancel(ctx)
			w.unclaim = cancel
			w.mu.Unlock()
			return claiming, cancel
		case w.locked:
			left = time.Hour
		}
		w.mu.Unlock()
		t := time.NewTimer(left)
		select {
		case <-t.C:
		case <-changed:
		case <-ctx.Done():
		}
		t.Stop()
	}
	return nil, nil
}

// quarantine counts faults of ours; the worker's mu guards it.
type quarantine struct {
	after int
	first time.Duration
	row   int           // faults since a task could last be started
	next  time.Duration // how long the next one lasts
	until time.Time
	why   string
}

// well is told that a task could be started.
func (q *quarantine) well() { q.row, q.next, q.why = 0, 0, "" }

// over ends a quarantine; the next fault begins one again.
func (q *quarantine) over() { q.until = time.Time{} }

// fault is told of one; it returns how long nothing is claimed from now on, 0
// for not at all.
func (q *quarantine) fault(why string) time.Duration {
	q.why = why
	if q.row++; q.row < q.after {
		return 0
	}
	if time.Now().Before(q.until) {
		return 0 // a task that was claimed before it
	}
	d := either(q.next, q.first)
	q.next = min(2*d, 64*q.first)
	q.until = time.Now().Add(d)
	return d
}

// fault counts a fault of ours.
func (w *Worker) fault(why string) {
	w.mu.Lock()
	d := w.sick.fault(why)
	row := w.sick.row
	w.mu.Unlock()
	log := w.o.ErrorLog.With("worker", w.o.Node, "why", why)
	if d == 0 {
		log.Error("cannot start a task; it is given back")
		return
	}
	log.Error("cannot start tasks; claiming none for a while", "in a row", row, "while", d)
}

// well counts a task that could be started.
func (w *Worker) well() {
	w.mu.Lock()
	w.sick.well()
	w.mu.Unlock()
}
