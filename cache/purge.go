package cache

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"freshet/internal/rule"
)

// A Purge asks for what is stored to be forgotten, or with Soft to be validated
// before it is used again.
type Purge struct {
	// ID names the receipt: letters, digits, "-" and "_", MaxReceiptID bytes at
	// most. A purge with the name of one that was done is that one, and not done
	// again. "" makes a name.
	ID   string
	What []Selector // at least one, MaxSelectors at most
	Soft bool
	// DryRun counts what would be forgotten, and forgets nothing. It looks at all
	// that is stored.
	DryRun bool
}

// MaxSelectors bounds what one purge is about.
const MaxSelectors = 10_000

func (p *Purge) check() error {
	switch {
	case len(p.What) == 0:
		return errors.New("cache: a purge of nothing")
	case len(p.What) > MaxSelectors:
		return fmt.Errorf("cache: a purge of %d; %d are the most at once", len(p.What), MaxSelectors)
	case p.ID != "" && !ValidReceiptID(p.ID):
		return fmt.Errorf("cache: %q is no name for a receipt", p.ID)
	}
	return nil
}

// ErrNotKept is wrapped by the error of a purge that holds, but will not after a
// restart: it could not be written to the disk.
var ErrNotKept = errors.New("it holds until this process ends, but could not be kept on disk")

// PurgeBy purges. However much is stored, that takes one line in a file: what
// it is about is found out when it is asked for, and removed by a sweep in the
// background. When it returns no request that begins finds what was purged; a
// restart changes nothing about that, unless the error wraps [ErrNotKept].
func (s *Store) PurgeBy(p Purge) (Receipt, error) {
	if err := p.check(); err != nil {
		return Receipt{}, err
	}
	if p.DryRun {
		return s.wouldPurge(&p), nil
	}
	s.purging.Lock()
	defer s.purging.Unlock()
	if p.ID == "" {
		p.ID = newReceiptID()
	} else if r := s.done(p.ID); r != nil {
		return r.snapshot(), nil
	}
	r := newReceipt(p.ID, p.What, p.Soft, s.now())
	var es []*epoch
	err := s.keepPurge(true, func() []purgeLine {
		var lines []purgeLine
		es, lines = s.enter(&p, r)
		s.receipts.add(r)
		snapshot := r.snapshot()
		return append([]purgeLine{{Receipt: &snapshot, Due: len(lines)}}, lines...)
	})
	each, found := s.purgeNow(es, r)
	err = errors.Join(err, found)
	snapshot := r.snapshot()
	snapshot.Each = each
	if snapshot.Objects > 0 && err == nil {
		_ = s.keepPurge(false, func() []purgeLine { return []purgeLine{{Receipt: &snapshot}} }) // to be told of later; nothing hangs on it
	}
	s.sweep()
	return snapshot, err
}

// done returns the receipt of a purge that was done, by any process, nil without
// one.
func (s *Store) done(id string) *receipt {
	s.look()
	if r := s.receipts.find(id); r != nil && !r.cut() {
		return r
	}
	return nil
}

// keepPurge calls what, which purges, and keeps the lines that it returns, with
// sync on the disk.
func (s *Store) keepPurge(sync bool, what func() []purgeLine) error {
	if s.disk == nil {
		what()
		return nil
	}
	f := s.disk.purges
	done := false
	err := f.locked(func() error {
		done = true
		return f.append(sync, what()...)
	})
	if !done {
		what()
	}
	if err != nil {
		return fmt.Errorf("cache: %w: %w", ErrNotKept, err)
	}
	return nil
}

// enter enters the epochs of a purge: it holds when enter returns. lines are what
// is to be kept of them.
func (s *Store) enter(p *Purge, r *receipt) (es []*epoch, lines []purgeLine) {
	at := r.r.Time.UnixNano()
	t := &s.epochs
	exact := s.countsAtOnce(p)
	t.mu.Lock()
	number := s.generation.Load()
	left := 0
	for _, sel := range p.What {
		number++
		e := &epoch{number: number, sel: sel, soft: p.Soft, at: at, by: r}
		e.direct = sel.kind == selectKey || sel.kind == selectURL && !s.ruled.Load() || sel.kind == selectAll
		if e.direct && (p.Soft || s.disk == nil) { // else once the disk has it
			e.swept, e.since = true, at
		}
		e.busy = e.direct
		if !e.direct {
			left++
		}
		t.add(e)
		es, lines = append(es, e), append(lines, lineOf(e))
	}
	s.raise(number)
	s.begins(p, r, number, left, exact)
	s.bound(at)
	t.mu.Unlock()
	s.count()
	return es, lines
}

