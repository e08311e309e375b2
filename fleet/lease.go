package fleet

import (
	"sync"
	"time"
)

// A lease lets a member use what it has stored, for a time from when it sent a
// question that was answered. All times are of the monotonic clock. When it is
// over the cache is held.
type lease struct {
	cache  Cache
	length time.Duration

	mu    sync.Mutex // guards what follows; held while the cache is held or released
	until time.Time
	held  bool
	ended bool
	timer *time.Timer // nil: it never began
}

// newLease holds the cache.
func newLease(c Cache, length time.Duration) *lease {
	c.Hold()
	return &lease{cache: c, length: length, held: true}
}

// extend begins or extends it: everything that was purged up to when a question
// was sent is applied. It reports whether that let the cache go.
func (l *lease) extend(sent time.Time) (released bool) {
	until := sent.Add(l.length)
	l.mu.Lock()
	defer l.mu.Unlock()
	left := time.Until(until)
	if l.ended || left <= 0 || until.Before(l.until) {
		return false
	}
	l.until = until
	if l.timer == nil {
		l.timer = time.AfterFunc(left, l.over)
	} else {
		l.timer.Reset(left)
	}
	if released = l.held; released {
		l.held = false
		l.cache.Release()
	}
	return released
}

// over holds the cache, if the lease is over.
func (l *lease) over() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ended || l.held {
		return
	}
	if left := time.Until(l.until); left > 0 {
		l.timer.Reset(left)
		return
	}
	l.held = true
	l.cache.Hold()
}

// end holds the cache for good.
func (l *lease) end() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ended = true
	if l.timer != nil {
		l.timer.Stop()
	}
	if !l.held {
		l.held = true
		l.cache.Hold()
	}
}

// isHeld reports whether the cache is held, or is to be.
func (l *lease) isHeld() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.held || !time.Now().Before(l.until)
}
