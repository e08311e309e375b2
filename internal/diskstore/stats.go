package diskstore

// Stats is what a store tells of itself.
type Stats struct {
	Bytes, MaxBytes     int64 // occupied at most, and the limit
	Entries, MaxEntries int64 // known, and the limit
	Indexed             bool  // whether all that was there at the start is counted
	State               State
	Err                 error // what the disk last failed with, or nil
	Evictions           int64 // objects removed to make room
	Corrupt             int64 // objects removed because they were not what was written
	Scrubbed            int64 // bytes of bodies read back in the background
}

// Touch says that k was used, for eviction. It costs a look-up in memory.
// Of a shared store, Get has done that.
func (s *Store) Touch(k Key) { s.index.touch(k, s.clock.of(s.opt.Now())) }

// Stats returns the state of this moment.
func (s *Store) Stats() Stats {
	h := &s.health
	h.mu.Lock()
	state, err := h.state, h.err
	h.mu.Unlock()
	bytes := s.budget.total()
	if s.shared != nil {
		bytes, _ = s.sum()
	}
	return Stats{
		Bytes: bytes, MaxBytes: s.opt.MaxBytes,
		Entries: s.index.count.Load(), MaxEntries: s.opt.MaxEntries,
		Indexed: s.indexed.Load(), State: state, Err: err,
		Evictions: s.evictions.Load(), Corrupt: s.corrupt.Load(), Scrubbed: s.scrubbed.Load(),
	}
}
