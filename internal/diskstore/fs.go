package diskstore

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// FS is what the store asks of the operating system, so that tests can make it fail.
type FS interface {
	OpenFile(name string, flag int, perm fs.FileMode) (File, error)
	// WriteFile makes a file of the content; what was there is lost. After an
	// error a part of it may be there.
	WriteFile(name string, content []byte) error
	// WriteSynced is WriteFile that makes the file anew, whole, and has it on the
	// disk when it returns.
	WriteSynced(name string, content []byte) error
	Rename(from, to string) error
	Remove(name string) error
	Mkdir(name string, perm fs.FileMode) error
	ReadDir(name string) ([]fs.DirEntry, error)
}

// File is an open file of an [FS].
type File interface {
	io.Writer
	io.WriterAt
	io.ReaderAt
	io.Closer
	Stat() (fs.FileInfo, error)
	// OS is the file itself, for sendfile; nil if there is none.
	OS() *os.File
}

// OS is the operating system's file system.
type OS struct{}

type osFile struct{ *os.File }

func (f osFile) OS() *os.File { return f.File }

// OpenFile is [os.OpenFile].
func (OS) OpenFile(name string, flag int, perm fs.FileMode) (File, error) {
	f, err := os.OpenFile(name, flag, perm)
	if err != nil {
		return nil, err
	}
	return osFile{f}, nil
}

// WriteFile is [os.WriteFile], for this user alone.
func (OS) WriteFile(name string, content []byte) error { return writeFile(name, content) }

// WriteSynced writes aside and renames.
func (OS) WriteSynced(name string, content []byte) error {
	aside := name + ".new"
	f, err := os.OpenFile(aside, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	if _, err = f.Write(content); err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err := rename(aside, name); err != nil {
		return err
	}
	if d, err := os.Open(filepath.Dir(name)); err == nil { // some systems sync no folders
		_ = d.Sync()
		d.Close()
	}
	return nil
}

// Rename is [os.Rename].
func (OS) Rename(from, to string) error { return rename(from, to) }

// Remove is [os.Remove].
func (OS) Remove(name string) error { return os.Remove(name) }

// Mkdir is [os.Mkdir].
func (OS) Mkdir(name string, perm fs.FileMode) error { return os.Mkdir(name, perm) }

// ReadDir is [os.ReadDir], but not sorted.
func (OS) ReadDir(name string) ([]fs.DirEntry, error) {
	d, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer d.Close()
	return d.ReadDir(-1)
}
