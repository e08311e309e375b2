package diskstore

import (
	"context"
	"errors"
	"time"

	"freshet/internal/atrest"
)

// scrub reads everything back, one object after the other, over and over, and
// removes what is not what was written.
func (s *Store) scrub() {
	p := &pace{ctx: s.ctx, rate: s.opt.ScrubRate}
	for {
		for k := range s.Keys {
			if !s.scrubObject(k, p) {
				return
			}
		}
		if !p.wait(s.opt.ScrubEvery) {
			return
		}
	}
}

// Scrubbed is what came of a pass over a store.
type Scrubbed struct {
	Objects int64 // that were looked at
	Bytes   int64 // of bodies that were read back
	Removed int64 // objects that were not what was written, also those found otherwise meanwhile
	// Keys says, of a sealed store, how many objects need each key to be opened;
	// one that was added to after the first key changed needs more than one.
	Keys map[string]int64
	// Resealed is how many of them Reseal has written anew.
	Resealed int64
	// Others says how many files beside the objects need each key: the marker of the
	// folder, and what the store's user adds.
	Others map[string]int64
}

// ErrNoScrub says that a store is not scrubbed: processes share its directory.
var ErrNoScrub = errors.New("disk store: a directory that processes share is not scrubbed")

// Scrub reads everything back once, so many bytes a second at most (0: as fast
// as it goes), beside what Options.ScrubRate says, and removes what is not what
// was written. told, unless it is nil, is called with how many objects of how
// many were looked at. It ends early, with the error of ctx or [ErrClosed],
// when ctx ends or the store is closed; what it says is of the part that was
// done then.
func (s *Store) Scrub(ctx context.Context, rate int64, told func(done, all int64)) (r Scrubbed, err error) {
	return s.pass(ctx, rate, false, told)
}

// Reseal is Scrub that has what another key than the first seals written anew,
// by the first. What changes meanwhile is left: it is sealed by the first anyway.
func (s *Store) Reseal(ctx context.Context, rate int64, told func(done, all int64)) (r Scrubbed, err error) {
	return s.pass(ctx, rate, s.opt.Seal != nil, told)
}

func (s *Store) pass(ctx context.Context, rate int64, reseal bool, told func(done, all int64)) (r Scrubbed, err error) {
	if s.shared != nil {
		return r, ErrNoScrub
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(s.ctx, func() { cancel(ErrClosed) })()
	if rate <= 0 {
		rate = 1 << 50
	}
	p, before := &pace{ctx: ctx, rate: rate, reseal: reseal, keys: map[string]int64{}}, s.corrupt.Load()
	if !s.awaitIndex(ctx) {
		return r, context.Cause(ctx)
	}
	for k := range s.Keys {
		if !s.scrubObject(k, p) {
			break
		}
		if r.Objects++; told != nil {
			told(r.Objects, max(r.Objects, s.index.count.Load()))
		}
	}
	r.Bytes, r.Removed, r.Resealed = p.read, s.corrupt.Load()-before, p.resealed
	if s.opt.Seal == nil {
		return r, context.Cause(ctx)
	}
	r.Keys = p.keys
	r.Others, err = s.passMarker(reseal)
	return r, errors.Join(context.Cause(ctx), err)
}

// passMarker says which key the marker needs, and has it sealed by the first.
func (s *Store) passMarker(reseal bool) (map[string]int64, error) {
	if reseal {
		if err := s.writeMarker(); err != nil {
			return nil, err
		}
	}
	marker, err := s.readMarker()
	if err != nil {
		return nil, err
	}
	key, err := atrest.KeyOf(marker)
	return map[string]int64{key: 1}, err
}

// awaitIndex waits until all is known that was there at the start.
func (s *Store) awaitIndex(ctx context.Context) bool {
	look := time.NewTicker(10 * time.Millisecond)
	defer look.Stop()
	for !s.indexed.Load() {
		select {
		case <-look.C:
		case <-ctx.Done():
			return false
		}
	}
	return ctx.Err() == nil
}

// scrubObject checks one object. It reports whether to go on.
func (s *Store) scrubObject(k Key, p *pace) bool {
	l := s.stripe(&k)
	l.RLock()
	rec, err := s.readRecord(&k)
	if err == nil {
		for i := range rec.Bodies {
			s.retain(rec.Bodies[i].ID)
		}
	}
	l.RUnlock()
	if err != nil {
		_ = s.unreadable(k, err)
		return p.spend(diskBlock)
	}
	defer func() {
		for i := range rec.Bodies {
			s.release(rec.Bodies[i].ID)
		}
	}()
	if !p.spend(onDisk(encodedSize(rec))) {
		return false
	}
	for i := range rec.Bodies {
		if b := &rec.Bodies[i]; b.Inline == nil && !s.scrubBody(k, b, p) {
			return false
		}
	}
	if p.keys == nil || s.opt.Seal == nil {
		return true
	}
	now := rec
	if p.reseal && rec.needsOther(s.opt.Seal.First()) {
		if resealed := s.reseal(k, rec); resealed != nil {
			now = resealed
			p.resealed++
		}
	}
	for name := range now.needs() {
		p.keys[name]++
	}
	return true
}

func (s *Store) scrubBody(k Key, b *Body, p *pace) bool {
	f, err := s.openBody(k, b)
	if err != nil {
		return p.spend(diskBlock)
	}
	defer f.Release()
	last := int64(-1)
	for _, piece := range f.pieces {
		block := piece.start >> blockShift
		if block == last {
			continue
		}
		last = block
		if err := f.verifyBlock(block); errors.Is(err, ErrCorrupt) {
			s.rotten(k, b.ID, err)
			return p.spend(blockSize)
		}
		s.scrubbed.Add(int64(piece.n))
		p.read += int64(piece.n)
		if !p.spend(int64(piece.n)) {
			return false
		}
	}
	return true
}

// pace keeps to a rate of bytes a second.
type pace struct {
	ctx  context.Context
	rate int64
	debt int64
	read int64 // bytes of bodies

	keys     map[string]int64 // how many objects need which; nil: not counted
	reseal   bool             // what another key than the first seals is written anew
	resealed int64
}

// spend waits until n more bytes are due. It reports false when ctx has ended.
func (p *pace) spend(n int64) bool {
	p.debt += n
	if p.debt < min(blockSize, p.rate) {
		return p.ctx.Err() == nil
	}
	d := time.Duration(float64(p.debt) / float64(p.rate) * float64(time.Second))
	p.debt = 0
	return p.wait(d)
}

// wait waits so long. It reports false when ctx has ended.
func (p *pace) wait(d time.Duration) bool {
	wait := time.NewTimer(d)
	select {
	case <-wait.C:
		return true
	case <-p.ctx.Done():
		wait.Stop()
		return false
	}
}
