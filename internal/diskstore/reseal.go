package diskstore

import (
	"bytes"
	"errors"
	"io"
)

// errChanged says that an object is not what it was when it was read.
var errChanged = errors.New("changed meanwhile")

// needs returns the names of the keys without which r cannot be opened whole.
func (r *Record) needs() map[string]bool {
	all := map[string]bool{r.key: true}
	for i := range r.Bodies {
		for _, pen := range r.Bodies[i].Pens {
			all[pen.Key] = true
		}
	}
	return all
}

// needsOther reports whether r needs another key than that.
func (r *Record) needsOther(key string) bool {
	all := r.needs()
	delete(all, key)
	return len(all) > 0
}

// still reports whether what is stored for k is r; the stripe is held.
func (s *Store) still(k Key, r *Record) bool {
	now, err := s.readRecord(&k)
	return err == nil && bytes.Equal(appendRecord(nil, k, now), appendRecord(nil, k, r))
}

// reseal has an object sealed by the first key, its bodies as new ones, and
// returns its record then; nil when that cannot be done, or it has changed. rec
// is what was read of it, and its bodies are held. Who knows a body by its ID
// does not find it any more, as when it was evicted.
func (s *Store) reseal(k Key, rec *Record) *Record {
	now := &Record{Meta: rec.Meta}
	var writers []*Writer
	defer func() {
		for _, w := range writers {
			w.Abort() // no Put has taken it, or this does nothing
		}
	}()
	for i := range rec.Bodies {
		b := &rec.Bodies[i]
		if !b.needsOther(s.opt.Seal.First()) {
			now.Bodies = append(now.Bodies, *b)
			continue
		}
		w, err := s.copyBody(k, b)
		if w != nil {
			writers = append(writers, w)
		}
		var copied Body
		if err == nil {
			copied, err = w.Finish()
		}
		if err != nil {
			return nil
		}
		now.Bodies = append(now.Bodies, copied)
	}
	if s.putOver(k, now, rec) != nil {
		return nil
	}
	written, err := s.Peek(k)
	if err != nil {
		return nil
	}
	defer written.Release()
	return written.rec
}

func (b *Body) needsOther(key string) bool {
	for i := range b.Pens {
		if b.Pens[i].Key != key {
			return true
		}
	}
	return false
}

// copyBody begins a body with what another has.
func (s *Store) copyBody(k Key, b *Body) (*Writer, error) {
	f, err := s.openBody(k, b)
	if err != nil {
		return nil, err
	}
	defer f.Release()
	w, err := s.OpenSparse(b.Size)
	if err != nil {
		return nil, err
	}
	for _, e := range b.Extents {
		at := e.Start
		n, err := f.parts(e.Start, e.End, func(part []byte) error {
			_, err := w.WriteAt(part, at)
			at += int64(len(part))
			return err
		})
		if err == nil && n < e.End-e.Start {
			err = io.ErrUnexpectedEOF
		}
		if err != nil {
			return w, err
		}
	}
	return w, nil
}
