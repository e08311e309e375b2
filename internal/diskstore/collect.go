package diskstore

import (
	"cmp"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"freshet/internal/filelock"
)

// collect counts what is in a shared directory, and makes room when that is too
// much: what was used least recently goes, until an eighth of the bound is free.
// It also removes what crashes have left: temporary files of processes that
// ended, bodies that no record has, and what Clear has set aside. One process
// does that at a time; another that comes leaves it alone.
//
// Nobody is hurt: an object that is being read has its descriptors, and one
// whose record is read before its body is removed counts as not stored.
func (s *Store) collect() {
	lock, err := filelock.Take(s.path("gc"))
	if err != nil {
		return
	}
	defer lock.Close()
	_, size := s.sum()
	s.sweepTrash()
	used := s.sweepOwners() + s.occupiedBy(s.opt.Dir) // and the few files that say what all is
	all, err := s.listObjects()
	if err != nil {
		return
	}
	for i := range all {
		used += all[i].bytes
	}
	if used > s.opt.MaxBytes {
		slices.SortFunc(all, func(a, b listed) int { return cmp.Compare(a.used, b.used) })
		for i := range all {
			if used <= s.opt.MaxBytes-s.opt.MaxBytes/8 {
				break
			}
			if s.collectObject(&all[i]) {
				used -= all[i].bytes
			}
		}
	}
	s.resetSum(used, size)
}

// listed is an object as its names tell.
type listed struct {
	key   Key
	bytes int64
	used  int64 // when, nanoseconds since 1970
	files bool  // has bodies in files of their own
}

// listObjects returns what there is, and removes bodies without a record.
func (s *Store) listObjects() (all []listed, err error) {
	dirs, err := s.list(s.path("objects"))
	for _, d := range dirs {
		var names []fs.DirEntry
		if names, err = s.list(s.path(filepath.Join("objects", d.Name()))); err != nil {
			break
		}
		for k, files := range byKey(names) {
			all = s.listKey(all, k, files)
		}
	}
	return all, err
}

// listKey adds one object, of which there are these files.
func (s *Store) listKey(all []listed, k Key, names []fs.DirEntry) []listed {
	var rec *Record
	if len(names) > 1 || !strings.HasSuffix(names[0].Name(), ".m") {
		rec, _ = s.readRecord(&k)
	}
	o := listed{key: k}
	whole := false
	for _, d := range names {
		info, err := d.Info()
		if err != nil {
			continue // gone meanwhile
		}
		_, id, isBody := parseName(d.Name())
		switch {
		case !isBody:
			whole, o.used = true, info.ModTime().UnixNano()
		case rec.body(id) == nil:
			if s.opt.Now().Sub(info.ModTime()) > strayAfter {
				s.stray(k, d.Name(), nil)
				continue
			}
			o.files = true
		default:
			o.files = true
		}
		o.bytes += occupied(info)
	}
	if !whole && o.bytes > 0 {
		o.used = s.opt.Now().UnixNano() // its record is coming, or it is a stray of tomorrow
	}
	if o.bytes > 0 {
		all = append(all, o)
	}
	return all
}

// collectObject removes an object to make room.
func (s *Store) collectObject(o *listed) bool {
	l := s.stripe(&o.key)
	l.Lock()
	defer l.Unlock()
	var rec *Record
	if o.files {
		var err error
		if rec, err = s.readRecord(&o.key); err != nil && !isRotten(err) {
			return false
		}
	}
	if s.fs.Remove(s.metaPath(&o.key)) != nil {
		return false
	}
	if rec != nil {
		for i := range rec.Bodies {
			if b := &rec.Bodies[i]; b.Inline == nil {
				s.doom(b.ID, s.bodyPath(&o.key, b.ID), b.cost())
			}
		}
	}
	s.evictions.Add(1)
	return true
}

// sweepOwners removes the temporary files of processes that have ended, and
// returns what those of the living occupy.
func (s *Store) sweepOwners() (used int64) {
	names, err := s.list(s.path("tmp"))
	if err != nil {
		return 0
	}
	for _, d := range names {
		name, isLock := strings.CutSuffix(d.Name(), ".lock")
		if !isLock {
			used += s.occupiedBy(s.ownerDir(d.Name()))
			continue
		}
		if info, err := d.Info(); err != nil || s.opt.Now().Sub(info.ModTime()) < time.Second {
			continue // it is being made
		}
		if lock, err := filelock.Take(s.ownerLock(name)); err == nil {
			_ = s.removeOwner(name, lock)
		}
	}
	return used
}

func (s *Store) occupiedBy(dir string) (n int64) {
	names, err := s.list(dir)
	if err != nil {
		return 0
	}
	for _, d := range names {
		if info, err := d.Info(); err == nil && info.Mode().IsRegular() {
			n += occupied(info)
		}
	}
	return n
}

// sweepTrash removes what Clear has set aside.
func (s *Store) sweepTrash() {
	names, err := s.list(s.opt.Dir)
	if err != nil {
		return
	}
	for _, d := range names {
		if strings.HasPrefix(d.Name(), "trash-") {
			s.sweepTree(s.path(d.Name()), d)
		}
	}
}

// keysShared is Keys of a shared directory.
func (s *Store) keysShared(yield func(Key) bool) {
	dirs, err := s.list(s.path("objects"))
	if err != nil {
		return
	}
	for _, d := range dirs {
		names, err := s.list(s.path(filepath.Join("objects", d.Name())))
		if err != nil {
			return
		}
		for _, n := range names {
			if k, _, isBody := parseName(n.Name()); k != (Key{}) && !isBody && !yield(k) {
				return
			}
		}
	}
}
