package diskstore

import (
	"errors"
	"time"
)

// scrub reads everything back, one object after the other, over and over, and
// removes what is not what was written.
func (s *Store) scrub() {
	p := &pace{store: s, rate: s.opt.ScrubRate}
	for {
		for i := range indexShards {
			for j := 0; ; j++ {
				k, ok := s.index.at(i, j)
				if !ok {
					break
				}
				if !s.scrubObject(k, p) {
					return
				}
			}
		}
		p.debt += s.opt.ScrubRate // a pass takes a second at least
		if !p.spend(0) {
			return
		}
	}
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
		if !p.spend(int64(piece.n)) {
			return false
		}
	}
	return true
}

// pace keeps to a rate of bytes a second.
type pace struct {
	store *Store
	rate  int64
	debt  int64
}

// spend waits until n more bytes are due. It reports false when the store is closed.
func (p *pace) spend(n int64) bool {
	p.debt += n
	if p.debt < min(blockSize, p.rate) {
		return p.store.ctx.Err() == nil
	}
	wait := time.NewTimer(time.Duration(float64(p.debt) / float64(p.rate) * float64(time.Second)))
	p.debt = 0
	select {
	case <-wait.C:
		return true
	case <-p.store.ctx.Done():
		wait.Stop()
		return false
	}
}
