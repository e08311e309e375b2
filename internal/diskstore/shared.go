package diskstore

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"time"

	"freshet/internal/filelock"
)

// shared is what a store has that is not alone with its directory. There is no
// index and no exact count: what is stored is found by its path, and whoever has
// written much counts and makes room; see [Store.collect].
type shared struct {
	mu    sync.Mutex // guards what follows
	name  string     // of the folder below tmp that is this store's; "" without
	alive io.Closer  // the lock that says that its owner lives

	told    int64 // bytes that the file of sums knows of, of those
	written int64 // that were written
	running bool  // account is
}

const (
	// touchAfter is how old the time of a metadata file may be before a use
	// renews it: eviction needs no more, and a hit is to write nothing.
	touchAfter = 10 * time.Minute
	// strayAfter is how old a body is, that no record has, before it is taken for
	// one that a crash has left: a body is there a moment before its record.
	strayAfter = 10 * time.Minute
)

// enterShared makes the directory, and touches nothing else.
func (s *Store) enterShared() error {
	if !filelock.Locks {
		return fmt.Errorf("shared by processes: %w", errors.ErrUnsupported)
	}
	s.shared = &shared{}
	s.budget.max = 1<<63 - 1 // the bound is not this store's alone
	if err := s.mkdir(s.opt.Dir); err != nil {
		return err
	}
	return s.openFolder()
}

// own makes the folder for this store's temporary files, unless it is there.
func (s *Store) own() error {
	h := s.shared
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.name != "" {
		return nil
	}
	if err := s.mkdir(s.path("tmp")); err != nil {
		return err
	}
	for {
		name := fmt.Sprintf("%016x", rand.Uint64())
		lock := s.ownerLock(name)
		alive, err := filelock.Take(lock)
		if errors.Is(err, ErrLocked) {
			continue // somebody looks whether it is left over
		}
		if err != nil {
			return err
		}
		if _, err := os.Stat(lock); err != nil { // who looked has removed it
			alive.Close()
			continue
		}
		if err := s.mkdir(s.ownerDir(name)); err != nil {
			alive.Close()
			return err
		}
		h.name, h.alive = name, alive
		return nil
	}
}

func (s *Store) ownerDir(name string) string  { return s.path(filepath.Join("tmp", name)) }
func (s *Store) ownerLock(name string) string { return s.ownerDir(name) + ".lock" }

// disown forgets the folder for temporary files; somebody has removed it.
func (s *Store) disown() {
	h := s.shared
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.alive != nil {
		h.alive.Close()
	}
	h.name, h.alive = "", nil
}

// leaveShared ends a store's part in the directory.
func (s *Store) leaveShared() error {
	h := s.shared
	h.mu.Lock()
	due := h.written > h.told
	h.mu.Unlock()
	if due {
		s.account(true)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.name == "" {
		return nil
	}
	// Writers that have not ended lose their files, as with a crash.
	return s.removeOwner(h.name, h.alive)
}

// removeOwner removes the temporary files of an owner whose lock is held, and
// that.
func (s *Store) removeOwner(name string, lock io.Closer) error {
	dir := s.ownerDir(name)
	if files, err := s.fs.ReadDir(dir); err == nil {
		for _, d := range files {
			_ = s.fs.Remove(filepath.Join(dir, d.Name()))
		}
	}
	left := s.fs.Remove(dir)
	err := lock.Close() // some systems remove no file that is open
	if left == nil || isGone(left) {
		_ = s.fs.Remove(s.ownerLock(name))
	}
	return err
}

// wrote counts bytes that were written, and sees to it that the others hear of
// them, and that somebody makes room.
func (s *Store) wrote(n int64) {
	h := s.shared
	h.mu.Lock()
	h.written += n
	due := h.written-h.told > s.opt.MaxBytes/64 && !h.running
	if due {
		h.running = true
	}
	h.mu.Unlock()
	if due {
		s.inBackground(func() {
			s.account(false)
			h.mu.Lock()
			h.running = false
			h.mu.Unlock()
		})
	}
}

// account tells the others how much was written, and makes room if together
// they have written too much.
func (s *Store) account(closing bool) {
	h := s.shared
	h.mu.Lock()
	n := h.written - h.told
	h.told = h.written
	h.mu.Unlock()
	sum, err := s.addToSum(n)
	if err != nil {
		return // the disk is full or gone: who collects next counts anyway
	}
	if sum > s.opt.MaxBytes && (closing || s.ctx.Err() == nil) {
		s.collect()
	}
}

// The file "sum" has numbers of eight bytes, little endian: the first is what
// there was when somebody counted, each further what a process has written since.
// They are appended, which needs no lock. The sum is too high by what was
// replaced or removed; whoever finds it above the bound counts anew.

// addToSum appends a number, and returns the sum.
func (s *Store) addToSum(n int64) (sum int64, err error) {
	f, err := s.fs.OpenFile(s.path("sum"), os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	if _, err := f.Write(le.AppendUint64(nil, uint64(n))); err != nil {
		return 0, err
	}
	sum, _, err = readSum(f)
	return sum, err
}

// readSum returns the sum, and how many bytes of the file it is of.
func readSum(f File) (sum, size int64, err error) {
	buf := make([]byte, 32<<10)
	for {
		n, err := f.ReadAt(buf, size)
		for b := buf[:n&^7]; len(b) > 0; b = b[8:] {
			sum += int64(le.Uint64(b))
		}
		size += int64(n &^ 7)
		if err == io.EOF {
			return sum, size, nil
		}
		if err != nil {
			return sum, size, err
		}
	}
}

// sum returns the sum, 0 when there is none.
func (s *Store) sum() (sum, size int64) {
	f, err := s.fs.OpenFile(s.path("sum"), os.O_RDONLY, 0)
	if err != nil {
		return 0, 0
	}
	defer f.Close()
	sum, size, _ = readSum(f)
	return sum, size
}

// resetSum makes the sum that of a count, and of what was appended since the
// file had size bytes.
func (s *Store) resetSum(counted, size int64) {
	file := le.AppendUint64(nil, uint64(counted))
	if f, err := s.fs.OpenFile(s.path("sum"), os.O_RDONLY, 0); err == nil {
		since := make([]byte, 64<<10)
		n, _ := f.ReadAt(since, size)
		file = append(file, since[:n&^7]...)
		f.Close()
	}
	if s.writeFile(s.path("sum.new"), file) == nil {
		_ = s.fs.Rename(s.path("sum.new"), s.path("sum"))
	}
}

// toucher is a file system that can set the time of a file.
type toucher interface {
	Chtimes(name string, at time.Time) error
}

// Chtimes is [os.Chtimes] with one time for both.
func (OS) Chtimes(name string, at time.Time) error { return os.Chtimes(name, at, at) }

// touchShared notes a use of k, if the last that was noted is long ago.
func (s *Store) touchShared(k *Key, info fs.FileInfo) {
	now := s.opt.Now()
	if t, can := s.fs.(toucher); can && now.Sub(info.ModTime()) > touchAfter {
		_ = t.Chtimes(s.metaPath(k), now)
	}
}
