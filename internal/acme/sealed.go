package acme

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"freshet/internal/atrest"
	"freshet/internal/filelock"
	"freshet/internal/wholefile"
)

// With keys all that is stored is sealed, each file as what it is: a certificate's
// files as those of its name, be they in their place or aside.

// sealedAs is what a file is sealed as.
func sealedAs(key string) string { return "certificates " + strings.TrimSuffix(key, aside) }

// isStored reports whether a file is one that is sealed: no lock, and nothing that
// is for a moment and whose writer may be gone.
func isStored(key string) bool { return !isLock(key) && !isUnfinished(key) }

func isLock(key string) bool { return strings.HasPrefix(key, "locks/") }

// isUnfinished reports whether a file was being written, and is in no place yet.
func isUnfinished(key string) bool {
	return path.Ext(key) == ".part" || strings.HasPrefix(path.Base(key), ".new-")
}

// EachStored calls do with each file of a folder that is sealed, or should be, by
// its path with slashes.
func EachStored(in fs.FS, do func(key string) error) error {
	return fs.WalkDir(in, ".", func(key string, d fs.DirEntry, err error) error {
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil // it was removed meanwhile
		case err != nil || !d.Type().IsRegular() || !isStored(key):
			return err
		}
		return do(key)
	})
}

// headSize is as much of a file as says by which key it is sealed.
const headSize = 512

// check looks that all that there is is sealed by keys that are known, or that
// nothing is; and that of each key something opens, for another secret of the same
// name opens nothing. What does not open beside that is for who needs it.
func (f *folder) check() error { return f.opens(func(error) bool { return false }) }

// opens is check without what passes of files that are not sealed as f seals.
func (f *folder) opens(passes func(error) bool) error {
	why := map[string]error{} // by the names of keys: nil when something opened
	err := EachStored(f.root.FS(), func(key string) error {
		by, err := f.sealedBy(key)
		if err != nil && passes(err) {
			return nil
		}
		if had, tried := why[by]; err != nil || by == "" || tried && had == nil {
			return err
		}
		_, err = f.Load(context.Background(), key)
		switch {
		case errors.Is(err, fs.ErrNotExist):
		case errors.Is(err, atrest.ErrDamaged):
			why[by] = fmt.Errorf("%w; nothing that key %s has sealed there opens: the file of keys has another secret under that name than it had; put that one back", err, by)
		case err != nil:
			return err
		default:
			why[by] = nil
		}
		return nil
	})
	for _, by := range slices.Sorted(maps.Keys(why)) {
		err = errors.Join(err, why[by])
	}
	return err
}

// SealOpens says if a key has sealed files of a folder and opens none of them, as one
// of the same name and another secret.
func SealOpens(dir string, ring *atrest.Ring) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	return (&folder{root: root, ring: ring}).opens(func(err error) bool {
		return errors.Is(err, atrest.ErrPlain) || errors.Is(err, atrest.ErrNoKey)
	})
}

// sealedBy is the name of the key that a file is sealed by; "" is that it is plain,
// or gone, or has no head that tells. Not as f seals, or by another key, is an error.
func (f *folder) sealedBy(key string) (by string, err error) {
	file, err := f.root.Open(system(key))
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	head, err := io.ReadAll(io.LimitReader(file, headSize))
	if err = errors.Join(err, file.Close()); err != nil {
		return "", err
	}
	name := filepath.Join(f.root.Name(), system(key))
	switch {
	case atrest.IsSealed(head) && f.ring == nil:
		return "", fmt.Errorf("%s: %w", name, atrest.ErrSealed)
	case !atrest.IsSealed(head) && f.ring != nil:
		return "", fmt.Errorf("%s: %w", name, atrest.ErrPlain)
	case f.ring == nil:
		return "", nil
	}
	if by, err = atrest.KeyOf(head); err != nil {
		return "", nil
	}
	if !f.ring.Has(by) {
		return "", fmt.Errorf("%s: %w: key %s", name, atrest.ErrNoKey, by)
	}
	return by, nil
}

