package diskstore

import (
	"io/fs"
	"path/filepath"
	"strings"
)

// Clear removes everything at once: when it returns nothing is found any more.
// The files go in the background, and stay counted until they are gone. Bodies
// that are not put yet are not touched. After an error nothing has changed.
func (s *Store) Clear() error {
	if err := s.usable(); err != nil {
		return err
	}
	if s.shared != nil {
		return s.clearShared()
	}
	for i := range s.stripes {
		s.stripes[i].Lock()
		defer s.stripes[i].Unlock()
	}
	if err := s.fs.Rename(s.path("objects"), s.trash()); err != nil && !isGone(err) {
		return s.failed(err)
	}
	err := s.mkdir(s.path("objects"))
	s.cleared.Add(1)
	s.budget.scrap(s.index.clear())
	s.seen.clear()
	s.indexed.Store(true)
	s.inBackground(s.sweep)
	if err != nil {
		return s.failed(err) // the next Put fails too; all is gone nevertheless
	}
	return nil
}

// inBackground runs f in a goroutine that Close waits for, unless it is too late.
func (s *Store) inBackground(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closed.Load() {
		s.background.Go(f)
	}
}

// sweep removes what Open and Clear set aside.
func (s *Store) sweep() {
	s.sweeping.Lock()
	defer s.sweeping.Unlock()
	generation := s.cleared.Load()
	names, err := s.fs.ReadDir(s.opt.Dir)
	for _, d := range names {
		if strings.HasPrefix(d.Name(), "trash-") && !s.sweepTree(s.path(d.Name()), d) {
			return
		}
	}
	// Held, so that no Clear adds to what is left meanwhile.
	l := &s.stripes[0]
	l.RLock()
	defer l.RUnlock()
	if err == nil && s.cleared.Load() == generation && s.indexed.Load() {
		s.budget.knowAll()
	}
}

// sweepTree removes a file or a directory with all that is in it, and returns
// the bytes one file after the other. It reports whether all is gone.
func (s *Store) sweepTree(name string, d fs.DirEntry) bool {
	if s.ctx.Err() != nil {
		return false
	}
	gone, size := true, int64(0)
	if d.IsDir() {
		inside, err := s.fs.ReadDir(name)
		if err != nil && !isGone(err) {
			return false
		}
		for _, d := range inside {
			gone = s.sweepTree(filepath.Join(name, d.Name()), d) && gone
		}
	} else if info, err := d.Info(); err == nil {
		size = onDisk(info.Size())
	}
	if err := s.fs.Remove(name); err != nil && !isGone(err) {
		return false
	}
	s.budget.scrapped(size)
	return gone
}

// clearShared is Clear of a shared directory. The files are gone when it returns.
func (s *Store) clearShared() error {
	if err := s.fs.Rename(s.path("objects"), s.trash()); err != nil && !isGone(err) {
		return s.failed(err)
	}
	s.cleared.Add(1)
	s.sweepTrash()
	_ = s.fs.Remove(s.path("sum"))
	return nil
}
