package diskstore

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
)

// pending is a body that a Writer has finished and no Put has taken yet, or
// one that a Writer adds to.
type pending struct {
	body     Body // once finished
	finished bool
	reserved int64 // of the budget
	adder    bool  // to a stored body of key
	key      Key
}

var recordBuffers = sync.Pool{New: func() any { return new([]byte) }}

// Put stores r for k in place of what was there. The bodies of r are ones that
// a Writer finished and that were not put yet, or that are stored for k now; a
// body has one key. Bodies that are not in r are removed when nobody holds
// them. Only the metadata file is written, and small bodies are inside it.
//
// After an error what was stored before still is, and new bodies may be gone:
// abort their Writers. Two callers that change one key's record, each from what
// Get told, must take turns: the last Put wins.
func (s *Store) Put(k Key, r *Record) error { return s.putOver(k, r, nil) }

// putOver is Put over what is there; unless was is nil, only if that still is
// what it says.
func (s *Store) putOver(k Key, r, was *Record) error {
	if err := r.check(s.opt.MaxMeta); err != nil {
		return fmt.Errorf("put: %w", err)
	}
	if err := s.writable(); err != nil {
		return err
	}
	if _, known := s.index.get(k); !known && s.shared == nil {
		if err := s.reserveEntry(); err != nil {
			return err
		}
		defer s.coming.Add(-1)
	}
	file, r := s.encode(k, r)
	defer freeRecord(file)
	meta := onDisk(int64(len(*file)))
	if err := s.reserve(meta); err != nil {
		return err
	}
	name, err := s.writeRecord(*file)
	if err != nil {
		s.budget.give(meta)
		return s.failed(err)
	}
	l := s.stripe(&k)
	l.Lock()
	defer l.Unlock()
	if was != nil && !s.still(k, was) {
		s.budget.give(meta)
		_ = s.fs.Remove(name)
		return errChanged
	}
	if err := s.putLocked(k, r, name, meta); err != nil {
		s.budget.give(meta)
		_ = s.fs.Remove(name)
		return err
	}
	s.recovered()
	return nil
}

// encode returns the metadata file of r, to be freed, and r with what is known
// of it then.
func (s *Store) encode(k Key, r *Record) (*[]byte, *Record) {
	file := recordBuffers.Get().(*[]byte)
	*file = appendRecord((*file)[:0], k, r)
	if s.opt.Seal == nil {
		return file, r
	}
	sealed := recordBuffers.Get().(*[]byte)
	*sealed = s.opt.Seal.Seal((*sealed)[:0], *file, recordPurpose(&k))
	freeRecord(file)
	return sealed, &Record{Meta: r.Meta, Bodies: r.Bodies, size: int64(len(*sealed))}
}

func freeRecord(file *[]byte) {
	if cap(*file) <= 1<<20 {
		recordBuffers.Put(file)
	}
}

// writeRecord writes a metadata file aside. That is not only for safety: all
// files being made in one folder, a file system gives them neighbouring inodes,
// and ext4 then needs half the time or less, the renaming included.
func (s *Store) writeRecord(file []byte) (name string, err error) {
	name = s.temporary(rand.Uint64())
	return name, s.writeFile(name, file)
}

// putLocked moves the bodies and then the metadata file into place, so that a
// crash leaves either the old record, or the new one with all its bodies.
func (s *Store) putLocked(k Key, r *Record, name string, meta int64) error {
	if err := s.usable(); err != nil {
		return err
	}
	e, known := s.index.get(k)
	var old *Record
	unreadable := false
	if known && e.files() || !known && !s.indexed.Load() {
		var err error
		old, err = s.readRecord(&k)
		unreadable = err != nil && !isGone(err)
	}
	taken, err := s.claim(k, r, old)
	if err != nil {
		return err
	}
	if err := s.settle(k, name, taken); err != nil {
		return s.failed(err)
	}

	if !known && old != nil && s.shared == nil {
		s.budget.found(old.cost())
		e = makeEntry(k, old.cost(), old.files(), 0)
	}
	cost := r.cost()
	if old != nil {
		cost = r.costWithWaste(old, e.cost()-old.cost())
	}
	give := e.cost() + meta - cost
	for _, p := range taken {
		give += p.reserved
	}
	var dropped []*Body
	if old != nil {
		for i := range old.Bodies {
			if b := &old.Bodies[i]; b.Inline == nil && r.body(b.ID) == nil {
				dropped = append(dropped, b)
				give -= b.cost()
			}
		}
	}
	if s.shared != nil {
		n := meta
		for _, p := range taken {
			n += p.reserved
		}
		defer s.wrote(n)
	} else {
		s.budget.give(give)
		s.index.set(makeEntry(k, cost, r.files(), s.clock.of(s.opt.Now())))
	}
	for _, b := range dropped {
		s.doom(b.ID, s.bodyPath(&k, b.ID), b.cost())
	}
	if unreadable {
		s.strays(k, r)
	}
	return nil
}

// charge makes n bytes that were reserved the object's of k, if it still has
// the body that they were written to; the stripe is held.
func (s *Store) charge(k Key, id uint64, n int64) {
	if rec, err := s.readRecord(&k); err == nil && rec.body(id) != nil {
		if e, known := s.index.get(k); known {
			s.index.set(makeEntry(k, e.cost()+n, e.files(), e.stamp))
			return
		}
	}
	s.budget.give(n)
}

