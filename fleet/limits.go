package fleet

import (
	"context"
	"sync"

	"freshet/jobs"
)

// Limits are how many tasks of pools run at once, and what owners get compared
// with others. They may change while a queue uses them, which may be opened
// again meanwhile.
type Limits struct {
	mu            sync.Mutex // guards what follows, and is held while a queue is told
	pools, shares map[string]int
	queue         *jobs.Scheduler // that is open; nil: none is
}

// NewLimits are these, by the names of pools and of owners.
func NewLimits(pools, shares map[string]int) *Limits {
	return &Limits{pools: pools, shares: shares}
}

// Set sets all of them anew. When the queue is not open they hold from when it
// is.
func (l *Limits) Set(pools, shares map[string]int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.pools, l.shares = pools, shares
	l.tell(context.Background())
}

// hold has a queue that was opened keep to them.
func (l *Limits) hold(ctx context.Context, queue *jobs.Scheduler) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.queue = queue
	l.tell(ctx)
}

// drop forgets a queue that was closed, unless another was opened meanwhile.
func (l *Limits) drop(queue *jobs.Scheduler) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.queue == queue {
		l.queue = nil
	}
}

func (l *Limits) tell(ctx context.Context) {
	if l.queue == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, closeWithin)
	defer cancel()
	_ = l.queue.SetLimits(ctx, l.pools, l.shares) // it has stopped, and the next one is told
}
