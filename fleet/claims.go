package fleet

import (
	"context"
	"sync"
	"time"

	"freshet/internal/pulse"
	"freshet/jobs"
)

// claims are what workers on other machines wait for. A worker claims one task
// at a time. One that does not wait any more must not be given another: nobody
// would run it before its lease is over.
type claims struct {
	mu   sync.Mutex // guards what follows
	by   map[string]*claiming
	left map[string]uint64 // the claim that a worker gave up last
}

// claiming is the latest claim of a worker.
type claiming struct {
	number   uint64
	cancel   context.CancelFunc
	done     chan struct{} // closed when it has ended
	task     *jobs.Task    // what came of it; nil before that, and when nothing did
	replaced bool          // by a later one
}

// lateClaims is how many claims before the latest that was given up a claim may
// be, to be one that was given up, too, and came late. Others are of a worker
// that was started anew and has an earlier clock.
const lateClaims = 1 << 16

// begin notes a claim, in place of an earlier one. It is nil when the worker
// has given that one up already.
func (c *claims) begin(ctx context.Context, from string, number uint64) (context.Context, *claiming) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if left := c.left[from]; number <= left && left-number < lateClaims {
		return nil, nil
	}
	if before := c.by[from]; before != nil {
		before.replaced = true
		before.cancel()
	}
	ctx, cancel := context.WithTimeout(ctx, claimFor)
	one := &claiming{number: number, cancel: cancel, done: make(chan struct{})}
	if c.by == nil {
		c.by, c.left = map[string]*claiming{}, map[string]uint64{}
	}
	c.by[from] = one
	return ctx, one
}

// end notes what came of a claim, and reports whether there is a later one.
func (c *claims) end(from string, one *claiming, task *jobs.Task) (replaced bool) {
	one.cancel()
	c.mu.Lock()
	defer c.mu.Unlock()
	one.task = task
	close(one.done)
	if task == nil && c.by[from] == one {
		delete(c.by, from)
	}
	return one.replaced
}

// leave gives up a claim for the worker that has, which has got nothing of it,
// and returns the task that it would have got.
func (c *claims) leave(ctx context.Context, from string, number uint64) *jobs.Task {
	c.mu.Lock()
	if c.left == nil {
		c.by, c.left = map[string]*claiming{}, map[string]uint64{}
	}
	c.left[from] = number
	one := c.by[from]
	c.mu.Unlock()
	if one == nil || one.number != number {
		return nil
	}
	one.cancel()
	select {
	case <-one.done:
	case <-ctx.Done():
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.by[from] == one {
		delete(c.by, from)
	}
	return one.task
}

// watchEvery is how often it is looked whether those who wait are still there.
const watchEvery = time.Second

// watch gives up the claims of workers that are connected no more, until ctx
// ends.
func (c *claims) watch(ctx context.Context, connected func() map[string]bool) {
	pulse.Each(ctx, watchEvery, func() {
		if c.waits() {
			c.prune(connected())
		}
	})
}

func (c *claims) waits() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.by) > 0
}

func (c *claims) prune(there map[string]bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for from, one := range c.by {
		if !there[from] {
			one.cancel()
		}
	}
}
