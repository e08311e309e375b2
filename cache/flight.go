package cache

import (
	"context"
	"sync"
	"time"
)

// stage is how far a flight is.
type stage uint8

const (
	asked     stage = iota // the origin has not answered yet
	stored                 // the answer is being stored, or is
	passed                 // the answer may not be shared: whoever waits asks for itself
	failed                 // there was no answer
	abandoned              // nobody waits for the answer any more
)

// A flight is one request to the origin on behalf of all who want its answer.
// It is a lease: who has waited long enough for it goes on alone.
type flight struct {
	store *Store
	key   string
	began uint64 // a moment of store.invalidated, and
	born  uint64 // a generation

	mu      sync.Mutex
	stage   stage
	waiting chan struct{} // closed when the stage changes; nil: nobody waits
	object  *object       // when stored: its head, and its body once that is complete
	body    *growing      // what of the body has arrived; nil when object has it
	failure int           // when failed: the status that tells of it
	cause   error         // when failed: why, if somebody said so
}

// land sets the stage and wakes those who wait.
func (f *flight) land(st stage, o *object, g *growing, failure int) {
	if f == nil {
		return
	}
	f.mu.Lock()
	if f.stage == abandoned {
		f.mu.Unlock()
		return
	}
	f.stage, f.object, f.body, f.failure = st, o, g, failure
	if f.waiting != nil {
		close(f.waiting)
		f.waiting = nil
	}
	f.mu.Unlock()
}

// abandon ends a flight that nobody waits in and reports whether it did. Who
// has joined it, and comes to wait, is to join another.
func (f *flight) abandon() bool {
	if f == nil {
		return true
	}
	f.mu.Lock()
	if f.waiting != nil {
		f.mu.Unlock()
		return false
	}
	if f.stage == asked {
		f.stage = abandoned
	}
	f.mu.Unlock()
	f.store.leave(f)
	return true
}

// landing is what a flight came to.
type landing struct {
	stage   stage
	object  *object
	body    *growing
	failure int
	cause   error
}

// wait waits until the flight has an answer, for a time at most; then the
// stage is still asked.
func (f *flight) wait(ctx context.Context, lease time.Duration) landing {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.stage == asked {
		if f.waiting == nil {
			f.waiting = make(chan struct{})
		}
		c := f.waiting
		f.mu.Unlock()
		t := time.NewTimer(lease)
		select {
		case <-c:
		case <-t.C:
		case <-ctx.Done():
		}
		t.Stop()
		f.mu.Lock()
	}
	return landing{f.stage, f.object, f.body, f.failure, f.cause}
}

// join returns the flight for what is stored under a key, and whether the
// caller is to fly it. One that began before the key was invalidated is left
// alone, and while the store is held each request has its own: a flight that is
// under way may bring what was purged elsewhere before the request came.
func (s *Store) join(flightKey, key string) (f *flight, lead bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if f, ok := s.flights[flightKey]; ok && !s.overtaken(f, key) {
		return f, false
	}
	return s.begin(flightKey), true
}

// flying reports whether join would find a flight.
func (s *Store) flying(flightKey, key string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	f, ok := s.flights[flightKey]
	return ok && !s.overtaken(f, key)
}

// overtaken reports whether what a flight brings was invalidated or purged since
// it began, as far as that is known, or may have been, for the store is held.
func (s *Store) overtaken(f *flight, key string) bool {
	if s.invalidated.since(key, f.began) {
		return true
	}
	if s.isHeld() {
		return true
	}
	if f.born == s.generation.Load() {
		return false
	}
	f.mu.Lock()
	o := f.object
	f.mu.Unlock()
	if o != nil {
		return !s.untouched(o, key)
	}
	return s.epochs.ofKey(key, f.born)
}

// renew returns the flight that takes the place of one that has taken too
// long, and whether the caller is to fly it.
func (s *Store) renew(late *flight) (f *flight, lead bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if f := s.flights[late.key]; f != nil && f != late {
		return f, false
	}
	return s.begin(late.key), true
}

// begin begins a flight; s.mu is held.
func (s *Store) begin(key string) *flight {
	f := &flight{store: s, key: key, began: s.invalidated.moment(), born: s.generation.Load()}
	s.flights[key] = f
	return f
}

// leave ends a flight, if there is one: the next request for its key begins
// another.
func (s *Store) leave(f *flight) {
	if f == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.flights[f.key] == f {
		delete(s.flights, f.key)
	}
}
