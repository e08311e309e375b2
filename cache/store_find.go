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

// gone and outdated compare an object with the purges of everything.
func (s *Store) gone(o *object, key string) bool {
	return o.born < s.hard.Load() || len(o.groups) > 0 && s.groups.gone(o, key)
}

// goneBy says by which rule an object is gone.
func (s *Store) goneBy(o *object) rule.ID {
	if o.born < s.hard.Load() {
		return rule.CachePurged
	}
	return rule.CacheGroupInvalidated
}

func (s *Store) outdated(o *object) bool { return o.born < s.soft.Load() }

// terms computes the terms of what is read from disk.
func (s *Store) terms(r *freshness.Response) freshness.Terms {
	if p := s.policy.Load(); p != nil {
		return p.Terms(r)
	}
	var rfc freshness.Cache
	return rfc.Terms(r)
}
