package cache

import "sync"

// holder says whether nothing that is stored is used without being validated, for
// as long as nobody knows what has been purged elsewhere.
//
// It is no purge: it is not kept, has no receipt, and touches nothing. A hit
// compares object.prepared.seen with marked; while the store is held, marked is a
// number that no object has, so that each use takes the way on which the hold is
// looked for (see unharmed).
type holder struct {
	mu     sync.Mutex // guards that generation, number and marked change together
	latest uint64     // the number of the latest hold
}

// heldMark is what marked is while the store is held: no generation is so high.
const heldMark = ^uint64(0)

// Hold has nothing that was stored used without validation, as after a soft purge
// of everything, until Release. When it returns, no request that begins is
// answered with what is stored, unless its origin has said since Hold began that
// it still holds, or has sent it since: then it is for all, as usual. While the
// origin cannot be reached, what is stored may be used as after a soft purge: as
// far as stale-if-error allows, counted from now on.
//
// A hold is of this process and ends with it. What leaves the memory while the
// store is held, or never is there ([StoreOptions.Shared]), and is read from disk,
// is validated again. Hold of a store that is held does nothing.
func (s *Store) Hold() {
	s.holder.mu.Lock()
	defer s.holder.mu.Unlock()
	if s.held.Load() != 0 {
		return
	}
	s.holder.latest++
	s.held.Store(s.holder.latest) // first: who sees the mark looks for it
	s.marked.Store(heldMark)
}

// Release ends a hold: what is stored is used as before it, but for what was
// purged since. Release of a store that is not held does nothing.
func (s *Store) Release() {
	s.holder.mu.Lock()
	defer s.holder.mu.Unlock()
	s.held.Store(0)
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
	if s.held.Load() == 0 {
		s.marked.Store(number)
	}
}

// holds reports whether the store is held, and an answer was asked for before
// that, under another hold or none.
func (s *Store) holds(under uint64) bool {
	held := s.held.Load()
	return held != 0 && under != held
}