// begins fills in a receipt; s.epochs.mu is held, so that nobody has seen its
// epochs.
func (s *Store) begins(p *Purge, r *receipt, number uint64, left int, exact bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.left, r.exact = left, exact
	if exact {
		if tag := p.What[0].value; p.Soft {
			r.r.Objects = s.census.of(tag)
		} else {
			r.r.Objects = s.census.purge(tag, number)
		}
	}
	r.r.Undoable = p.Soft
	if r.r.Counting = left > 0 && !exact; left == 0 {
		r.finish(r.r.Time.UnixNano())
	}
}

// countsAtOnce reports whether the census knows how many answers a purge is
// about: of one tag, when nothing is still stored that was purged before.
func (s *Store) countsAtOnce(p *Purge) bool {
	return s.disk == nil && len(p.What) == 1 && p.What[0].kind == selectTag && p.What[0].value != anyTag &&
		len(s.epochs.unswept(false)) == 0 && !s.census.overflowing()
}

// bound keeps the number of epochs to its bound; s.epochs.mu is held.
func (s *Store) bound(at int64) {
	t := &s.epochs
	if len(t.all) <= s.maxEpochs {
		return
	}
	if !s.shared { // who shares the folder may have answers on their way
		t.forget(len(t.all)-s.maxEpochs*3/4, func(*epoch) bool { return true })
	}
	if len(t.all) <= s.maxEpochs*3/4 {
		return
	}
	for _, e := range t.widen(at) {
		if e.by != nil && !e.swept {
			e.by.swept(at)
		}
	}
	if s.disk != nil {
		s.disk.purges.broken = true // lines that were written do not hold any more
	}
}

// purgeNow does what is done at once: addresses, and everything. It returns how
// many answers each epoch was about, as far as that is known at once.
func (s *Store) purgeNow(es []*epoch, r *receipt) (each []int64, err error) {
	defer s.epochs.done(es)
	each = make([]int64, len(es))
	for i, e := range es {
		before := r.snapshot().Objects
		switch {
		case !e.busy:
		case e.sel.kind == selectAll:
			t := s.Totals()
			r.counts(max(t.Entries, t.DiskEntries), 0)
			if !e.soft {
				r.counts(0, max(t.MemoryUsed, t.DiskUsed))
				if err = s.dropAll(); err != nil {
					s.epochs.notDirect([]*epoch{e}) // the sweep takes what is left
				}
			}
		default:
			s.purgeKey(e)
		}
		if e.busy {
			each[i] = r.snapshot().Objects - before
		}
	}
	return each, err
}

// purgeKey counts what an epoch of one key is about, and removes it if it is gone.
func (s *Store) purgeKey(e *epoch) {
	count := func(r *resource) (kept []*object) {
		for _, o := range r.objects {
			hard, _ := s.epochs.of(e.sel.value, o, 0)
			if !e.about(e.sel.value, o) || hard != nil && hard.number < e.number {
				kept = append(kept, o)
				continue
			}
			if e.soft {
				e.by.counts(1, 0)
			} else {
				e.by.counts(1, o.body.have())
			}
		}
		return kept
	}
	if e.soft {
		if r := s.peek(e.sel.value); r != nil {
			count(r)
		}
		return
	}
	err := s.change(e.sel.value, func(r *resource) *resource {
		if r == nil || len(r.objects) == 0 {
			return r
		}
		kept := count(r)
		if len(kept) == len(r.objects) {
			return r
		}
		s.lostTo(e, e.sel.value)
		if len(kept) == 0 {
			return nil
		}
		n := *r
		n.objects = kept
		return &n
	})
	if err != nil {
		s.epochs.notDirect([]*epoch{e})
	}
}

// dropAll lets go of all that is stored.
func (s *Store) dropAll() error {
	s.clearing.Store(true)
	s.memory.InvalidateAll()
	s.clearing.Store(false)
	if s.disk != nil {
		return s.disk.clear()
	}
	return nil
}

