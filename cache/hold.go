package cache

import "sync"

// holder says whether nothing that is stored is used without being validated, for
// as long as nobody knows what has been purged elsewhere.
//
// It is no purge: it is not kept, has no receipt, and touches nothing. A hit
// compares object.prepared.seen with marked; while the store is held, marked is a
// number that no object has, so that each use takes the way on which the hold is
// looked for (see unharmed). What the origin has sent or confirmed under a hold may
// have been purged elsewhere a moment later, so that it is no exception.
type holder struct {
	mu sync.Mutex // guards that generation and marked change together
}

// heldMark is what marked is while the store is held: no generation is so high.
const heldMark = ^uint64(0)

// Hold has nothing that is stored used without validation, as after a soft purge
// of everything, until Release. When it returns, each request that begins is
// answered with what the origin has sent, or confirmed, for that request: neither
// what another has brought under the hold is used for it, nor does it wait for an
// answer that is on its way to another. While the origin cannot be reached, what
// is stored may be used as after a soft purge: as far as stale-if-error allows,
// counted from now on.
//
// A hold is of this process and ends with it. Hold of a store that is held does
// nothing.
func (s *Store) Hold() {
	s.holder.mu.Lock()
	defer s.holder.mu.Unlock()
	s.marked.Store(heldMark)
}

// Release ends a hold: what is stored is used as before it, and so is what came
// under it, but for what was purged since. Release of a store that is not held
// does nothing.
func (s *Store) Release() {
	s.holder.mu.Lock()
	defer s.holder.mu.Unlock()
	s.marked.Store(s.generation.Load())
}

// raise has the generation be a number at least.
func (s *Store) raise(number uint64) {
	s.holder.mu.Lock()
	defer s.holder.mu.Unlock()
	if s.generation.Load() >= number {
		return
	}
	s.generation.Store(number)
	if !s.isHeld() {
		s.marked.Store(number)
	}
}

// isHeld reports whether the store is held.
func (s *Store) isHeld() bool { return s.marked.Load() == heldMark }
