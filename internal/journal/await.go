package journal

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"freshet/internal/record"
)

const (
	awaited   = time.Second // how long Await waits
	maxAwaits = 256         // how many it waits for at once
)

// awaits are those who wait for records. As long as there are none, recording
// costs a look at a number that nobody writes.
type awaits struct {
	named func(record.ID) bool // nil: there is nothing to wait for

	n  atomic.Int32 // how many of them there are
	mu sync.Mutex   // guards by
	by map[record.ID][]chan struct{}
}

// Await returns what Find returns, even to one who asks for a request as soon
// as it is answered: then its record is about to be made, and is waited for.
// That takes a second at most, ends with ctx, and is so for the names that
// Options.Named knows; others are told at once that there is none. When 256
// wait, no more do.
func (j *Journal) Await(ctx context.Context, id record.ID) (Entry, bool) {
	if e, ok := j.Find(id); ok {
		return e, true
	}
	if j.awaits.named == nil || !j.awaits.named(id) {
		return Entry{}, false
	}
	came := j.awaits.add(id)
	if came == nil {
		return Entry{}, false
	}
	defer j.awaits.remove(id, came)
	if e, ok := j.Find(id); ok { // it came before it was awaited
		return e, true
	}
	ctx, cancel := context.WithTimeout(ctx, awaited)
	defer cancel()
	select {
	case <-came:
	case <-ctx.Done():
	}
	return j.Find(id)
}

// add returns a channel that is closed once the request is recorded; nil when
// too many wait.
func (a *awaits) add(id record.ID) chan struct{} {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.n.Load() == maxAwaits {
		return nil
	}
	a.n.Add(1)
	if a.by == nil {
		a.by = map[record.ID][]chan struct{}{}
	}
	came := make(chan struct{})
	a.by[id] = append(a.by[id], came)
	return came
}

// remove ends the waiting of one.
func (a *awaits) remove(id record.ID, came chan struct{}) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.n.Add(-1)
	for i, c := range a.by[id] {
		if c == came {
			a.by[id] = append(a.by[id][:i], a.by[id][i+1:]...)
			break
		}
	}
	if len(a.by[id]) == 0 {
		delete(a.by, id)
	}
}

// tell wakes those who wait for a request, which is in the ring by now: whoever
// is not seen here looks there later than this.
func (a *awaits) tell(id record.ID) {
	if a.n.Load() == 0 {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, came := range a.by[id] {
		close(came)
	}
	delete(a.by, id)
}
