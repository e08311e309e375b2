package cache

import (
	"time"

	"freshet/freshness"
	"freshet/internal/rule"
)

// find returns what is stored for a key, nil for nothing. It looks on disk
// when memory has nothing.
func (s *Store) find(key string) *resource {
	if s.shared {
		return s.disk.find(key, s.disk.files.Get)
	}
	if r, ok := s.memory.GetIfPresent(key); ok {
		return r
	}
	if s.disk == nil {
		return nil
	}
	for {
		changes := s.disk.changes(key)
		before := changes.Load()
		r := s.disk.load(key)
		if r == nil {
			return nil
		}
		// Somebody may have stored something newer meanwhile, or removed it.
		late := false
		kept, _ := s.memory.ComputeIfAbsent(key, func() (*resource, bool) {
			late = changes.Load() != before
			return r, late
		})
		if !late {
			s.fates.forget(s.fates.hash(key)) // memory had let it go, and no more
			return kept
		}
	}
}

// looks is how memory is looked at: use counts as a use of what is found, glance
// does not.
type looks func(s *Store, key string) (*resource, bool)

func use(s *Store, key string) (*resource, bool) { return s.memory.GetIfPresent(key) }

func glance(s *Store, key string) (*resource, bool) {
	e, ok := s.memory.GetEntryQuietly(key)
	return e.Value, ok
}

// peek is find for who only looks: nothing is used, nothing moves.
func (s *Store) peek(key string) *resource {
	if s.shared {
		return s.disk.find(key, s.disk.files.Peek)
	}
	if r, ok := glance(s, key); ok {
		return r
	}
	if s.disk == nil {
		return nil
	}
	return s.disk.peek(key)
}

// now is the time, in nanoseconds since 1970.
func (s *Store) now() int64 {
	if f := s.clock.Load(); f != nil {
		return (*f)()
	}
	return time.Now().UnixNano()
}

// untouched reports whether no purge since an object's birth is about it, nor a
// hold. What was found out is remembered until the next purge.
func (s *Store) untouched(o *object, key string) bool {
	return o.prepared.seen.Load() == s.marked.Load() || s.unharmed(o, key)
}

// unharmed is untouched for an object that is not marked.
func (s *Store) unharmed(o *object, key string) bool {
	now := s.generation.Load() // before the epochs are looked at: there may be more then
	if seen := o.prepared.seen.Load(); seen != now {
		if o.born < now {
			if hard, soft := s.epochs.of(key, o, seen); hard != nil || soft != nil {
				return false
			}
		}
		o.prepared.seen.Store(now)
	}
	return !s.isHeld()
}

// gone reports whether a purge has made an object go.
func (s *Store) gone(o *object, key string) bool { return s.goneTo(o, key) != nil }

// outdated returns why an object is validated before its next use, whatever its
// terms: by a soft purge or a hold; 0 when it need not be.
func (s *Store) outdated(o *object, key string) rule.ID {
	if s.untouched(o, key) {
		return 0
	}
	if _, soft := s.epochs.of(key, o, 0); soft != nil {
		return rule.CacheSoftPurged
	}
	if s.isHeld() {
		return rule.CacheHeld
	}
	return 0
}

// goneTo returns the purge by which an object is gone.
func (s *Store) goneTo(o *object, key string) *epoch {
	if s.untouched(o, key) {
		return nil
	}
	hard, _ := s.epochs.of(key, o, 0)
	return hard
}

// refuses reports whether an object may not be stored, because it was purged
// before it came.
func (s *Store) refuses(o *object, key string) bool {
	if o.born == s.generation.Load() {
		return false
	}
	s.epochs.mu.RLock()
	forgotten := o.born < s.epochs.floor
	s.epochs.mu.RUnlock()
	return forgotten || s.gone(o, key)
}

// goneBy says by which rule an object is gone.
func (e *epoch) goneBy() rule.ID {
	if e.sel.kind == selectGroup {
		return rule.CacheGroupInvalidated
	}
	return rule.CachePurged
}

// terms computes the terms of what is read from disk.
func (s *Store) terms(r *freshness.Response) freshness.Terms {
	if p := s.policy.Load(); p != nil {
		return p.Terms(r)
	}
	var rfc freshness.Cache
	return rfc.Terms(r)
}
