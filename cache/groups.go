package cache

import (
	"strings"
	"sync"
	"sync/atomic"
)

// groups remember which cache groups (RFC 9875) were invalidated, and when, in
// generations of the store. What is stored is not touched: each hit on an
// object with groups compares.
type groups struct {
	mu sync.RWMutex
	at map[string]uint64 // by origin and group
	// all is from which generation on objects with groups are good, because
	// there were too many groups to remember.
	all  uint64
	last atomic.Uint64 // the latest of at
}

// maxGroups bounds what is remembered; beyond it everything that has a group is
// invalidated at once, and remembering begins anew.
const maxGroups = 1 << 16

func (g *groups) invalidate(origin string, names []string, generation uint64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.last.Store(generation)
	if g.at == nil || len(g.at)+len(names) > maxGroups {
		if g.at != nil {
			g.all = generation
		}
		g.at = make(map[string]uint64)
	}
	for _, name := range names {
		g.at[origin+"\n"+name] = generation
	}
}

// before says that all objects with groups that came before a generation are
// gone: which groups were invalidated is not known any more.
func (g *groups) before(generation uint64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.all = max(g.all, generation)
	g.last.Store(max(g.last.Load(), generation))
}

// gone reports whether a group of the object, which is kept under key, was
// invalidated after it came.
func (g *groups) gone(o *object, key string) bool {
	origin := originOf(key)
	g.mu.RLock()
	defer g.mu.RUnlock()
	if o.born < g.all {
		return true
	}
	for _, name := range o.groups {
		if o.born < g.at[origin+"\n"+name] {
			return true
		}
	}
	return false
}

// originOf returns the scheme and authority with which a key begins.
func originOf(key string) string {
	after := strings.Index(key, "://") + len("://")
	if i := strings.IndexByte(key[after:], '/'); i >= 0 {
		return key[:after+i]
	}
	return key
}
