package acme

import (
	"context"
	"errors"
	"io/fs"
	"sync"
	"time"
)

// Anybody can ask for challenges, so that it is not for each of them that the hub
// is asked: it lists those that are open, for all who wait. Who comes waits for a
// listing that begins after he came, so that he finds what was stored a moment
// ago; what it does not have there is not. What it has is loaded once for all who
// wait for that listing.

// listEvery is how far apart listings begin at least; there are never two at once.
const listEvery = 200 * time.Millisecond

// A hub lists no more than that, and no more than that of their names: what is
// beyond is not found. That many open challenges are a fault.
const (
	maxListed      = 10_000
	maxListedBytes = 512 << 10
)

// open lists the challenges that are open.
func (f *folder) open() ([]string, error) {
	var keys []string
	size := 0
	for _, of := range []string{"challenges/http", "challenges/tls"} {
		all, err := fs.ReadDir(f.root.FS(), of)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		for _, d := range all {
			key := of + "/" + d.Name()
			if size += len(key); d.IsDir() || isUnfinished(key) {
				continue
			}
			if len(keys) == maxListed || size > maxListedBytes {
				return keys, nil
			}
			keys = append(keys, key)
		}
	}
	return keys, nil
}

// listings are those of a member.
type listings struct {
	ctx   context.Context                               // ends them
	spawn func(func()) bool                             // runs what is to be waited for, unless that is over
	list  func(context.Context) ([]string, error)       // asks the hub
	load  func(context.Context, string) ([]byte, error) // asks it for one

	mu      sync.Mutex // guards what follows
	next    *listing   // that has not begun; nil: nobody waits for one
	running bool
	began   time.Time // when the last one did
}

// A listing is one for all who came before it began.
type listing struct {
	done chan struct{} // closed when what follows is there
	err  error
	has  map[string]*loading
}

// loading is a challenge that is loaded once.
type loading struct {
	once  sync.Once
	done  chan struct{}
	value []byte
	err   error
}

// find returns a challenge.
func (l *listings) find(ctx context.Context, key string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	of := l.join()
	if of == nil {
		return nil, errClosed
	}
	select {
	case <-of.done:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if of.err != nil {
		return nil, of.err
	}
	c := of.has[key]
	if c == nil {
		return nil, fs.ErrNotExist
	}
	c.once.Do(func() {
		if !l.spawn(func() {
			defer close(c.done)
			c.value, c.err = l.load(l.ctx, key)
		}) {
			c.err = errClosed
			close(c.done)
		}
	})
	select {
	case <-c.done:
		return c.value, c.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// join returns the listing that begins next; nil: there is none any more.
func (l *listings) join() *listing {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.next == nil {
		l.next = &listing{done: make(chan struct{})}
	}
	if !l.running {
		if !l.spawn(l.run) {
			return nil
		}
		l.running = true
	}
	return l.next
}

// run lists while somebody waits.
func (l *listings) run() {
	for {
		l.mu.Lock()
		if l.next == nil {
			l.running = false
			l.mu.Unlock()
			return
		}
		pause := time.NewTimer(time.Until(l.began.Add(listEvery)))
		l.mu.Unlock()
		select {
		case <-pause.C:
		case <-l.ctx.Done():
			pause.Stop() // the listing fails with that
		}
		l.mu.Lock()
		now := l.next
		l.next, l.began = nil, time.Now()
		l.mu.Unlock()
		keys, err := l.list(l.ctx)
		now.err, now.has = err, make(map[string]*loading, len(keys))
		for _, key := range keys {
			now.has[key] = &loading{done: make(chan struct{})}
		}
		close(now.done)
	}
}
