package worker

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"freshet/jobs"
)

// Of leases: what is taken for one that says nothing, and how close beats for
// progress may follow each other.
const (
	defaultLease  = 30 * time.Second
	progressEvery = 2 * time.Second
	heedEvery     = 100 * time.Millisecond // beats that were asked for
)

// holding is a task that the worker has, from its claim to the end of its
// lease.
type holding struct {
	w     *Worker
	task  *jobs.Task
	since time.Time
	ctx   context.Context // ends when the task is to; its cause says why
	end   context.CancelCauseFunc
	ours  context.Context // ends when the lease is lost
	lose  context.CancelFunc
	log   *log

	progress progress
	pid      atomic.Int64
	heed     chan struct{} // has one when the queue has something to say
}

// progress is what a task said last.
type progress struct {
	mu   sync.Mutex // guards last; a leaf
	last jobs.Progress
	news chan struct{} // has one when last is new
}

func (p *progress) set(to jobs.Progress) {
	p.mu.Lock()
	p.last = to
	p.mu.Unlock()
	select {
	case p.news <- struct{}{}:
	default:
	}
}

func (p *progress) latest() jobs.Progress {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.last
}

// take begins to hold a task.
func (w *Worker) take(t *jobs.Task) *holding {
	h := &holding{w: w, task: t, since: time.Now()}
	h.progress.news = make(chan struct{}, 1)
	h.heed = make(chan struct{}, 1)
	h.ctx, h.end = context.WithCancelCause(context.Background())
	h.ours, h.lose = context.WithCancel(context.Background())
	h.log = newLog(w.o.Logs, t.Lease, w.o.MaxLog, w.o.Clock)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.held[h] = true
	return h
}

// see runs the task, keeps its lease meanwhile, and tells the result. When
// telling ends, the result is told no more.
func (h *holding) see(telling context.Context) {
	defer func() {
		h.end(nil)
		h.lose()
		h.w.mu.Lock()
		delete(h.w.held, h)
		h.w.mu.Unlock()
	}()
	keeping, stop := context.WithCancel(context.Background())
	var beating sync.WaitGroup
	beating.Go(func() { h.beat(keeping) })
	r := h.run()
	if err := h.log.close(); err != nil {
		h.complain("not all of its output is in its log", err)
	}
	r.Output = h.log.last()
	h.tell(telling, r)
	stop()
	beating.Wait()
}

// beat renews the lease every third of it, and sooner when there is progress.
func (h *holding) beat(keeping context.Context) {
	third := either(h.task.Expires, defaultLease) / 3
	next := time.NewTimer(third)
	defer next.Stop()
	var failing pause
	for last := time.Now(); ; {
		select {
		case <-keeping.Done():
			return
		case <-h.heed:
			failing = pause{}
			next.Reset(max(0, heedEvery-time.Since(last)))
		case <-h.progress.news:
			// Until it is told, what is new takes its place.
			if failing.next == 0 {
				next.Reset(max(0, min(progressEvery, third)-time.Since(last)))
			}
		case <-next.C:
			ctx, cancel := context.WithTimeout(keeping, max(third, time.Second))
			err := h.w.o.Queue.Beat(ctx, h.task.Lease, h.progress.latest())
			cancel()
			last = time.Now()
			switch {
			case err == nil:
				failing = pause{}
				next.Reset(third)
			case errors.Is(err, jobs.ErrLost), errors.Is(err, jobs.ErrUnknown):
				h.lose()
				h.end(jobs.ErrLost)
				return
			case errors.Is(err, jobs.ErrCancelled):
				h.end(jobs.ErrCancelled)
				next.Reset(third) // the lease is needed until it has ended
			case errors.Is(err, jobs.ErrPreempted):
				h.end(jobs.ErrPreempted)
				next.Reset(third)
			default: // the queue cannot be reached, and the program goes on
				next.Reset(min(third, failing.take()))
			}
		}
	}
}

// tell tells the queue how the task ended, until it has heard it, or says that
// it is not ours any more.
func (h *holding) tell(telling context.Context, r jobs.Result) {
	ctx, cancel := context.WithCancel(telling)
	defer cancel()
	defer context.AfterFunc(h.ours, cancel)()
	var failing pause
	for h.ours.Err() == nil {
		call, done := context.WithTimeout(ctx, lastPause)
		err := h.w.o.Queue.Finish(call, h.task.Lease, r)
		done()
		switch {
		case err == nil:
			h.w.count(r.Lost)
			return
		case errors.Is(err, jobs.ErrLost), errors.Is(err, jobs.ErrUnknown), errors.Is(err, jobs.ErrCancelled):
			h.w.count(true)
			return
		}
		if failing.next == 0 {
			h.complain("cannot tell how the task ended; trying again", err)
		}
		if !failing.wait(ctx, nil) && h.ours.Err() == nil {
			h.complain("gave up telling how the task ended", err)
			break
		}
	}
	h.w.count(true)
}

// count counts a task that is over; gone: without a result.
func (w *Worker) count(gone bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if gone {
		w.gone++
	} else {
		w.finished++
	}
}

// complain logs what could not be done for the task.
func (h *holding) complain(what string, err error) {
	l := h.task.Lease
	h.w.o.ErrorLog.Warn(what, "worker", h.w.o.Node, "job", string(l.Job), "task", l.Task, "attempt", l.Attempt, "error", err)
}

// run runs the task and returns how that ended.
func (h *holding) run() (r jobs.Result) {
	s := &h.task.Spec
	begun := time.Now()
	if s.Kind != "" {
		r = h.builtin(s.Kind)
	} else {
		r = h.program()
	}
	if r.Usage.Wall == 0 {
		r.Usage.Wall = time.Since(begun)
	}
	if r.Reason != "" {
		h.log.note(r.Reason)
	}
	return r
}

// refused is a task that this worker does not run; trying again would not help.
func refused(exit int, format string, args ...any) jobs.Result {
	return jobs.Result{Exit: exit, Reason: fmt.Sprintf(format, args...)}
}

// lost is a task of which nothing was run, through no fault of its own.
func lost(format string, args ...any) jobs.Result {
	return jobs.Result{Exit: -1, Lost: true, Reason: fmt.Sprintf(format, args...)}
}

// broken is lost by a fault of this worker, which counts.
func (h *holding) broken(doing string, err error) jobs.Result {
	r := lost("%s: %v", doing, err)
	h.w.fault(r.Reason)
	return r
}

// interrupted is a task that was ended before it was over; ok is false when it
// was not. What it did has cost r.
func (h *holding) interrupted(r jobs.Result) (jobs.Result, bool) {
	switch why := context.Cause(h.ctx); {
	case why == nil:
		return r, false
	case errors.Is(why, jobs.ErrCancelled):
		r.Reason = "cancelled"
	case errors.Is(why, ErrTimeout):
		r.Reason = why.Error()
	default:
		r.Lost, r.Reason = true, why.Error()
	}
	if r.Exit == 0 {
		r.Exit = exitEnded
	}
	return r, true
}

// Exit statuses of ours, as shells and timeout(1) use them.
const (
	exitEnded         = 124 // asked to end, a program ended with 0
	exitOutputs       = 125 // what it should have made is not there, or too much
	exitNotExecutable = 126
	exitNotFound      = 127
)