// costWithWaste is what r costs in place of old, to whose bodies so many bytes
// were written that no record tells of. They are at most what holes can hold.
func (r *Record) costWithWaste(old *Record, waste int64) int64 {
	cost, most := r.cost(), onDisk(encodedSize(r))
	kept := false
	for i := range r.Bodies {
		if b := &r.Bodies[i]; b.Inline == nil {
			most += onDisk(b.Size)
			kept = kept || old.body(b.ID) != nil
		}
	}
	if !kept {
		return cost
	}
	return min(cost+max(waste, 0), max(most, cost))
}

// claim takes the bodies that r brings out of s.pending.
func (s *Store) claim(k Key, r *Record, old *Record) (taken []*pending, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range r.Bodies {
		b := &r.Bodies[i]
		if b.Inline != nil {
			continue
		}
		p, stored := s.pending[b.ID], old.body(b.ID)
		switch {
		case p != nil && p.finished && !p.adder:
			taken = append(taken, p)
		case stored == nil:
			return nil, fmt.Errorf("put: body %016x: %w", b.ID, ErrNotFound)
		case p != nil && p.finished && p.key == k && slices.Equal(p.body.Extents, b.Extents):
			taken = append(taken, p)
		}
	}
	for _, p := range taken {
		delete(s.pending, p.body.ID)
	}
	return taken, nil
}

// settle renames bodies and metadata to their places; if that fails the new
// bodies are removed.
func (s *Store) settle(k Key, name string, taken []*pending) (err error) {
	for _, p := range taken {
		if !p.adder && err == nil {
			err = s.place(k, s.temporary(p.body.ID), s.bodyPath(&k, p.body.ID))
		}
	}
	if err == nil {
		err = s.place(k, name, s.metaPath(&k))
	}
	if err == nil {
		return nil
	}
	for _, p := range taken {
		if p.adder {
			s.charge(k, p.body.ID, p.reserved)
			continue
		}
		_ = s.fs.Remove(s.temporary(p.body.ID))
		s.unlink(p.body.ID, s.bodyPath(&k, p.body.ID), p.reserved)
	}
	return err
}

// place renames a file into k's directory, which it makes at the first use.
func (s *Store) place(k Key, from, to string) error {
	err := s.fs.Rename(from, to)
	if !isGone(err) {
		return err
	}
	err = s.mkdir(s.dirOf(&k))
	if isGone(err) && s.shared != nil { // the first object, or another process cleared
		if err = s.mkdir(s.path("objects")); err == nil {
			err = s.mkdir(s.dirOf(&k))
		}
	}
	if err != nil {
		return err
	}
	return s.fs.Rename(from, to)
}

// Delete removes what is stored for k, now for everyone who asks and as soon
// as nobody holds it for the disk. It is no error if there is nothing. After
// another error the object may still be there.
func (s *Store) Delete(k Key) error {
	if err := s.usable(); err != nil {
		return err
	}
	l := s.stripe(&k)
	l.Lock()
	defer l.Unlock()
	if _, known := s.index.get(k); !known && s.indexed.Load() {
		return nil
	}
	if _, err := s.remove(k); err != nil {
		return s.failed(err)
	}
	return nil
}

// remove removes k's files, the metadata first; the stripe is held.
func (s *Store) remove(k Key) (removed bool, err error) {
	e, known := s.index.get(k)
	var rec *Record
	if !known || e.files() {
		rec, err = s.readRecord(&k)
		if isGone(err) {
			s.forget(k)
			return false, nil
		}
		if err != nil && !isRotten(err) {
			return false, err
		}
	}
	if err := s.fs.Remove(s.metaPath(&k)); err != nil && !isGone(err) {
		return false, err
	}
	if known {
		s.index.remove(k)
	} else if rec != nil {
		s.budget.found(rec.cost())
		e = makeEntry(k, rec.cost(), rec.files(), 0)
	}
	give := e.cost()
	if rec == nil {
		s.budget.give(give)
		if !known || e.files() {
			s.strays(k, nil)
		}
		return true, nil
	}
	for i := range rec.Bodies {
		give -= rec.Bodies[i].cost()
	}
	s.budget.give(give)
	for i := range rec.Bodies {
		if b := &rec.Bodies[i]; b.Inline == nil {
			s.doom(b.ID, s.bodyPath(&k, b.ID), b.cost())
		}
	}
	return true, nil
}

// strays removes bodies of k that keep does not have, after a crash between
// two renames or when the metadata that told of them cannot be read.
func (s *Store) strays(k Key, keep *Record) {
	names, err := s.fs.ReadDir(s.dirOf(&k))
	if err != nil {
		return
	}
	prefix := fmt.Sprintf("%x.", k[:])
	for _, d := range names {
		if strings.HasPrefix(d.Name(), prefix) {
			s.stray(k, d.Name(), keep)
		}
	}
}

// stray removes the named file if it is a body of k which neither keep has nor
// a reader.
func (s *Store) stray(k Key, name string, keep *Record) {
	_, id, isBody := parseName(name)
	if !isBody || keep.body(id) != nil {
		return
	}
	s.live.mu.Lock()
	held := s.live.bodies[id] != nil
	s.live.mu.Unlock()
	if !held {
		s.unlink(id, s.bodyPath(&k, id), 0)
	}
}
