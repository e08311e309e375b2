package diskstore

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"freshet/internal/atrest"
)

// What Open says of a directory that is of the other kind. Nothing in it was touched.
var (
	// ErrSealed: what is in it is sealed, and there is no key.
	ErrSealed = errors.New("what it has is sealed, and no key was given: give its file of keys with --encrypt, or another folder")
	// ErrNotSealed: there is a key, and what is in it is not sealed.
	ErrNotSealed = errors.New("it has something that is not sealed: empty it, or give another folder; what is there is not sealed afterwards")
)

const (
	markerName    = "sealed"
	markerPurpose = "disk store folder"
	markerMax     = 1 << 10
)

// openFolder looks whether the directory is sealed, and makes it so if it is
// empty. The file "sealed" has the key of the hash that makes names of keys: a
// hash alone would let anybody ask whether a key is there. Nothing else of the
// directory was touched yet.
func (s *Store) openFolder() error {
	marker, err := s.readMarker()
	switch {
	case err != nil && !isGone(err):
		return err
	case s.opt.Seal == nil && err == nil:
		return ErrSealed
	case s.opt.Seal == nil:
		return nil
	case err == nil:
		return s.openMarker(marker)
	}
	if s.shared == nil {
		return s.makeMarker()
	}
	lock, err := Lock(s.path(markerName+".lock"), 10*time.Second)
	if err != nil {
		return err
	}
	defer lock.Close()
	if marker, err := s.readMarker(); err == nil { // another process was faster
		return s.openMarker(marker)
	}
	return s.makeMarker()
}

// SealOpens says if what says how the folder of a store is sealed does not open.
func SealOpens(dir string, ring *atrest.Ring) error {
	name := filepath.Join(dir, markerName)
	marker, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		_, _, err = ring.Open(nil, marker, markerPurpose)
	}
	if err != nil {
		err = fmt.Errorf("%s: %w", name, err)
	}
	return err
}

func (s *Store) readMarker() ([]byte, error) {
	f, err := s.fs.OpenFile(s.path(markerName), os.O_RDONLY, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	buf := make([]byte, markerMax)
	n, err := f.ReadAt(buf, 0)
	if n == 0 && err != nil && err != io.EOF {
		return nil, err
	}
	return buf[:n], nil
}

// openMarker takes the key of names out of the marker, which is sealed anew when
// another key is the first now.
func (s *Store) openMarker(marker []byte) error {
	names, name, err := s.opt.Seal.Open(nil, marker, markerPurpose)
	if err != nil {
		return fmt.Errorf("%s: %w; give the file of keys that the folder was sealed with, or empty the folder", markerName, err)
	}
	s.names = names
	if name == s.opt.Seal.First() {
		return nil
	}
	return s.writeMarker()
}

// makeMarker makes an empty directory a sealed one.
func (s *Store) makeMarker() error {
	empty, err := s.isEmpty(s.path("objects"), 2)
	if err == nil && !empty {
		err = ErrNotSealed
	}
	if err != nil {
		return err
	}
	s.names = make([]byte, sha256.Size)
	rand.Read(s.names)
	return s.writeMarker()
}

// writeMarker has the marker on the disk before anything that it is needed for.
func (s *Store) writeMarker() error {
	return s.fs.WriteSynced(s.path(markerName), s.opt.Seal.Seal(nil, s.names, markerPurpose))
}

// isEmpty reports whether there is no file in a directory, nor in those in it.
func (s *Store) isEmpty(dir string, depth int) (bool, error) {
	names, err := s.fs.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return true, nil
	} else if err != nil {
		return false, err
	}
	for _, d := range names {
		if !d.IsDir() || depth == 0 {
			return false, nil
		}
		if empty, err := s.isEmpty(filepath.Join(dir, d.Name()), depth-1); !empty {
			return false, err
		}
	}
	return true, nil
}

// KeyOf returns the key of what a cache calls its key.
func (s *Store) KeyOf(name string) Key {
	if s.names == nil {
		return sha256.Sum256([]byte(name))
	}
	h := hmac.New(sha256.New, s.names)
	h.Write([]byte(name))
	return Key(h.Sum(nil))
}

// Ring is what the store seals with; nil if it does not.
func (s *Store) Ring() *atrest.Ring { return s.opt.Seal }
