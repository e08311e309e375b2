package gateway

import (
	"context"
	"slices"
	"sync"
	"time"

	"freshet/internal/rule"
)

// Defaults of Turns.
const (
	DefaultRunning   = 32
	DefaultQueue     = 128
	DefaultQueueTime = 10 * time.Second
)

// Turns bounds how many programs run at once, and lets others wait in the order
// they came. The zero value has the defaults. Its fields must not change once
// it is used.
type Turns struct {
	// Running is how many may run at once. 0 means DefaultRunning.
	Running int
	// Queue is how many may wait. 0 means DefaultQueue, negative none.
	Queue int
	// QueueTime is how long each waits. 0 means DefaultQueueTime.
	QueueTime time.Duration

	mu      sync.Mutex // guards what follows
	running int
	waiting []*turn
}

type turn struct{ given chan struct{} }

// Take waits for a turn, and returns 0 when it was given, or why it was not:
// rule.ScriptQueueFull, rule.ScriptQueueTimeout, or rule.ScriptClientGone when
// ctx is done. Who got a turn calls Leave.
func (t *Turns) Take(ctx context.Context) rule.ID {
	t.mu.Lock()
	if t.running < t.most() && len(t.waiting) == 0 {
		t.running++
		t.mu.Unlock()
		return 0
	}
	if len(t.waiting) >= t.queue() {
		t.mu.Unlock()
		return rule.ScriptQueueFull
	}
	w := &turn{make(chan struct{})}
	t.waiting = append(t.waiting, w)
	t.mu.Unlock()
	timer := time.NewTimer(t.patience())
	defer timer.Stop()
	why := rule.ScriptQueueTimeout
	select {
	case <-w.given:
		return 0
	case <-timer.C:
	case <-ctx.Done():
		why = rule.ScriptClientGone
	}
	if t.forget(w) {
		return why
	}
	t.Leave() // it was given at the same moment
	return why
}

// Try takes a turn if one is free and nobody waits.
func (t *Turns) Try() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	free := t.running < t.most() && len(t.waiting) == 0
	if free {
		t.running++
	}
	return free
}

// Leave gives the turn to who waits longest.
func (t *Turns) Leave() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.waiting) > 0 {
		close(t.waiting[0].given)
		t.waiting = slices.Delete(t.waiting, 0, 1)
		return
	}
	t.running--
}

// forget takes one who waits out of the queue; false when its turn was given.
func (t *Turns) forget(w *turn) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	i := slices.Index(t.waiting, w)
	if i >= 0 {
		t.waiting = slices.Delete(t.waiting, i, i+1)
	}
	return i >= 0
}

// Load returns how many run and how many wait.
func (t *Turns) Load() (running, waiting int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.running, len(t.waiting)
}

func (t *Turns) most() int {
	if t.Running <= 0 {
		return DefaultRunning
	}
	return t.Running
}

func (t *Turns) queue() int {
	if t.Queue == 0 {
		return DefaultQueue
	}
	return max(t.Queue, 0)
}

func (t *Turns) patience() time.Duration {
	if t.QueueTime <= 0 {
		return DefaultQueueTime
	}
	return t.QueueTime
}
