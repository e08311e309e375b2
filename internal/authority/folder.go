package authority

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"

	"freshet/internal/atrest"
	"freshet/internal/wholefile"
)

var (
	// ErrExists means that there is an authority, or a file, already.
	ErrExists = errors.New("there is one already")
	// ErrNone means that the folder has no authority.
	ErrNone = errors.New("there is no authority")
)

// privateFile has the key and the certificate: as one file they appear together,
// and cannot come to belong to different authorities.
func privateFile(dir string) string { return filepath.Join(dir, "private.pem") }

// KeyFile is the file of the key of the authority in a folder.
func KeyFile(dir string) string { return privateFile(dir) }

// publicFile has the certificate alone, to be given to others. Some systems
// look at the end of the name.
func publicFile(dir string) string { return filepath.Join(dir, "freshet-ca.crt") }

// hasModes says that modes of files mean something. Elsewhere the folder's
// access list decides, which is that of the user's own files.
const hasModes = runtime.GOOS != "windows"

// maxFile bounds the authority's file, in bytes.
const maxFile = 64 << 10

// save makes the folder and both files.
func save(dir string, private, public []byte, force bool) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("make the folder of the authority: %w", err)
	}
	if err := checkFolder(dir); err != nil {
		return err
	}
	if err := place(privateFile(dir), private, 0o600, force); err != nil {
		return err
	}
	// It follows from the other, so one that was left here is of no worth.
	return place(publicFile(dir), public, 0o644, true)
}

// checkFolder refuses a folder in which others could put another authority.
func checkFolder(dir string) error {
	info, err := os.Stat(dir)
	switch {
	case err != nil:
		return err
	case !info.IsDir():
		return fmt.Errorf("%s is no folder; name another one", dir)
	case !ownerTrusted(info):
		return fmt.Errorf("%s belongs to another user, who could put another authority there; name another folder", dir)
	case hasModes && info.Mode().Perm()&0o022 != 0:
		return fmt.Errorf("others can write to %s (mode %04o); run \"chmod go-w\" for it, or name another folder", dir, info.Mode().Perm())
	}
	return nil
}

// load reads the authority's file, if nobody else can.
func load(dir string) ([]byte, error) {
	name := privateFile(dir)
	if _, err := os.Lstat(name); errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s: %w", dir, ErrNone)
	}
	if err := checkFolder(dir); err != nil {
		return nil, err
	}
	return readPrivate(name, private{"the key", "make a new authority", "authority"}, os.Lstat)
}

// ReadKey reads a file with a key, if nobody else can; root can anyway. Its
// content is not looked at.
// A link is followed: folders of keys are often full of them.
func ReadKey(name string) ([]byte, error) {
	return readPrivate(name, private{"the key", "make a new key", "key"}, os.Stat)
}

// ReadUsers is ReadKey for a file with hashes of passwords.
func ReadUsers(name string) ([]byte, error) {
	return readPrivate(name, private{"the hashes of passwords", "set new passwords", "file of users"}, os.Stat)
}

// private says what a file has that nobody else may read, what there is to do when
// somebody else may have had it, and what it is.
type private struct{ has, remedy, is string }

// readPrivate reads a file that nobody else can read.
func readPrivate(name string, of private, look func(string) (fs.FileInfo, error)) ([]byte, error) {
	// A pipe in its place must not be waited for.
	if info, err := look(name); err != nil {
		return nil, err
	} else if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a regular file", name)
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	switch {
	case err != nil:
		return nil, err
	case !ownerTrusted(info):
		return nil, fmt.Errorf("%s belongs to another user, who knows %s; %s", name, of.has, of.remedy)
	case hasModes && info.Mode().Perm()&0o077 != 0:
		return nil, fmt.Errorf("others can read or change %s in %s (mode %04o): run \"chmod 600\" for it, and %s if somebody may have had it", of.has, name, info.Mode().Perm(), of.remedy)
	case info.Size() > maxFile:
		return nil, fmt.Errorf("%s has more than %d bytes and is no %s", name, maxFile, of.is)
	}
	data, err := io.ReadAll(io.LimitReader(f, maxFile))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	return data, nil
}

// place puts a file where none is, or with force in the place of one. It
// appears whole, with its mode, or not at all; an error is ErrExists when there
// is one.
func place(name string, data []byte, mode fs.FileMode, force bool) error {
	if force {
		return wholefile.Put(name, data, mode)
	}
	err := wholefile.Create(name, data, mode)
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%s: %w", name, ErrExists)
	}
	return err
}

func removed(name string) error {
	if err := os.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// sealedAs is what the authority's file is sealed as.
const sealedAs = "local authority"

// Seal rewrites the authority's file, as change says, removes what was being written
// when a process was killed, and reports whether that was necessary; with dry nothing
// is done. Nobody else makes or rewrites an authority there meanwhile. An error that is [ErrNone] means that there is none.
func Seal(dir string, change *atrest.Change, dry bool) (changed bool, err error) {
	data, err := load(dir)
	if err != nil {
		return false, err
	}
	name := privateFile(dir)
	next, done, err := change.Repack(data, sealedAs)
	if err == nil && !change.Plain {
		data, _, err = change.Ring.Open(nil, next, sealedAs)
	} else {
		data = next
	}
	if err == nil {
		_, _, err = parseAuthority(data) // what cannot be used is not sealed as if it could
	}
	if err != nil {
		return false, fmt.Errorf("%s: %w", name, err)
	}
	tidy := change.Plain || wholefile.IsTidy(dir)
	if done && tidy || dry {
		return !done || !tidy, nil
	}
	if !done {
		err = place(name, next, 0o600, true)
	}
	if err == nil {
		err = wholefile.Tidy(dir)
	}
	return true, err
}
