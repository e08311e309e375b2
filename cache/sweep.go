package cache

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"freshet/internal/diskstore"

	"github.com/maypok86/otter/v2"
)

// sweeper goes through all that is stored after a purge, in the background: what
// is gone makes room, and what is counted ends on the receipt.
type sweeper struct {
	ctx  context.Context // ends with Close
	stop context.CancelFunc
	wg   sync.WaitGroup

	mu      sync.Mutex // guards all below
	running bool
	again   bool // something was purged since the last round began
	closed  bool
	rounds  int
	idle    chan struct{} // closed when it ends; nil when nobody waits

	// counting are the epochs that count what they are about as it is found, or
	// leaves.
	counting atomic.Pointer[[]*epoch]
}

// sweepStep is how many keys the sweep looks at before it lets others run.
const sweepStep = 256

// count notes which epochs are to be counted.
func (s *Store) count() {
	t := &s.epochs
	t.mu.RLock()
	defer t.mu.RUnlock()
	s.sweeper.mu.Lock() // so that the latest list stays
	defer s.sweeper.mu.Unlock()
	es := t.unsweptLocked(false)
	if len(es) == 0 {
		s.sweeper.counting.Store(nil)
		return
	}
	s.sweeper.counting.Store(&es)
}

// sweep has the sweep begin, or begin again.
func (s *Store) sweep() {
	w := &s.sweeper
	w.mu.Lock()
	defer w.mu.Unlock()
	w.again = true
	if w.running || w.closed {
		return
	}
	w.running = true
	w.wg.Go(s.sweepRounds)
}

func (s *Store) sweepRounds() {
	w := &s.sweeper
	for {
		w.mu.Lock()
		if !w.again || w.closed {
			w.running = false
			if w.idle != nil {
				close(w.idle)
				w.idle = nil
			}
			w.mu.Unlock()
			return
		}
		w.again = false
		w.mu.Unlock()
		s.sweepOnce()
		w.mu.Lock()
		w.rounds++
		w.mu.Unlock()
	}
}

