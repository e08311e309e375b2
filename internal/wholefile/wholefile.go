// Package wholefile puts a file in the place of another: whatever happens
// meanwhile, a crash or a loss of power, whoever reads it finds the one or the
// other, whole. It is for files that are written now and then, not for much data.
//
//	err := wholefile.Write("/var/lib/x/state.json", text)
package wholefile

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

// prefix begins the names of files that are being written. One that is found
// belongs to nobody, unless somebody writes at that moment.
const prefix = ".new-"

// Write has a file say something else. It is for its owner alone then (mode
// 0600), and lasts when Write returns. A link in its place is replaced itself.
func Write(name string, content []byte) error { return Put(name, content, 0o600) }

// Put is Write with another mode.
func Put(name string, content []byte, mode fs.FileMode) error {
	return put(name, content, mode, os.Rename)
}

// Create puts a file where none is, with a mode; if there is one the error is
// fs.ErrExist, and nothing was changed.
func Create(name string, content []byte, mode fs.FileMode) error {
	return put(name, content, mode, rename)
}

func put(name string, content []byte, mode fs.FileMode, move func(from, to string) error) error {
	f, err := os.CreateTemp(filepath.Dir(name), prefix+"*") // mode 0600
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	if err == nil && mode != 0o600 && runtime.GOOS != "windows" {
		err = f.Chmod(mode)
	}
	if err == nil {
		err = f.Sync() // before the rename: else a power loss leaves an empty file
	}
	err = errors.Join(err, f.Close())
	if err == nil {
		err = move(f.Name(), name)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return SyncFolder(filepath.Dir(name))
}

// rename gives a file a name that is free: a link, unlike a rename, fails when it
// is taken.
func rename(from, to string) error {
	err := os.Link(from, to)
	if err == nil {
		return os.Remove(from)
	}
	if _, exists := os.Lstat(to); exists == nil {
		return &os.PathError{Op: "create", Path: to, Err: fs.ErrExist}
	}
	if errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return os.Rename(from, to) // a file system without links
}

// SyncFolder returns when names that were made, changed or removed in a folder
// outlive a loss of power.
func SyncFolder(dir string) error {
	if runtime.GOOS == "windows" {
		return nil // which syncs no folders
	}
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	_ = f.Sync() // not every file system can
	return f.Close()
}

// Tidy removes files that writers in a folder left that were killed. The caller
// knows that nobody writes there now.
func Tidy(dir string) error {
	all, err := unfinished(dir)
	for _, name := range all {
		err = errors.Join(err, os.Remove(name))
	}
	if len(all) > 0 {
		err = errors.Join(err, SyncFolder(dir))
	}
	return err
}

// IsTidy says whether there is nothing that Tidy would remove.
func IsTidy(dir string) bool {
	all, err := unfinished(dir)
	return err == nil && len(all) == 0
}

// unfinished are the files of a folder that are being written, or were.
func unfinished(dir string) (all []string, err error) {
	entries, err := os.ReadDir(dir)
	for _, e := range entries {
		if e.Type().IsRegular() && strings.HasPrefix(e.Name(), prefix) {
			all = append(all, filepath.Join(dir, e.Name()))
		}
	}
	return all, err
}
