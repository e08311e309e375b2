package diskstore

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"sync"
	"sync/atomic"
	"syscall"

	"freshet/internal/atrest"
)

// Object is what Get found: the record as it was then, whatever happens to the
// key later. It is held until Release; its methods may be called at once.
type Object struct {
	store *Store
	key   Key
	rec   *Record
	refs  atomic.Int32

	mu    sync.Mutex // guards files
	files []*BodyFile
}

func isGone(err error) bool { return errors.Is(err, fs.ErrNotExist) }

// isRotten tells errors that lie in a file from those of the moment, such as
// too many descriptors. What is sealed by a key that is not there any more
// nobody can read, ever.
func isRotten(err error) bool {
	return errors.Is(err, errCorrupt) || errors.Is(err, syscall.EIO) || errors.Is(err, atrest.ErrNoKey)
}

// Get returns the object of k, or ErrNotFound; another error if it could not
// be read. An object that is not what was written is removed and not found.
func (s *Store) Get(k Key) (*Object, error) {
	if err := s.usable(); err != nil {
		return nil, err
	}
	return s.get(k, s.index.touch(k, s.clock.of(s.opt.Now())), true)
}

// Peek is Get for who only looks: for eviction it is no use.
func (s *Store) Peek(k Key) (*Object, error) {
	if err := s.usable(); err != nil {
		return nil, err
	}
	_, known := s.index.get(k)
	return s.get(k, known, false)
}

// get reads the object of k, which the index knows or not, to use it or to look.
func (s *Store) get(k Key, known, used bool) (*Object, error) {
	if !known && s.indexed.Load() {
		return nil, ErrNotFound
	}
	l := s.stripe(&k)
	l.RLock()
	rec, info, err := s.readRecordInfo(&k)
	if err != nil {
		l.RUnlock()
		if !known && isGone(err) {
			return nil, ErrNotFound
		}
		return nil, s.unreadable(k, err)
	}
	for i := range rec.Bodies {
		if rec.Bodies[i].Inline == nil {
			s.retain(rec.Bodies[i].ID)
		}
	}
	l.RUnlock()
	switch {
	case s.shared != nil && used:
		s.touchShared(&k, info)
	case s.shared == nil && !known:
		s.discover(k, rec)
	}
	o := &Object{store: s, key: k, rec: rec}
	o.refs.Store(1)
	return o, nil
}

// readRecord reads the metadata file of k; its stripe is held.
func (s *Store) readRecord(k *Key) (*Record, error) {
	rec, _, err := s.readRecordInfo(k)
	return rec, err
}

// readRecordInfo is readRecord with what the file system says of the file.
func (s *Store) readRecordInfo(k *Key) (*Record, fs.FileInfo, error) {
	f, err := s.fs.OpenFile(s.metaPath(k), os.O_RDONLY, 0)
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, nil, err
	}
	size := info.Size()
	if !info.Mode().IsRegular() || size < headSize || size > s.maxRecord() {
		return nil, nil, errCorrupt
	}
	file := make([]byte, size)
	if n, err := f.ReadAt(file, 0); int64(n) < size {
		if err == io.EOF {
			err = errCorrupt
		}
		return nil, nil, err
	}
	rec, err := s.decode(file, k)
	return rec, info, err
}

// maxRecord is more than a metadata file can be long: Meta, inline bodies, and
// the sums and extents of bodies that fit the budget.
func (s *Store) maxRecord() int64 {
	sum, more := int64(4), int64(0)
	if s.opt.Seal != nil {
		sum, more = sealSize, 4*MaxExtents*sealSize+maxPens*maxPen
	}
	n := int64(s.opt.MaxMeta) + MaxBodies*(int64(max(s.opt.InlineMax, 0))+bodySize+20*MaxExtents+more) + s.opt.MaxBytes/blockSize*sum + headSize
	if s.opt.Seal != nil {
		n = atrest.MaxSealedSize(n)
	}
	return n
}

// unreadable turns the error of readRecord into Get's.
func (s *Store) unreadable(k Key, err error) error {
	switch {
	case isGone(err):
		// Somebody else removed the file, or it never was.
		l := s.stripe(&k)
		l.Lock()
		defer l.Unlock()
		if _, err := s.readRecord(&k); isGone(err) {
			s.forget(k)
		}
		return ErrNotFound
	case isRotten(err):
		s.rotten(k, 0, err)
		return ErrNotFound
	}
	return fmt.Errorf("read object: %w", err)
}

// forget drops k from the index when its metadata file is gone, and removes
// what it leaves; the stripe is held.
func (s *Store) forget(k Key) {
	e, known := s.index.remove(k)
	s.budget.give(e.cost())
	if known && e.files() {
		s.strays(k, nil)
	}
}

// rotten removes k if it still is what was found corrupt: its metadata, or the
// body with that ID.
func (s *Store) rotten(k Key, id uint64, why error) {
	l := s.stripe(&k)
	l.Lock()
	defer l.Unlock()
	rec, err := s.readRecord(&k)
	if err == nil && (id == 0 || rec.body(id) == nil) || err != nil && !isRotten(err) {
		return
	}
	if s.shared != nil && isGone(why) {
		_, _ = s.remove(k) // another process had the body removed
		return
	}
	s.corrupt.Add(1)
	s.opt.Log.Warn("disk store removes a corrupt object", "dir", s.opt.Dir, "key", fmt.Sprintf("%x", k[:]), "error", why)
	if errors.Is(why, syscall.EIO) {
		_ = s.failed(why)
	}
	if _, err := s.remove(k); err != nil {
		_ = s.failed(err)
	}
}

// discover enters an object into the index that was there before this life.
func (s *Store) discover(k Key, rec *Record) {
	l := s.stripe(&k)
	l.Lock()
	defer l.Unlock()
	if _, known := s.index.get(k); known {
		return
	}
	if now, err := s.readRecord(&k); err == nil {
		s.enter(k, now.cost(), now.files(), s.clock.of(s.opt.Now()))
	}
}

// enter adds what was found to the index; the stripe is held.
func (s *Store) enter(k Key, cost int64, files bool, stamp uint32) {
	s.index.set(makeEntry(k, cost, files, stamp))
	s.budget.found(cost)
}

// Record is what is stored. Nothing in it may be changed.
func (o *Object) Record() *Record { return o.rec }

// Retain adds a holder; each calls Release once.
func (o *Object) Retain() { o.refs.Add(1) }

// Release ends the use of o. Bodies that were opened have their own holders.
func (o *Object) Release() {
	if o.refs.Add(-1) > 0 {
		return
	}
	for _, f := range o.files {
		if f != nil {
			f.Release()
		}
	}
	for i := range o.rec.Bodies {
		if o.rec.Bodies[i].Inline == nil {
			o.store.release(o.rec.Bodies[i].ID)
		}
	}
}

// OpenBody opens the i-th body; the caller releases it. All who open it
// through one Object share a descriptor.
func (o *Object) OpenBody(i int) (*BodyFile, error) {
	if i < 0 || i >= len(o.rec.Bodies) {
		return nil, ErrNotFound
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.files == nil {
		o.files = make([]*BodyFile, len(o.rec.Bodies))
	}
	if o.files[i] == nil {
		f, err := o.store.openBody(o.key, &o.rec.Bodies[i])
		if err != nil {
			return nil, err
		}
		o.files[i] = f
	}
	o.files[i].Retain()
	return o.files[i], nil
}
