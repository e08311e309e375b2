package cache

import (
	"context"
	"errors"

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
	return s.disk.files.Scrub(ctx, rate, told)
}

// Reseal is Scrub that has what another key than the first of [StoreOptions.Seal]
// seals written anew, by the first. When it ends without an error, and
// Scrubbed.Keys names no other key, others can be dropped.
func (s *Store) Reseal(ctx context.Context, rate int64, told func(done, all int64)) (diskstore.Scrubbed, error) {
	if s.disk == nil {
		return diskstore.Scrubbed{}, ErrNotOnDisk
	}
	return s.disk.files.Reseal(ctx, rate, told)
}
