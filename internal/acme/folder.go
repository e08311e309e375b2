package acme

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"time"

	"github.com/caddyserver/certmagic"

	"freshet/internal/filelock"
)

// folder is a certmagic.Storage in a folder. Its locks are the system's: they
// end with the process that has them, so that none is ever stale. Their files
// stay; there is one for each name, one for each authority, and one more.
type folder struct {
	root *os.Root

	mu    sync.Mutex // guards locks
	locks map[string]io.Closer
}

var _ certmagic.Storage = (*folder)(nil)

// openFolder opens the folder, which it makes if need be, with all above it.
func openFolder(dir string) (*folder, error) {
	if err := os.MkdirAll(filepath.Join(dir, "locks"), 0o700); err != nil {
		return nil, fmt.Errorf("make the folder of certificates: %w", err)
	}
	info, err := os.Stat(dir)
	if err != nil {
		return nil, err
	}
	if runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("%s has keys, and others can look into it (mode %04o); run \"chmod 700\" for it, or name another folder", dir, info.Mode().Perm())
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	return &folder{root: root, locks: map[string]io.Closer{}}, nil
}

func (f *folder) close() error { return f.root.Close() }

func system(key string) string { return filepath.FromSlash(key) }

// Store implements certmagic.Storage: aside first, so that nobody reads half of it.
func (f *folder) Store(_ context.Context, key string, value []byte) error {
	if err := f.root.MkdirAll(system(path.Dir(key)), 0o700); err != nil {
		return err
	}
	aside := system(fmt.Sprintf("%s.%d.part", key, time.Now().UnixNano()))
	file, err := f.root.OpenFile(aside, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = file.Write(value)
	if err == nil {
		err = file.Sync()
	}
	err = errors.Join(err, file.Close())
	if err == nil {
		err = f.root.Rename(aside, system(key))
	}
	if err != nil {
		err = errors.Join(err, f.root.Remove(aside))
	}
	return err
}

// Load implements certmagic.Storage.
func (f *folder) Load(_ context.Context, key string) ([]byte, error) {
	return f.root.ReadFile(system(key))
}

// Delete implements certmagic.Storage.
func (f *folder) Delete(_ context.Context, key string) error { return f.root.RemoveAll(system(key)) }

// Exists implements certmagic.Storage.
func (f *folder) Exists(_ context.Context, key string) bool {
	_, err := f.root.Stat(system(key))
	return err == nil
}

// Stat implements certmagic.Storage.
func (f *folder) Stat(_ context.Context, key string) (certmagic.KeyInfo, error) {
	info, err := f.root.Stat(system(key))
	if err != nil {
		return certmagic.KeyInfo{}, err
	}
	return certmagic.KeyInfo{Key: key, Modified: info.ModTime(), Size: info.Size(), IsTerminal: !info.IsDir()}, nil
}

// List implements certmagic.Storage.
func (f *folder) List(ctx context.Context, prefix string, recursive bool) ([]string, error) {
	var keys []string
	err := fs.WalkDir(f.root.FS(), path.Clean(prefix), func(key string, d fs.DirEntry, err error) error {
		if err = errors.Join(err, ctx.Err()); err != nil || key == path.Clean(prefix) {
			return err
		}
		keys = append(keys, key)
		if d.IsDir() && !recursive {
			return fs.SkipDir
		}
		return nil
	})
	return keys, err
}

// lockEvery is how often a lock that another one has is asked for.
const lockEvery = 100 * time.Millisecond

// Lock implements certmagic.Storage.
func (f *folder) Lock(ctx context.Context, name string) error {
	if strings.HasPrefix(name, "ari_") {
		name = "ari" // not one for each certificate that there ever was
	}
	safe := certmagic.StorageKeys.Safe(name)
	for {
		lock, err := filelock.Take(filepath.Join(f.root.Name(), "locks", safe))
		if err == nil {
			f.mu.Lock()
			defer f.mu.Unlock()
			f.locks[safe] = lock
			return nil
		}
		if !errors.Is(err, filelock.ErrLocked) {
			return fmt.Errorf("lock the folder of certificates: %w", err)
		}
		again := time.NewTimer(lockEvery)
		select {
		case <-ctx.Done():
			again.Stop()
			return ctx.Err()
		case <-again.C:
		}
	}
}

// Unlock implements certmagic.Storage.
func (f *folder) Unlock(_ context.Context, name string) error { return f.unlock(name) }

func (f *folder) unlock(name string) error {
	if strings.HasPrefix(name, "ari_") {
		name = "ari"
	}
	safe := certmagic.StorageKeys.Safe(name)
	f.mu.Lock()
	lock := f.locks[safe]
	delete(f.locks, safe)
	f.mu.Unlock()
	if lock == nil {
		return fmt.Errorf("%s is not locked", name)
	}
	return lock.Close()
}
