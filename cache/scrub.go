package cache

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"

	"freshet/internal/atrest"
	"freshet/internal/diskstore"
)

// ErrNotOnDisk says that a store has no folder, so that there is nothing to read
// back.
var ErrNotOnDisk = errors.New("cache: nothing is kept on disk")

// Scrubs reports whether there is a folder that Scrub can read back.
func (s *Store) Scrubs() bool { return s.disk != nil && !s.shared }

// Scrub reads back all that is on disk once, so many bytes a second at most (0:
// as fast as it goes), and removes what is not what was written. told, unless it
// is nil, is called with how many objects of how many were looked at. A folder
// that several processes share is not scrubbed: [diskstore.ErrNoScrub].
func (s *Store) Scrub(ctx context.Context, rate int64, told func(done, all int64)) (diskstore.Scrubbed, error) {
	if s.disk == nil {
		return diskstore.Scrubbed{}, ErrNotOnDisk
	}
	r, err := s.disk.files.Scrub(ctx, rate, told)
	return r, errors.Join(err, s.countPurges(&r, false))
}

// Reseal is Scrub that has what another key than the first of [StoreOptions.Seal]
// seals written anew, by the first. When it ends without an error, and
// Scrubbed.Keys and Scrubbed.Others name no other key, others can be dropped.
func (s *Store) Reseal(ctx context.Context, rate int64, told func(done, all int64)) (diskstore.Scrubbed, error) {
	if s.disk == nil {
		return diskstore.Scrubbed{}, ErrNotOnDisk
	}
	r, err := s.disk.files.Reseal(ctx, rate, told)
	return r, errors.Join(err, s.countPurges(&r, true))
}

// countPurges adds purges.log to what is sealed, by each key of its lines; with
// reseal those are sealed by the first one.
func (s *Store) countPurges(r *diskstore.Scrubbed, reseal bool) error {
	f := s.disk.purges
	if f.ring == nil || r.Others == nil {
		return nil
	}
	return f.locked(func() error {
		keys, err := f.keys()
		if first := f.ring.First(); err == nil && reseal && (len(keys) > 1 || !keys[first]) {
			if err = f.rewrite(); err == nil {
				keys = map[string]bool{first: true}
			}
		}
		for key := range keys {
			r.Others[key]++
		}
		return err
	})
}

// keys are the keys that lines of the file are sealed by. f.mu is held.
func (f *purgeFile) keys() (map[string]bool, error) {
	text, err := os.ReadFile(f.path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	keys := map[string]bool{}
	for line := range bytes.Lines(text) {
		if key, err := atrest.KeyOfLine(bytes.TrimSuffix(line, []byte("\n"))); err == nil {
			keys[key] = true
		}
	}
	return keys, nil
}
