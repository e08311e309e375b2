package cache

import "sync"

// invalidated remembers which keys were invalidated of late, so that
// an answer that was asked for before that is not stored after it. Moments are
// counted, not timed.
type invalidated struct {
	mu  sync.Mutex
	now uint64            // counts invalidations
	at  map[string]uint64 // when a key was
	all uint64            // when all were, or might have been
}

// maxInvalidated bounds what is remembered; beyond it remembering begins anew,
// and no answer that is under way is stored.
const maxInvalidated = 4096

// moment returns the present one.
func (v *invalidated) moment() uint64 {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.now
}

func (v *invalidated) add(key string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.now++
	if v.at == nil || len(v.at) >= maxInvalidated {
		if v.at != nil {
			v.all = v.now
		}
		v.at = make(map[string]uint64)
	}
	v.at[key] = v.now
}

// since reports whether a key may have been invalidated after a moment.
func (v *invalidated) since(key string, moment uint64) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	return moment < v.all || moment < v.at[key]
}
