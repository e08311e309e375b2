package diskstore

import "sync"

// seen remembers which blocks were compared with their sums in this life: a
// bit for each, in a number for bodies of up to 64 blocks, which for most
// spares a bitmap of their own.
type seen struct{ shards [16]seenShard }

type seenShard struct {
	mu    sync.Mutex // guards all below
	small map[uint64]uint64
	large map[uint64][]uint64
}

func (v *seen) shard(id uint64) *seenShard { return &v.shards[id%16] }

// unseen returns the first block of [first, last] that is not marked.
func (v *seen) unseen(id uint64, first, last int64) (block int64, some bool) {
	s := v.shard(id)
	s.mu.Lock()
	defer s.mu.Unlock()
	bits, many := s.large[id]
	if !many {
		bits = append(make([]uint64, 0, 1), s.small[id])
	}
	for ; first <= last; first++ {
		if word := int(first / 64); word >= len(bits) || bits[word]&(1<<(first%64)) == 0 {
			return first, true
		}
	}
	return 0, false
}

// mark says that a block of a body of that many blocks is as it was written.
func (v *seen) mark(id uint64, block, blocks int64) {
	s := v.shard(id)
	s.mu.Lock()
	defer s.mu.Unlock()
	if blocks <= 64 {
		if s.small == nil {
			s.small = map[uint64]uint64{}
		}
		s.small[id] |= 1 << block
		return
	}
	if s.large == nil {
		s.large = map[uint64][]uint64{}
	}
	if s.large[id] == nil {
		s.large[id] = make([]uint64, (blocks+63)/64)
	}
	s.large[id][block/64] |= 1 << (block % 64)
}

func (v *seen) forget(id uint64) {
	s := v.shard(id)
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.small, id)
	delete(s.large, id)
}

// clear forgets all.
func (v *seen) clear() {
	for i := range v.shards {
		s := &v.shards[i]
		s.mu.Lock()
		s.small, s.large = nil, nil
		s.mu.Unlock()
	}
}
