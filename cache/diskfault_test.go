package cache

import (
	"fmt"
	"io/fs"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"freshet/internal/diskstore"
)

// failingFS is the system's file system until it fails.
type failingFS struct {
	diskstore.OS
	room       atomic.Int64 // bytes that may still be written; negative: any number
	unreadable atomic.Bool
}

func (f *failingFS) OpenFile(name string, flag int, perm fs.FileMode) (diskstore.File, error) {
	if f.unreadable.Load() && flag&(os.O_RDWR|os.O_WRONLY) == 0 {
		return nil, &fs.PathError{Op: "open", Path: name, Err: syscall.EIO}
	}
	file, err := f.OS.OpenFile(name, flag, perm)
	if err != nil {
		return nil, err
	}
	return &failingFile{file, f}, nil
}

type failingFile struct {
	diskstore.File
	fs *failingFS
}

func (f *failingFile) take(n int) error {
	if f.fs.room.Load() >= 0 && f.fs.room.Add(-int64(n)) < 0 {
		f.fs.room.Store(0)
		return syscall.ENOSPC
	}
	return nil
}

func (f *failingFile) Write(p []byte) (int, error) {
	if err := f.take(len(p)); err != nil {
		return 0, err
	}
	return f.File.Write(p)
}

func (f *failingFile) WriteAt(p []byte, off int64) (int, error) {
	if err := f.take(len(p)); err != nil {
		return 0, err
	}
	return f.File.WriteAt(p, off)
}

func (f *failingFile) ReadAt(p []byte, off int64) (int, error) {
	if f.fs.unreadable.Load() {
		return 0, syscall.EIO
	}
	return f.File.ReadAt(p, off)
}

func failingWorld(t *testing.T) (*world, *failingFS) {
	f := &failingFS{}
	f.room.Store(-1)
	s, err := newStore(StoreOptions{Dir: t.TempDir(), fs: f, ErrorLog: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return newWorld(t, Options{Store: s}, bySize), f
}

// drain waits until everything is written, or was tried to be.
func (s *Store) drain() {
	s.disk.mu.Lock()
	defer s.disk.mu.Unlock()
	for len(s.disk.order) > 0 {
		s.disk.more.Wait()
	}
}

// With a full disk memory goes on, and larger bodies pass; whatever is written
// when it becomes full, every client gets all of its body.
func TestDiskFull(t *testing.T) {
	for _, room := range []int64{0, 1, 5000, 70_000, 500_000, 1_200_000, 2_000_000, 2_999_999} {
		w, f := failingWorld(t)
		f.room.Store(room)
		for range 2 {
			for _, n := range []int{100, 60_000, 200_000, 3_000_000, 30_000} {
				for _, q := range []string{"", "?declared"} {
					rec := get(t, w.start(fmt.Sprintf("GET /%d%s", n, q)))
					if rec == nil || rec.Code != 200 || rec.Body.String() != text(n) {
						t.Fatalf("room for %d: %d%s: %+v", room, n, q, rec)
					}
				}
			}
		}
		expect(t, w.do("GET /100"), 200, text(100), "hit")
		expect(t, w.do("GET /200000"), 200, text(200_000), "hit")
		expect(t, w.do("GET /200000", "Range: bytes=100000-100009"), 206, text(200_000)[100_000:100_010], "hit")
		w.store.drain()
		expect(t, w.do("GET /30000"), 200, text(30_000), "hit")
	}
}

// What cannot be read from disk is fetched anew.
func TestDiskUnreadable(t *testing.T) {
	w, f := failingWorld(t)
	w.do("GET /3000000")
	expect(t, w.do("GET /3000000"), 200, text(3_000_000), "hit")
	w.store.drain()
	f.unreadable.Store(true)
	w.store.disk.open.closeAll()
	w.store.memory.InvalidateAll()
	for range 3 {
		if rec := get(t, w.start("GET /3000000")); rec != nil {
			expect(t, rec, 200, text(3_000_000), "miss")
		}
		w.store.drain()
	}
	f.unreadable.Store(false)
	for range 2 {
		expect(t, w.do("GET /3000000"), 200, text(3_000_000), "")
	}
}

// A bit that flips in a file is found: the answer is fetched anew, or cut when
// the client has the first stretch of a large body already.
func TestFlippedBits(t *testing.T) {
	sizes := []int{10, 5000, 60_000, 200_000, 3_000_000}
	rounds := 20
	if testing.Short() || raceEnabled {
		rounds = 3
	}
	for round := range rounds {
		dir := t.TempDir()
		s := diskStore(t, dir)
		w := newWorld(t, Options{Store: s}, bySize)
		for _, n := range sizes {
			w.do(fmt.Sprintf("GET /%d", n))
		}
		s.Close()
		flipped := 0
		err := filepath.WalkDir(filepath.Join(dir, "objects", "objects"), func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			flipped++
			return flip(path)
		})
		if err != nil || flipped < len(sizes) {
			t.Fatal(flipped, err)
		}
		s, err = newStore(StoreOptions{Dir: dir, ErrorLog: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		w = newWorld(t, Options{Store: s}, bySize)
		for _, n := range sizes {
			line := fmt.Sprintf("GET /%d", n)
			first := get(t, w.start(line))
			if first == nil && n <= verifyStep {
				t.Errorf("round %d: %s was cut", round, line)
			}
			if first != nil {
				expect(t, first, 200, text(n), "miss")
			}
			expect(t, get(t, w.start(line)), 200, text(n), "")
		}
		s.Close()
	}
}

// flip flips one bit of a file.
func flip(path string) error {
	b, err := os.ReadFile(path)
	if err != nil || len(b) == 0 {
		return err
	}
	b[rand.IntN(len(b))] ^= 1 << rand.IntN(8)
	if strings.HasSuffix(path, ".m") && len(b) < 16 {
		return nil
	}
	return os.WriteFile(path, b, 0o600)
}
