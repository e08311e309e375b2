package sealedfolder

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"freshet/internal/atrest"
	"freshet/internal/wholefile"
)

const (
	suffix     = ".sealed"
	markerName = "sealed"
	// lockName is what a plain folder may have when its files are sealed.
	lockName = "lock"
	// temporary is what Rewrite writes, and prefix begins what wholefile does.
	temporary = ".freshet-seal"
	// begunName is there, sealed, while a Rewrite has not ended.
	begunName = ".freshet-seal-begun"
	prefix    = ".new-"
)

// Folder is where files are, and how they are kept. It does not change.
type Folder struct {
	// Dir is where they are.
	Dir string

	ring  *atrest.Ring // nil: plain
	what  string       // with which each purpose begins
	names []byte       // the secret of names
}

// SealedDir is where the files of a folder are when they are sealed.
func SealedDir(dir string) string { return filepath.Clean(dir) + suffix }

// Open opens a folder, which is made if it is not there, for its owner alone: with
// a ring a sealed one, else a plain one. One of the other kind is refused, with
// atrest.ErrSealed or atrest.ErrPlain; nothing of it was touched then. What was being
// written in a plain one, by a [Rewrite] that was killed say, is removed when a sealed
// one is opened.
func Open(dir string, ring *atrest.Ring, what string) (*Folder, error) {
	sealed := SealedDir(dir)
	marked, err := isMarked(sealed)
	switch {
	case err != nil:
		return nil, err
	case ring == nil && marked:
		return nil, fmt.Errorf("%s: %w", sealed, atrest.ErrSealed)
	case ring == nil:
		return &Folder{Dir: dir}, os.MkdirAll(dir, 0o700)
	}
	if full, err := hasFiles(dir); err != nil {
		return nil, err
	} else if full {
		return nil, fmt.Errorf("%s: %w", dir, atrest.ErrPlain)
	}
	if err := removePassing(dir); err != nil {
		return nil, err
	}
	return openSealed(sealed, marked, ring, what)
}

// OpenSealed opens a sealed folder that is there; of the plain one some files may
// be there, too, as when a [Rewrite] was ended.
func OpenSealed(dir string, ring *atrest.Ring, what string) (*Folder, error) {
	return openSealed(SealedDir(dir), true, ring, what)
}

// openSealed opens a sealed folder, or makes it.
func openSealed(dir string, marked bool, ring *atrest.Ring, what string) (*Folder, error) {
	f := &Folder{Dir: dir, ring: ring}
	if !marked {
		if full, err := hasFiles(dir); err != nil {
			return nil, err
		} else if full {
			return nil, fmt.Errorf("%s: its file %q is missing, without which nothing in it can be opened", dir, markerName)
		}
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return nil, err
		}
		if err := wholefile.SyncFolder(filepath.Dir(dir)); err != nil {
			return nil, err
		}
		f.names = make([]byte, sha256.Size)
		rand.Read(f.names)
		f.say(what)
		return f, f.mark(what)
	}
	names, key, err := f.readMarker(what)
	if err != nil {
		return nil, err
	}
	f.names = names
	f.say(what)
	if key != ring.First() {
		err = f.mark(what)
	}
	return f, errors.Join(err, os.RemoveAll(filepath.Join(dir, temporary)))
}

// readMarker is the secret of names, and by which key the marker is sealed.
func (f *Folder) readMarker(what string) (names []byte, key string, err error) {
	name := filepath.Join(f.Dir, markerName)
	marker, err := os.ReadFile(name)
	if err != nil {
		return nil, "", err
	}
	if names, key, err = f.ring.Open(nil, marker, markerOf(what)); err != nil {
		err = fmt.Errorf("%s: %w; give the file of keys that it was sealed with", name, err)
	}
	return names, key, err
}

// mark writes the marker, by the first key.
func (f *Folder) mark(what string) error {
	return wholefile.Write(filepath.Join(f.Dir, markerName), f.ring.Seal(nil, f.names, markerOf(what)))
}

func markerOf(what string) string { return "folder of " + what }

// say has each purpose tell the folder: by a hash of its secret, so that who reads
// purposes, in a dump say, has no names.
func (f *Folder) say(what string) {
	sum := sha256.Sum256(f.names)
	f.what = what + " " + hex.EncodeToString(sum[:16]) + ": "
}

// Sealed reports whether files are sealed.
func (f *Folder) Sealed() bool { return f.ring != nil }

// Ring is what they are sealed with; nil: they are plain.
func (f *Folder) Ring() *atrest.Ring { return f.ring }

// What is what a file of a folder is, for the ring.
func (f *Folder) What(of string) string { return f.what + of }

// Name is the name of a file of which nobody is to know what it says: in a sealed
// folder a hash, of as many digits as a SHA-256.
func (f *Folder) Name(text string) string {
	if f.ring == nil {
		return text
	}
	h := hmac.New(sha256.New, f.names)
	h.Write([]byte(text))
	return hex.EncodeToString(h.Sum(nil))
}

// isMarked reports whether a folder has a marker.
func isMarked(dir string) (bool, error) {
	_, err := os.Lstat(filepath.Join(dir, markerName))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

// errFound ends a walk.
var errFound = errors.New("found")

// hasFiles reports whether there is a file in a folder, or in those in it, that is
// more than a lock or what was being written.
func hasFiles(dir string) (bool, error) {
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil
		case err != nil:
			return err
		case !d.IsDir() && !isPassing(dir, path):
			return errFound
		}
		return nil
	})
	if err == errFound {
		return true, nil
	}
	return false, err
}

// removePassing removes what was being written in a plain folder: it can be much of
// what is sealed.
func removePassing(dir string) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	for _, e := range entries {
		if path := filepath.Join(dir, e.Name()); !e.IsDir() && e.Name() != lockName && isPassing(dir, path) {
			err = errors.Join(err, removeLasting(path))
		}
	}
	return err
}

// isPassing reports whether a file is no part of what a folder keeps.
func isPassing(dir, path string) bool {
	name, err := filepath.Rel(dir, path)
	return err == nil && (name == lockName || name == temporary || name == begunName || strings.HasPrefix(name, prefix))
}