// UndoPurge has what a soft purge was about used as before, unless it was
// validated meanwhile.
func (s *Store) UndoPurge(id string) (Receipt, error) {
	s.purging.Lock()
	defer s.purging.Unlock()
	s.look()
	r := s.receipts.find(id)
	if r == nil {
		return Receipt{}, ErrNoReceipt
	}
	switch now := r.snapshot(); {
	case !now.Soft:
		return now, fmt.Errorf("the purge %s was not a soft one: what it was about is gone", id)
	case !now.Undone.IsZero():
		return now, fmt.Errorf("the purge %s is undone already", id)
	case !s.undo(id, &s.epochs):
		return now, fmt.Errorf("the purge %s cannot be undone any more", id)
	}
	s.count()
	r.mu.Lock()
	r.r.Undone, r.r.Undoable = time.Unix(0, s.now()).UTC(), false
	if r.r.Counting {
		r.finish(s.now())
	}
	r.mu.Unlock()
	snapshot := r.snapshot()
	return snapshot, s.keepPurge(true, func() []purgeLine { return []purgeLine{{Undo: id}, {Receipt: &snapshot}} })
}

// undo takes out the epochs of a soft purge, and reports whether there were any.
func (s *Store) undo(id string, t *epochs) (found bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.drop(func(e *epoch) bool {
		is := e.soft && e.by != nil && e.by.id == id
		found = found || is
		return is
	})
	return found
}

// PurgeAll removes everything that is stored, or with soft has it validated
// before its next use. An error means that a restart may bring some of it back.
func (s *Store) PurgeAll(soft bool) error {
	_, err := s.PurgeBy(Purge{What: []Selector{Everything()}, Soft: soft})
	return err
}

// Purge removes what is stored for a URL, all variants of it, or with soft has
// it validated before its next use. It returns how many answers there were. The
// URL is absolute; rules for keys apply to it as to a request's.
func (h *Handler) Purge(uri string, soft bool) (int, error) {
	what, err := h.ByURL(uri)
	if err != nil {
		return 0, err
	}
	r, err := h.store.PurgeBy(Purge{What: what, Soft: soft})
	if len(r.Each) == 0 {
		return int(r.Objects), err
	}
	return int(slices.Max(r.Each)), err // the same answers may be under several keys
}

// PurgeKey removes what is stored under a key, or with soft has it validated
// before its next use. It returns how many answers there were.
func (s *Store) PurgeKey(key string, soft bool) int {
	k, ok := s.seal.key(key)
	if !ok {
		return 0
	}
	r, err := s.PurgeBy(Purge{What: []Selector{{kind: selectKey, value: k}}, Soft: soft})
	if err != nil {
		s.opt.ErrorLog.Error("cache: keep what was purged", "err", err)
	}
	return int(r.Objects)
}

// lost remembers what became of a resource that had something.
func (s *Store) lost(key string, r *resource, what fate) {
	if r != nil && len(r.objects) > 0 {
		s.fates.note(s.fates.hash(key), what, s.now())
	}
}

// validated returns an object that is validated before its next use.
func (o *object) validated(why rule.ID) *object {
	c := *o
	c.terms.NoCache, c.must = true, why
	return &c
}

// invalidateGroups drops what is stored of an origin with one of the groups
// (RFC 9875 §3). Nobody waits for the disk: the process may end, but not the
// machine.
func (s *Store) invalidateGroups(origin string, groups []string) {
	s.purging.Lock()
	defer s.purging.Unlock()
	enter := func() (lines []purgeLine) {
		t := &s.epochs
		at := s.now()
		t.mu.Lock()
		defer t.mu.Unlock()
		number := s.generation.Load()
		for _, group := range groups {
			number++
			e := &epoch{number: number, sel: Selector{kind: selectGroup, value: origin + "\n" + group}, at: at}
			t.add(e)
			lines = append(lines, lineOf(e))
		}
		s.bound(at)
		s.raise(number)
		return lines
	}
	if s.disk == nil {
		enter()
		return
	}
	f := s.disk.purges
	if err := f.locked(func() error { return f.append(false, enter()...) }); err != nil {
		s.opt.ErrorLog.Error("cache: keep what was purged", "err", err)
	}
}

// lostTo remembers that what was under a key is gone by a purge.
func (s *Store) lostTo(by *epoch, key string) {
	what := fatePurged
	if by.sel.kind == selectGroup {
		what = fateGrouped
	}
	s.fates.noteBy(s.fates.hash(key), what, s.now(), by.number)
}

// lostToAll is lostTo for the purge of everything that is under way.
func (s *Store) lostToAll(key string, r *resource) {
	if r != nil && len(r.objects) > 0 {
		s.fates.noteBy(s.fates.hash(key), fatePurged, s.now(), s.generation.Load())
	}
}