// Of a folder several processes may have use at once, but none while it is rewritten.
const (
	lockSealing = "freshet-seal"
	lockInUse   = "freshet-open-"
	maxUsers    = 64
)

// sealWait is how long the lock of who rewrites the folder is asked for: another
// one that is being opened has it for a moment, too.
const sealWait = 5 * time.Second

// use marks the folder as one that is in use.
func (f *folder) use() error {
	locks := filepath.Join(f.root.Name(), "locks")
	sealing, err := filelock.Take(filepath.Join(locks, lockSealing))
	for end := time.Now().Add(sealWait); errors.Is(err, filelock.ErrLocked) && time.Now().Before(end); {
		time.Sleep(lockEvery)
		sealing, err = filelock.Take(filepath.Join(locks, lockSealing))
	}
	if errors.Is(err, filelock.ErrLocked) {
		return fmt.Errorf("%s: \"freshet seal\" rewrites it; start when that has ended", f.root.Name())
	}
	if err != nil {
		return err
	}
	for n := range maxUsers {
		f.inUse, err = filelock.Take(filepath.Join(locks, fmt.Sprint(lockInUse, n)))
		if !errors.Is(err, filelock.ErrLocked) {
			break
		}
	}
	return errors.Join(err, sealing.Close())
}

// ErrInUse is that somebody has a folder open that is to be rewritten.
var ErrInUse = errors.New("it is in use")

// SealFolder rewrites a folder of certificates and accounts that nobody has open,
// one file after the other, each whole; so that who is killed in between leaves a
// folder that is refused until it is called again. progress, which may be nil, is
// told how many files are done, of how many.
func SealFolder(ctx context.Context, dir string, change *atrest.Change, progress func(done, total int64)) error {
	return sealFolder(ctx, dir, change, progress, func(string) {})
}

func sealFolder(ctx context.Context, dir string, change *atrest.Change, progress func(done, total int64), before func(key string)) (err error) {
	locks := filepath.Join(dir, "locks")
	if _, err := os.Stat(locks); err != nil {
		return fmt.Errorf("%s is no folder of certificates: %w", dir, err)
	}
	sealing, err := filelock.Take(filepath.Join(locks, lockSealing))
	if errors.Is(err, filelock.ErrLocked) {
		return ErrInUse
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, sealing.Close()) }()
	users, err := filepath.Glob(filepath.Join(locks, lockInUse+"*"))
	if err != nil {
		return err
	}
	for _, name := range users {
		lock, err := filelock.Take(name)
		if errors.Is(err, filelock.ErrLocked) {
			return ErrInUse
		}
		if err != nil {
			return err
		}
		defer lock.Close()
	}
	if err := dropUnfinished(dir); err != nil {
		return err
	}
	var keys []string
	if err := EachStored(os.DirFS(dir), func(key string) error { keys = append(keys, key); return nil }); err != nil {
		return err
	}
	for i, key := range keys {
		if progress != nil {
			progress(int64(i), int64(len(keys)))
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		name := filepath.Join(dir, system(key))
		file, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		next, done, err := change.Repack(file, sealedAs(key))
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if done {
			continue
		}
		before(key)
		if err := wholefile.Write(name, next); err != nil {
			return err
		}
	}
	if progress != nil {
		progress(int64(len(keys)), int64(len(keys)))
	}
	return nil
}

// dropUnfinished removes what processes were writing that were killed, for it may be
// a key, and plain. It is for who has the folder alone.
func dropUnfinished(dir string) error {
	return fs.WalkDir(os.DirFS(dir), ".", func(key string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() || isLock(key) || !isUnfinished(key) {
			return err
		}
		name := filepath.Join(dir, system(key))
		if err := os.Remove(name); err != nil {
			return err
		}
		return wholefile.SyncFolder(filepath.Dir(name))
	})
}
