package worker

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"sync"
	"time"

	"freshet/internal/child"
	"freshet/jobs"
)

// Why a task is ended before it is over; causes of its context, beside
// jobs.ErrLost, jobs.ErrCancelled and jobs.ErrPreempted.
var (
	ErrStopped = errors.New("the worker was stopped")
	ErrTimeout = errors.New("timed out")
)

// errRan is why Run refuses to run again.
var errRan = errors.New("worker: Run was called before, or it is closed")

// Worker claims tasks and runs them. Its methods may be called by several
// goroutines; Run once.
type Worker struct {
	o       Options
	user    *child.User // nil: as we are
	spawner *child.Spawner
	base    *base

	given   chan struct{} // closed by Abandon
	abandon sync.Once

	mu       sync.Mutex // guards what follows; a leaf
	ran      bool
	closed   bool
	locked   bool
	draining bool
	drain    chan struct{}      // closed by Drain
	changed  chan struct{}      // closed and made anew when something else changes that decides about claiming
	unclaim  context.CancelFunc // ends the claim that waits; nil without one
	held     map[*holding]bool
	sick     quarantine
	finished uint64
	gone     uint64 // leases that were lost, and tasks that were given back
}

// New makes a worker; an error says what of the options cannot be had. It must
// be closed.
func New(o Options) (*Worker, error) {
	w, err := idle(o)
	if err == nil {
		err = w.equip()
	}
	if err != nil {
		return nil, fmt.Errorf("worker: %w", err)
	}
	return w, nil
}

// idle is a worker that cannot start programs yet.
func idle(o Options) (*Worker, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	w := &Worker{o: o, drain: make(chan struct{}), given: make(chan struct{}), changed: make(chan struct{}), held: map[*holding]bool{}}
	w.sick = quarantine{after: o.QuarantineAfter, first: o.Quarantine}
	return w, nil
}

// equip makes ready to start programs.
func (w *Worker) equip() (err error) {
	o := &w.o
	if err := w.chooseUser(); err != nil {
		return err
	}
	if w.base, err = openBase(o.Dir, w.user); err != nil {
		return err
	}
	w.spawner, err = child.New(child.Options{
		User: w.user, Limits: o.Limits, NoNetwork: o.NoNetwork, Cgroup: o.Cgroup,
		Slots: o.Capacity, Grace: o.Grace, ErrorLog: o.ErrorLog,
	})
	if err != nil {
		return errors.Join(err, w.base.close())
	}
	return nil
}

// chooseUser decides who programs run as.
func (w *Worker) chooseUser() (err error) {
	name := w.o.User
	if name == "" {
		if os.Geteuid() != 0 {
			return nil
		}
		name = "nobody"
	}
	if w.user, err = child.LookupUser(name); err != nil {
		return err
	}
	if w.user.UID == 0 {
		return child.ErrRoot
	}
	return nil
}

// Describe is one line for logs: who programs run as, within which limits, and
// where.
func (w *Worker) Describe() string {
	return fmt.Sprintf("%d at a time in %s, %s", w.o.Capacity, w.base.path, w.spawner.Describe())
}

// Run claims tasks and runs them until ctx ends, or Drain is called and all that
// it holds is done. When ctx ends, programs get Options.Drain to end by
// themselves, then TERM and KILL; tasks that were ended so are given back. Run
// returns nil then: an error is that it cannot run at all.
func (w *Worker) Run(ctx context.Context) error {
	w.mu.Lock()
	if w.ran {
		w.mu.Unlock()
		return errRan
	}
	w.ran = true
	w.mu.Unlock()

	telling, giveUp := context.WithCancel(context.Background())
	defer giveUp()
	var running sync.WaitGroup
	w.claim(ctx, func(t *jobs.Task, release func()) {
		h := w.take(t)
		if ctx.Err() != nil {
			h.end(ErrStopped)
		}
		running.Go(func() {
			defer release()
			h.see(telling)
		})
	})
	done := make(chan struct{})
	go func() {
		running.Wait()
		close(done)
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
	}
	if !w.within(done, w.o.Drain) {
		w.endAll(ErrStopped)
		if !w.within(done, w.o.Grace+w.o.Tell) {
			giveUp()
			<-done
		}
	}
	return nil
}

// within waits for done, but not longer than d, nor when the worker is abandoned.
func (w *Worker) within(done <-chan struct{}, d time.Duration) bool {
	t := time.NewTimer(max(d, 0))
	defer t.Stop()
	select {
	case <-done:
		return true
	case <-w.given:
	case <-t.C:
	}
	return false
}

// Close gives back what New took. Run must have returned, or never be called.
func (w *Worker) Close() error {
	w.mu.Lock()
	closed := w.closed
	w.closed, w.ran = true, true
	w.mu.Unlock()
	if closed {
		return nil
	}
	return errors.Join(w.spawner.Close(), w.base.close())
}

// Drain has the worker claim nothing more; Run returns when what it holds is
// done. It returns at once.
func (w *Worker) Drain() {
	w.change(func() {
		if !w.draining {
			w.draining = true
			close(w.drain)
		}
	})
}

// Abandon is for a queue that is gone: when Run's context ends, programs are ended
// without Options.Drain, and it is not waited until the queue hears of them.
func (w *Worker) Abandon() { w.abandon.Do(func() { close(w.given) }) }

// Lock has the worker claim nothing until Unlock; what it holds goes on.
func (w *Worker) Lock() { w.change(func() { w.locked = true }) }

// Unlock ends what Lock began, and a quarantine.
func (w *Worker) Unlock() {
	w.change(func() {
		w.locked = false
		w.sick.over()
	})
}

// change changes what decides about claiming, and wakes who waits for it.
func (w *Worker) change(f func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	f()
	if w.unclaim != nil && (w.locked || w.draining) {
		w.unclaim() // a task that is given to us all the same is run
	}
	close(w.changed)
	w.changed = make(chan struct{})
}

// Heed has the worker ask the queue at once how its tasks are, as when one of
// them is to end; otherwise it asks every third of a lease. It returns at once.
func (w *Worker) Heed() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for h := range w.held {
		select {
		case h.heed <- struct{}{}:
		default: // it was told already
		}
	}
}

// endAll ends all tasks that are held.
func (w *Worker) endAll(why error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for h := range w.held {
		h.end(why)
	}
}

// maxNote bounds what the queue is told of a fault, in bytes.
const maxNote = 100

// self is what the queue is told of us.
func (w *Worker) self() jobs.Worker {
	s := jobs.Worker{Node: w.o.Node, Pools: w.o.Pools, Labels: maps.Clone(w.o.Labels), Kinds: slices.Sorted(maps.Keys(w.o.Kinds)), Capacity: w.o.Capacity, Version: w.o.Version}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.sick.why != "" {
		s.Note = clip(oneLine("could not start a task: "+w.sick.why), maxNote)
	}
	return s
}
