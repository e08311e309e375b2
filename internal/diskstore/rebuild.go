package diskstore

import (
	"encoding/hex"
	"errors"
	"io/fs"
	"iter"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// rebuild finds out what there is, from names and sizes; metadata is read only
// of objects that have bodies in files. When an object was last used is not
// kept on disk: it is taken to be when its metadata was written.
func (s *Store) rebuild() {
	for !s.walk() {
		select {
		case <-s.ctx.Done():
			return
		case <-time.After(s.opt.RetryAfter):
		}
	}
	s.sweep()
	// Limits may be lower than in the last life.
	for s.ctx.Err() == nil && (s.budget.total() > s.opt.MaxBytes || s.index.count.Load() > s.opt.MaxEntries) {
		if s.evict() != nil {
			return
		}
	}
}

// walk enters all objects into the index. It reports whether it saw all.
// Directories that are made meanwhile have only objects that Put has entered.
func (s *Store) walk() bool {
	generation := s.cleared.Load()
	dirs, err := s.list(s.path("objects"))
	for _, d := range dirs {
		var names []fs.DirEntry
		if names, err = s.list(s.path(filepath.Join("objects", d.Name()))); err != nil {
			break
		}
		if !s.walkDir(names, generation) {
			return s.ctx.Err() == nil // cleared: so all is known
		}
	}
	if err != nil {
		_ = s.failed(err)
		return false
	}
	for i := range s.stripes {
		s.stripes[i].Lock()
		defer s.stripes[i].Unlock()
	}
	s.indexed.Store(true)
	return true
}

// list is what is in a directory; nothing if it is not there, or none.
func (s *Store) list(dir string) ([]fs.DirEntry, error) {
	names, err := s.fs.ReadDir(dir)
	if isGone(err) || errors.Is(err, syscall.ENOTDIR) {
		return nil, nil
	}
	return names, err
}

// walkDir enters the objects of one directory. It reports whether the walk can
// go on: not if the store was cleared meanwhile, or closed.
func (s *Store) walkDir(names []fs.DirEntry, generation int64) bool {
	for k, files := range byKey(names) {
		if s.ctx.Err() != nil || !s.walkKey(k, files, generation) {
			return false
		}
	}
	return true
}

// byKey yields the keys of what is in a directory of objects, each with its
// files. Names that are none of ours are left out. It sorts names.
func byKey(names []fs.DirEntry) iter.Seq2[Key, []fs.DirEntry] {
	return func(yield func(Key, []fs.DirEntry) bool) {
		slices.SortFunc(names, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
		for len(names) > 0 {
			k, _, _ := parseName(names[0].Name())
			n := 1
			for n < len(names) {
				if next, _, _ := parseName(names[n].Name()); next != k {
					break
				}
				n++
			}
			if k != (Key{}) && !yield(k, names[:n]) {
				return
			}
			names = names[n:]
		}
	}
}

// walkKey enters one object and removes bodies that it does not have.
func (s *Store) walkKey(k Key, names []fs.DirEntry, generation int64) bool {
	l := s.stripe(&k)
	l.Lock()
	defer l.Unlock()
	if s.cleared.Load() != generation {
		return false
	}
	_, known := s.index.get(k)
	meta := slices.IndexFunc(names, func(d fs.DirEntry) bool { return strings.HasSuffix(d.Name(), ".m") })
	if meta >= 0 && len(names) == 1 {
		if info, err := names[meta].Info(); err == nil && !known {
			s.enter(k, onDisk(info.Size()), false, s.clock.of(info.ModTime()))
		}
		return true
	}
	rec, err := s.readRecord(&k)
	switch {
	case err == nil && !known:
		stamp := s.clock.of(s.opt.Now())
		if meta >= 0 {
			if info, err := names[meta].Info(); err == nil {
				stamp = s.clock.of(info.ModTime())
			}
		}
		s.enter(k, rec.cost(), rec.files(), stamp)
	case err != nil && isRotten(err):
		s.corrupt.Add(1)
		_, _ = s.remove(k) // with all its bodies
		return true
	case err != nil && !isGone(err):
		return true // Get will find it
	}
	for _, d := range names {
		s.stray(k, d.Name(), rec)
	}
	return true
}

// parseName reads the name of a file: of metadata, or of a body with its ID.
// Of a name that is none of ours the key is zero.
func parseName(name string) (k Key, id uint64, isBody bool) {
	digits, rest, _ := strings.Cut(name, ".")
	if len(digits) != 64 {
		return Key{}, 0, false
	}
	if _, err := hex.Decode(k[:], []byte(digits)); err != nil {
		return Key{}, 0, false
	}
	if rest == "m" {
		return k, 0, false
	}
	id, err := strconv.ParseUint(rest, 16, 64)
	if err != nil || len(rest) != 16 {
		return Key{}, 0, false
	}
	return k, id, true
}
