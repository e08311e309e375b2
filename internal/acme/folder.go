package acme

import (
	"context"
	"crypto/rand"
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

	"freshet/internal/atrest"
	"freshet/internal/filelock"
)

// folder is a certmagic.Storage in a folder. Its locks are the system's: they
// end with the process that has them, so that none is ever stale. Their files
// stay; there is one for each name, one for each authority, and one more.
type folder struct {
	root   *os.Root
	ring   *atrest.Ring // by which all is sealed; nil: nothing is
	inUse  io.Closer
	before func(step string) error // of tests: is asked before each write and rename; may be nil

	mu      sync.Mutex // guards what follows
	locks   map[string]io.Closer
	waiting map[string]*parts // by site: what is stored with what comes
}

var _ certmagic.Storage = (*folder)(nil)

// openFolder opens the folder, which it makes if need be, with all above it. With
// keys, what is not sealed is refused, and without keys, nil, what is.
func openFolder(dir string, ring *atrest.Ring) (*folder, error) {
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
	f := &folder{root: root, ring: ring, locks: map[string]io.Closer{}, waiting: map[string]*parts{}}
	if err = f.use(); err == nil {
		f.tidy(time.Now().Add(-litterAge))
		err = f.check()
	}
	if err != nil {
		return nil, errors.Join(err, f.close())
	}
	return f, nil
}

// litterAge is when nobody can be at work any more on what is for a moment.
const litterAge = 24 * time.Hour

// tidy removes what processes left that were killed: files that were being
// written, probes, and challenges, if they are older than that. What a
// certificate may need is for mend. What cannot be removed stays.
func (f *folder) tidy(than time.Time) {
	_ = fs.WalkDir(f.root.FS(), ".", func(key string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !isLitter(key) {
			return nil
		}
		if info, err := d.Info(); err == nil && info.ModTime().Before(than) {
			_ = f.root.Remove(system(key))
		}
		return nil
	})
}

// isLitter reports whether a file is for a moment only; certmagic's own probe
// begins with rw_test_.
func isLitter(key string) bool {
	return isUnfinished(key) || strings.HasPrefix(key, "challenges/") || strings.HasPrefix(key, "probe_") || strings.HasPrefix(key, "rw_test_")
}

func (f *folder) close() error {
	var err error
	if f.inUse != nil {
		err = f.inUse.Close()
	}
	return errors.Join(err, f.root.Close())
}

func system(key string) string { return filepath.FromSlash(key) }

// Store implements certmagic.Storage. What belongs to one certificate is stored
// together; see parts.
func (f *folder) Store(_ context.Context, key string, value []byte) error {
	all, held := f.hold(key, value)
	switch {
	case held:
		return nil
	case all != nil:
		site, _, _ := siteFile(key)
		return f.storeAll(site, all, value)
	}
	return f.write(key, value)
}

// write writes a file, aside first, so that nobody reads half of it.
func (f *folder) write(key string, value []byte) error {
	if err := f.root.MkdirAll(system(path.Dir(key)), 0o700); err != nil {
		return err
	}
	part := fmt.Sprintf("%s.%d.part", key, time.Now().UnixNano())
	file, err := f.root.OpenFile(system(part), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	if err = f.do("write " + key); err == nil {
		_, err = file.Write(f.ring.Pack(value, sealedAs(key)))
	}
	if err == nil {
		err = file.Sync()
	}
	err = errors.Join(err, file.Close())
	if err == nil {
		err = f.rename(part, key)
	}
	if err != nil {
		err = errors.Join(err, f.root.Remove(system(part)))
	}
	return err
}

// rename renames a file, and returns when that outlives a loss of power.
func (f *folder) rename(from, to string) error {
	if err := f.do("rename " + from); err != nil {
		return err
	}
	if err := f.root.Rename(system(from), system(to)); err != nil {
		return err
	}
	if runtime.GOOS == "windows" {
		return nil // which syncs no folders
	}
	dir, err := f.root.Open(system(path.Dir(to)))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

func (f *folder) do(step string) error {
	if f.before == nil {
		return nil
	}
	return f.before(step)
}

// probeSize is more than what belongs to a certificate.
const probeSize = 64 << 10

var errNoRoom = errors.New("there is no place to keep a certificate, so none is asked for")

// room reports whether another certificate could be kept.
func (f *folder) room() error {
	data := make([]byte, probeSize)
	_, _ = rand.Read(data)                     // never fails; nothing that a file system could make small
	probe := fmt.Sprintf("probe_%x", data[:8]) // others may look as well
	if err := f.write(probe, data); err != nil {
		return fmt.Errorf("%w: %w", errNoRoom, err)
	}
	return f.root.Remove(probe)
}

// remove deletes one file, if it is there.
func (f *folder) remove(key string) error {
	if err := f.root.Remove(system(key)); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// Load implements certmagic.Storage.
func (f *folder) Load(_ context.Context, key string) ([]byte, error) {
	value, err := f.root.ReadFile(system(key))
	if err == nil {
		if value, _, err = f.ring.Unpack(value, sealedAs(key)); err != nil {
			err = fmt.Errorf("%s: %w", filepath.Join(f.root.Name(), system(key)), err)
		}
	}
	return value, err
}

// Delete implements certmagic.Storage.
func (f *folder) Delete(_ context.Context, key string) error {
	if f.release(key) {
		return nil
	}
	return f.root.RemoveAll(system(key))
}

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
