package diskstore

import (
	"errors"
	"io"
	"time"

	"freshet/internal/filelock"
)

// Batches calls yield with the keys of all objects that are known, some
// thousands at a time, until it returns false. Unlike [Store.Keys] it leaves out
// none that is there all the while, whatever is removed meanwhile.
func (s *Store) Batches(yield func([]Key) bool) {
	if s.shared != nil {
		s.batchesShared(yield)
		return
	}
	for i := range s.index.shards {
		x := &s.index.shards[i]
		x.mu.Lock()
		keys := make([]Key, len(x.entries))
		for j := range x.entries {
			keys[j] = x.entries[j].key
		}
		x.mu.Unlock()
		if len(keys) > 0 && !yield(keys) {
			return
		}
	}
}

// batchesShared is Batches of a shared directory.
func (s *Store) batchesShared(yield func([]Key) bool) {
	const batch = 4096
	var keys []Key
	more := true
	s.keysShared(func(k Key) bool {
		if keys = append(keys, k); len(keys) == batch {
			more = yield(keys)
			keys = nil
		}
		return more
	})
	if more && len(keys) > 0 {
		yield(keys)
	}
}

// Lock takes the lock of a file, which is made if it is missing, and waits for
// who has it, for some time at most. Close gives it up; so does the end of the
// process.
func Lock(name string, wait time.Duration) (io.Closer, error) {
	for until := time.Now().Add(wait); ; time.Sleep(time.Millisecond) {
		lock, err := filelock.Take(name)
		if !errors.Is(err, ErrLocked) || time.Now().After(until) {
			return lock, err
		}
	}
}
