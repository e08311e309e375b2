package diskstore

import (
	"errors"
	"fmt"
	"sync"
	"syscall"
	"time"
)

// budget counts what the store occupies.
type budget struct {
	mu      sync.Mutex // guards all below
	max     int64
	used    int64 // by what is known, temporary files and those that wait to be removed included
	unknown int64 // at most, by what a new life has not found yet
	// unknownEntries is the same for the number of objects.
	unknownEntries int64
	trash          int64 // the part of used that Clear has set aside
}

func (b *budget) total() int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.used + b.unknown
}

// take reserves n bytes if they are free.
func (b *budget) take(n int64) (total int64, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.used+b.unknown+n > b.max {
		return 0, false
	}
	b.used += n
	return b.used + b.unknown, true
}

// give returns n bytes; a negative n takes them without asking.
func (b *budget) give(n int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.used -= n
}

// found moves one object from the unknown to the known.
func (b *budget) found(cost int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.used += cost
	b.unknown = max(b.unknown-cost, 0)
	b.unknownEntries = max(b.unknownEntries-1, 0)
}

// scrap says that n bytes of what is used, and all that is unknown, have been
// set aside.
func (b *budget) scrap(n int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.trash += n
	b.unknownEntries = 0
}

// scrapped says that n bytes of what was set aside are gone.
func (b *budget) scrapped(n int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	known := min(n, b.trash)
	b.trash -= known
	b.used -= known
	b.unknown = max(b.unknown-(n-known), 0)
}

// knowAll says that nothing is unknown or set aside any more.
func (b *budget) knowAll() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.used -= b.trash
	b.trash, b.unknown, b.unknownEntries = 0, 0, 0
}

func (b *budget) entriesUnknown() int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.unknownEntries
}

// reserve takes n bytes of the budget and evicts until they are there. No
// stripe may be held.
func (s *Store) reserve(n int64) error {
	if n > s.opt.MaxBytes {
		return ErrFull
	}
	if s.shared != nil {
		return nil
	}
	for {
		if total, ok := s.budget.take(n); ok {
			s.raiseUsage(total, 0)
			return nil
		}
		if err := s.evict(); err != nil {
			return err
		}
	}
}

// reserveEntry makes room for one more object, which is coming until the Put ends.
func (s *Store) reserveEntry() error {
	for {
		n := s.coming.Add(1) + s.index.count.Load() + s.budget.entriesUnknown()
		if n <= s.opt.MaxEntries {
			s.raiseUsage(0, n)
			return nil
		}
		s.coming.Add(-1)
		if err := s.evict(); err != nil {
			return err
		}
	}
}

// evict removes one object, or returns ErrFull if there is none.
func (s *Store) evict() error {
	k, ok := s.index.victim()
	if !ok {
		return ErrFull
	}
	l := s.stripe(&k)
	l.Lock()
	defer l.Unlock()
	removed, err := s.remove(k)
	if err != nil {
		return s.failed(err)
	}
	if removed {
		s.evictions.Add(1)
	}
	return nil
}

// health remembers that the disk failed.
type health struct {
	mu    sync.Mutex // guards all below
	until time.Time  // until then nothing is tried
	state State
	err   error
}

// State says whether the store takes what it is given.
type State int

// The states of a store.
const (
	OK      State = iota // it does
	Full                 // the disk is full, or a quota is used up
	Failing              // the disk returns errors
)

func (s State) String() string { return [...]string{"ok", "full", "failing"}[s] }

// failed notes an error of the disk and wraps it.
func (s *Store) failed(err error) error {
	if errors.Is(err, ErrFailing) || errors.Is(err, ErrFull) || errors.Is(err, ErrClosed) {
		return err
	}
	if s.shared != nil && isGone(err) {
		s.disown()
	}
	h := &s.health
	h.mu.Lock()
	news := h.state == OK
	h.state, h.err, h.until = Failing, err, s.opt.Now().Add(s.opt.RetryAfter)
	if errors.Is(err, syscall.ENOSPC) || isQuota(err) {
		h.state = Full
	}
	state := h.state
	h.mu.Unlock()
	if news {
		s.opt.Log.Warn("disk store refuses to store", "dir", s.opt.Dir, "state", state.String(), "error", err, "retry_after", s.opt.RetryAfter)
		if state == Full {
			s.shed()
		}
	}
	return fmt.Errorf("%w: %w", ErrFailing, err)
}

// shed evicts a little, because somebody else filled the disk: without that a
// store which keeps what it has would never store again.
func (s *Store) shed() {
	s.inBackground(func() {
		for range min(s.index.count.Load()/256+1, 1024) {
			if s.ctx.Err() != nil || s.evict() != nil {
				return
			}
		}
	})
}

// ready returns why nothing can be stored now.
func (s *Store) ready() error {
	if err := s.usable(); err != nil {
		return err
	}
	h := &s.health
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.state != OK && s.opt.Now().Before(h.until) {
		return fmt.Errorf("%w: %w", ErrFailing, h.err)
	}
	return nil
}

// writable returns why nothing can be stored now, and makes ready for it.
func (s *Store) writable() error {
	if err := s.ready(); err != nil {
		return err
	}
	if s.shared == nil {
		return nil
	}
	if err := s.own(); err != nil {
		return s.failed(err)
	}
	return nil
}

// recovered notes that something was stored.
func (s *Store) recovered() {
	h := &s.health
	h.mu.Lock()
	news := h.state != OK
	h.state, h.until = OK, time.Time{}
	h.mu.Unlock()
	if news {
		s.opt.Log.Info("disk store stores again", "dir", s.opt.Dir)
	}
}