// AwaitSweep waits until what was purged so far has been swept, or ctx ends; then
// it returns its error.
func (s *Store) AwaitSweep(ctx context.Context) error {
	w := &s.sweeper
	w.mu.Lock()
	if !w.running {
		w.mu.Unlock()
		return nil
	}
	if w.idle == nil {
		w.idle = make(chan struct{})
	}
	idle := w.idle
	w.mu.Unlock()
	select {
	case <-idle:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (w *sweeper) close() {
	w.mu.Lock()
	w.closed = true
	w.mu.Unlock()
	w.stop()
	w.wg.Wait()
}

// sweepOnce goes through all once, for the epochs of the moment.
func (s *Store) sweepOnce() {
	batch := s.epochs.unswept(true)
	if len(batch) == 0 {
		return
	}
	counted := s.epochs.unswept(false)
	walk := len(counted) > 0
	if walk && !s.sweepMemory() {
		return
	}
	if s.disk != nil {
		before := s.disk.stuck.Load()
		if !s.sweepDisk(counted) {
			return
		}
		if s.disk.stuck.Load() != before {
			s.epochs.notDirect(batch) // a file could not be removed: the epochs stay, for the next sweep
			return
		}
	}
	s.swept(batch)
}

// swept notes that epochs were swept.
func (s *Store) swept(batch []*epoch) {
	now := s.now()
	t := &s.epochs
	t.mu.Lock()
	numbers, walked := make([]uint64, len(batch)), make([]bool, len(batch))
	for i, e := range batch {
		numbers[i], walked[i], e.swept, e.since = e.number, !e.direct, true, now
	}
	s.forgetSwept(now, slices.Contains(walked, true))
	t.mu.Unlock()
	s.count()
	var lines []purgeLine
	for i, e := range batch {
		if e.sel.kind == selectTag {
			s.census.swept(e.sel.value, e.number)
		}
		if e.by != nil && walked[i] && e.by.swept(now) {
			snapshot := e.by.snapshot()
			lines = append(lines, purgeLine{Receipt: &snapshot})
		}
	}
	if s.disk == nil {
		return
	}
	lines = append(lines, purgeLine{Swept: numbers})
	if err := s.keepPurge(false, func() []purgeLine { return lines }); err != nil {
		s.opt.ErrorLog.Warn("cache: keep what was swept", "err", err)
	}
}

// forgetSwept forgets epochs of which nothing can come back; all says that all
// that is stored was looked at, for those that were swept before a start, too.
// s.epochs.mu is held.
func (s *Store) forgetSwept(now int64, all bool) {
	if s.shared { // others may have answers on their way
		return
	}
	if s.disk == nil {
		s.epochs.forgetOld(now)
		return
	}
	if all {
		for _, e := range s.epochs.all {
			if e.swept && e.since == 0 {
				e.since = now
			}
		}
	}
	s.epochs.forgetOld(now - int64(settled))
}

// sweepMemory goes through what is in memory; false: the store closes.
func (s *Store) sweepMemory() bool {
	n := 0
	for key, r := range s.memory.All() {
		if len(r.objects) > 0 {
			s.sweepKey(key, r)
		}
		if n++; n%sweepStep == 0 {
			if s.sweeper.ctx.Err() != nil {
				return false
			}
			runtime.Gosched()
		}
	}
	return true
}

// sweepKey counts what is under a key, and removes what is gone.
func (s *Store) sweepKey(key string, r *resource) {
	gone := false
	for _, o := range r.objects {
		s.account(key, o)
		gone = gone || s.gone(o, key)
	}
	if gone {
		s.removeGone(key)
	}
}

func (s *Store) removeGone(key string) {
	_ = s.change(key, func(r *resource) *resource { return s.withoutGone(key, r) })
}

// withoutGone returns a resource without what is gone, nil when nothing is left.
func (s *Store) withoutGone(key string, r *resource) *resource {
	if r == nil {
		return nil
	}
	var kept []*object
	for _, o := range r.objects {
		hard, _ := s.epochs.of(key, o, 0)
		if hard == nil {
			kept = append(kept, o)
			continue
		}
		s.lostTo(hard, key)
	}
	switch len(kept) {
	case len(r.objects):
		return r
	case 0:
		return nil
	}
	n := *r
	n.objects = kept
	return &n
}

// sweepDisk goes through what is on disk, and waits until what was removed is
// off it; false: the store closes.
func (s *Store) sweepDisk(counted []*epoch) bool {
	t := s.disk
	if !t.drain(s.sweeper.ctx) {
		return false
	}
	if len(counted) == 0 {
		return true
	}
	for !s.shared && !t.files.Stats().Indexed {
		select {
		case <-s.sweeper.ctx.Done():
			return false
		case <-time.After(10 * time.Millisecond):
		}
	}
	for keys := range t.files.Batches {
		for i, k := range keys {
			if i%sweepStep == 0 {
				if s.sweeper.ctx.Err() != nil {
					return false
				}
				runtime.Gosched()
			}
			s.sweepFile(k, counted)
		}
	}
	return s.sweeper.ctx.Err() == nil && t.drain(s.sweeper.ctx)
}

// sweepFile is sweepKey for what is on disk. What stays is counted for the epochs
// of this round alone: the next one will find it again.
func (s *Store) sweepFile(k diskstore.Key, counted []*epoch) {
	t := s.disk
	stored, err := t.files.Peek(k)
	if err != nil {
		if !errors.Is(err, diskstore.ErrNotFound) && !errors.Is(err, diskstore.ErrCorrupt) {
			t.stuck.Add(1) // it may be read later
		}
		return
	}
	d := &decoder{rest: stored.Record().Meta}
	d.byte()
	key := d.text()
	changes := t.changes(key)
	before := changes.Load()
	r, ok := t.decode(key, k, stored.Record())
	stored.Release()
	if !ok {
		return
	}
	if s.shared {
		s.sweepKey(key, r)
		return
	}
	if m, ok := glance(s, key); ok {
		s.sweepKey(key, m)
		return
	}
	gone := false
	for _, o := range r.objects {
		if s.gone(o, key) {
			gone = true
			s.account(key, o)
		} else {
			accountTo(counted, key, o)
		}
	}
	if !gone {
		return
	}
	left := s.withoutGone(key, r)
	late := left != nil
	if left == nil {
		l := t.changesOf(key)
		l.Lock()
		s.memory.Compute(key, func(old *resource, found bool) (*resource, otter.ComputeOp) {
			if late = found || changes.Load() != before; !late {
				t.save(key, nil)
			}
			return old, otter.CancelOp
		})
		l.Unlock()
		t.awaitRoom()
	}
	if late {
		s.removeGone(key)
	}
}

// account counts an object for the purges that it belongs to, once each.
func (s *Store) account(key string, o *object) {
	if list := s.sweeper.counting.Load(); list != nil {
		accountTo(*list, key, o)
	}
}

func accountTo(list []*epoch, key string, o *object) {
	if len(list) == 0 {
		return
	}
	counted := o.prepared.counted.Load()
	last := list[len(list)-1].number
	if last <= max(counted, o.born) || !o.prepared.counted.CompareAndSwap(counted, last) {
		return
	}
	var by *receipt
	for _, e := range list {
		if e.number <= counted || e.by == by && by != nil || !e.about(key, o) {
			continue
		}
		by = e.by
		bytes := int64(0)
		if !e.soft {
			bytes = o.body.have()
		}
		if by != nil {
			by.counts(1, bytes)
		}
		if !e.soft {
			return // what comes later was never about it
		}
	}
}

// left counts what is stored no more after a change.
func (s *Store) left(key string, before, after *resource) {
	if before == nil || s.sweeper.counting.Load() == nil {
		return
	}
	for _, o := range before.objects {
		if !after.holds(o) {
			s.account(key, o)
		}
	}
}

// holds reports whether an object itself is among those of a resource.
func (r *resource) holds(o *object) bool {
	if r != nil {
		for _, other := range r.objects {
			if other == o {
				return true
			}
		}
	}
	return false
}

// wouldPurge counts what a purge is about.
func (s *Store) wouldPurge(p *Purge) Receipt {
	r := newReceipt("", p.What, p.Soft, s.now())
	at := r.r.Time.UnixNano()
	look := func(key string, res *resource) {
		for _, o := range res.objects {
			if s.gone(o, key) {
				continue
			}
			for i := range p.What {
				if p.What[i].about(key, o, at) {
					r.counts(1, o.body.have())
					break
				}
			}
		}
	}
	for key, res := range s.memory.All() {
		look(key, res)
	}
	if s.disk != nil {
		s.disk.each(func(key string, res *resource) bool {
			if _, ok := glance(s, key); !ok {
				look(key, res)
			}
			return true
		})
	}
	r.finish(s.now())
	return r.r
}
