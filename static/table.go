package static

import (
	"hash/maphash"
	"sync"
	"sync/atomic"

	"freshet/internal/representation"
)

// table keeps entries by key, within a budget of bytes. A look-up locks one
// shard for reading and allocates nothing; what makes room goes by second
// chance (CLOCK): a hand passes over the entries, spares those that were asked
// for since it last came by, and takes the first that was not.
//
// In front of the shards stands an array with one place for each hash, of which
// readers take no lock at all: on many cores a lock is a cache line that all of
// them write for each request of a popular file.
type table struct {
	seed   maphash.Seed
	front  [numFront]atomic.Pointer[entry] // entries of the shards; written under mu
	shards [numShards]shard

	mu     sync.Mutex // guards what follows; taken before a shard's lock
	budget int64
	used   int64
	ring   []*entry
	hand   int
	gone   []*entry // have left, and are to be released once mu is free
}

const (
	numShards = 64   // a power of two, and the number of Handler.loading
	numFront  = 4096 // a power of two
)

type shard struct {
	mu sync.RWMutex
	m  map[string]*entry
	_  [32]byte // keeps neighbours' locks out of one cache line
}

func newTable(budget int64) *table {
	t := &table{seed: maphash.MakeSeed(), budget: budget}
	for i := range t.shards {
		t.shards[i].m = make(map[string]*entry)
	}
	return t
}

func (t *table) hash(key string) uint64 { return maphash.String(t.seed, key) }

func (t *table) shard(hash uint64) *shard { return &t.shards[hash%numShards] }

func (t *table) place(hash uint64) *atomic.Pointer[entry] {
	return &t.front[hash/numShards%numFront]
}

// stripe returns a number below numShards that a key always has.
func (t *table) stripe(key string) uint64 { return t.hash(key) % numShards }

// get returns the entry of a key, or nil.
func (t *table) get(key string) *entry {
	hash := t.hash(key)
	if e := t.place(hash).Load(); e != nil && e.key == key {
		return e
	}
	s := t.shard(hash)
	s.mu.RLock()
	e := s.m[key]
	s.mu.RUnlock()
	return e
}

// put keeps an entry in place of the one that has its key, and evicts others
// as far as it needs room. One that alone is over budget is not kept.
func (t *table) put(e *entry) {
	cost := e.weigh()
	if cost > t.budget {
		t.remove(t.get(e.key))
		return
	}
	t.mu.Lock()
	defer t.unlock()
	hash := t.hash(e.key)
	s := t.shard(hash)
	s.mu.Lock()
	old := s.m[e.key]
	s.m[e.key] = e
	s.mu.Unlock()
	t.place(hash).Store(e)
	if old != nil {
		t.unlink(old)
	}
	e.cost, e.slot = cost, len(t.ring)
	t.used += cost
	t.ring = append(t.ring, e)
	t.shrink(e)
}

// grow adds a coding to an entry. It reports false, and does nothing, when the
// entry has left the table or the coding does not fit the budget.
func (t *table) grow(e *entry, v *representation.Variant) bool {
	t.mu.Lock()
	defer t.unlock()
	if e.slot < 0 || v.Cost() > t.budget/8 {
		return false
	}
	e.set.Store(e.set.Load().With(v))
	t.used -= e.cost
	e.cost = e.weigh()
	t.used += e.cost
	t.shrink(e)
	return true
}

// has reports whether an entry is in the table.
func (t *table) has(e *entry) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return e.slot >= 0
}

// remove takes an entry out of the table, if it is there.
func (t *table) remove(e *entry) {
	if e == nil {
		return
	}
	t.mu.Lock()
	defer t.unlock()
	t.evict(e)
}

// shrink evicts until the budget is kept, but never the entry named.
func (t *table) shrink(keep *entry) {
	for t.used > t.budget && len(t.ring) > 1 {
		t.hand %= len(t.ring)
		e := t.ring[t.hand]
		if e == keep || e.used.Swap(false) {
			t.hand++
			continue
		}
		t.evict(e) // another takes its slot: the hand stays
	}
}

func (t *table) evict(e *entry) {
	if e.slot < 0 {
		return
	}
	hash := t.hash(e.key)
	s := t.shard(hash)
	s.mu.Lock()
	if s.m[e.key] == e {
		delete(s.m, e.key)
	}
	s.mu.Unlock()
	t.place(hash).CompareAndSwap(e, nil)
	t.unlink(e)
}

// unlink takes an entry out of the ring: the last one takes its slot.
func (t *table) unlink(e *entry) {
	last := len(t.ring) - 1
	t.ring[e.slot] = t.ring[last]
	t.ring[e.slot].slot = e.slot
	t.ring[last] = nil
	t.ring = t.ring[:last]
	t.used -= e.cost
	e.slot = -1
	t.gone = append(t.gone, e)
}

// unlock unlocks mu, and closes the files of what has left: a close may take
// its time.
func (t *table) unlock() {
	gone := t.gone
	t.gone = nil
	t.mu.Unlock()
	for _, e := range gone {
		e.release()
	}
}

// size returns the bytes and the entries that are kept.
func (t *table) size() (bytes int64, entries int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.used, len(t.ring)
}

// clear drops every entry.
func (t *table) clear() {
	t.mu.Lock()
	defer t.unlock()
	for len(t.ring) > 0 {
		t.evict(t.ring[len(t.ring)-1])
	}
}
