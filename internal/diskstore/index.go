package diskstore

import (
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"
)

// index knows which objects there are, what they occupy and when they were
// last used. It is what eviction chooses from: of a few entries picked at
// random the least recently used one goes, which comes close to the true order
// and needs no list. An entry costs 40 bytes in an array without pointers, so
// that the garbage collector has nothing to scan, and 6 to 11 in a hash table of positions.
type index struct {
	shards [indexShards]shard
	count  atomic.Int64
}

const indexShards = 16

// samples is how many entries compete to be evicted.
const samples = 16

type shard struct {
	mu      sync.Mutex // guards all below
	entries []entry
	slots   []uint32 // position in entries + 1, by linear probing; 0 is free
}

type entry struct {
	key    Key
	blocks uint32 // of the disk; the highest bit: has bodies in files of their own
	stamp  uint32 // when it was last used, in ticks
}

const filesBit = 1 << 31

func (e entry) cost() int64 { return int64(e.blocks&^filesBit) * diskBlock }
func (e entry) files() bool { return e.blocks&filesBit != 0 }

func makeEntry(k Key, cost int64, files bool, stamp uint32) entry {
	e := entry{k, uint32(min(cost/diskBlock, filesBit-1)), stamp}
	if files {
		e.blocks |= filesBit
	}
	return e
}

// ticks is time in eighths of a second, from some years before the store was
// opened: 32 bits last for 17 years.
type ticks struct{ zero time.Time }

func newTicks(now time.Time) ticks { return ticks{now.AddDate(-8, 0, 0)} }

func (c ticks) of(t time.Time) uint32 {
	n := t.Sub(c.zero) / (time.Second / 8)
	return uint32(min(max(n, 0), 1<<32-1))
}

func (x *index) shard(k *Key) *shard { return &x.shards[k[31]%indexShards] }

// hash mixes all of a key, though it is a hash already: one that is not spread
// evenly costs nothing this way.
func hash(k *Key) uint64 {
	h := le.Uint64(k[0:])
	for i := 8; i < 32; i += 8 {
		h = (h ^ h>>32) * 0x9e3779b97f4a7c15
		h ^= le.Uint64(k[i:])
	}
	h = (h ^ h>>32) * 0x9e3779b97f4a7c15
	return h ^ h>>29
}

// find returns the slot of k, or the free one where it belongs.
func (s *shard) find(k *Key) int {
	mask := len(s.slots) - 1
	for i := int(hash(k)) & mask; ; i = (i + 1) & mask {
		if n := s.slots[i]; n == 0 || s.entries[n-1].key == *k {
			return i
		}
	}
}

func (s *shard) lookup(k *Key) *entry {
	if len(s.slots) == 0 {
		return nil
	}
	if n := s.slots[s.find(k)]; n != 0 {
		return &s.entries[n-1]
	}
	return nil
}

func (s *shard) grow() {
	s.slots = make([]uint32, max(2*len(s.slots), 16))
	for i := range s.entries {
		s.slots[s.find(&s.entries[i].key)] = uint32(i + 1)
	}
}

// set enters e and returns the one that it replaces.
func (x *index) set(e entry) (old entry, existed bool) {
	s := x.shard(&e.key)
	s.mu.Lock()
	defer s.mu.Unlock()
	if p := s.lookup(&e.key); p != nil {
		old, *p = *p, e
		return old, true
	}
	if 4*(len(s.entries)+1) > 3*len(s.slots) {
		s.grow()
	}
	s.slots[s.find(&e.key)] = uint32(len(s.entries) + 1)
	s.entries = append(s.entries, e)
	x.count.Add(1)
	return entry{}, false
}

func (x *index) get(k Key) (entry, bool) {
	s := x.shard(&k)
	s.mu.Lock()
	defer s.mu.Unlock()
	if p := s.lookup(&k); p != nil {
		return *p, true
	}
	return entry{}, false
}

// touch says that k was used, and whether it is known.
func (x *index) touch(k Key, stamp uint32) bool {
	s := x.shard(&k)
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.lookup(&k)
	if p != nil {
		p.stamp = stamp
	}
	return p != nil
}

// remove drops k. The last entry takes its position, and the entries that were
// pushed past its slot move up.
func (x *index) remove(k Key) (entry, bool) {
	s := x.shard(&k)
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.lookup(&k)
	if p == nil {
		return entry{}, false
	}
	old := *p
	free := s.find(&k)
	position := s.slots[free]
	last := uint32(len(s.entries))
	if position != last {
		moved := s.entries[last-1]
		s.slots[s.find(&moved.key)] = position
		s.entries[position-1] = moved
	}
	s.entries = s.entries[:last-1]
	s.close(free)
	x.count.Add(-1)
	return old, true
}

// close frees a slot and keeps every chain of probes whole.
func (s *shard) close(free int) {
	mask := len(s.slots) - 1
	s.slots[free] = 0
	for i := (free + 1) & mask; s.slots[i] != 0; i = (i + 1) & mask {
		home := int(hash(&s.entries[s.slots[i]-1].key)) & mask
		if (i-home)&mask >= (i-free)&mask {
			s.slots[free], s.slots[i] = s.slots[i], 0
			free = i
		}
	}
}

// victim picks an entry that has not been used for long.
func (x *index) victim() (Key, bool) {
	first := rand.IntN(indexShards)
	var best entry
	n := 0
	for i := range indexShards {
		s := &x.shards[(first+i)%indexShards]
		s.mu.Lock()
		all, wanted := len(s.entries), samples-n
		for j := range min(all, wanted) {
			if all > wanted {
				j = rand.IntN(all)
			}
			if e := &s.entries[j]; n == 0 || e.stamp < best.stamp {
				best = *e
			}
			n++
		}
		s.mu.Unlock()
		if n >= samples {
			break
		}
	}
	return best.key, n > 0
}

// at returns the entry at a position of the whole index, for a reader that
// goes through all; ok is false past the end. Entries move: it may miss some.
func (x *index) at(shard, position int) (k Key, ok bool) {
	s := &x.shards[shard]
	s.mu.Lock()
	defer s.mu.Unlock()
	if position >= len(s.entries) {
		return Key{}, false
	}
	return s.entries[position].key, true
}

// Keys calls yield for the objects that are known, in no order, until it returns
// false. What comes and goes meanwhile is seen or not.
func (s *Store) Keys(yield func(Key) bool) {
	if s.shared != nil {
		s.keysShared(yield)
		return
	}
	for i := range indexShards {
		for j := 0; ; j++ {
			k, ok := s.index.at(i, j)
			if !ok {
				break
			}
			if !yield(k) {
				return
			}
		}
	}
}

// clear forgets everything and returns what it occupied.
func (x *index) clear() (cost int64) {
	for i := range x.shards {
		s := &x.shards[i]
		s.mu.Lock()
		for j := range s.entries {
			cost += s.entries[j].cost()
		}
		x.count.Add(-int64(len(s.entries)))
		s.entries, s.slots = nil, nil
		s.mu.Unlock()
	}
	return cost
}
