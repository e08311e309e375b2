package diskstore

import (
	"io"
	"io/fs"
	"os"
)

// FS is what the store asks of the operating system, so that tests can make it fail.
type FS interface {
	OpenFile(name string, flag int, perm fs.FileMode) (File, error)
	// WriteFile makes a file of the content; what was there is lost. After an
	// error a part of it may be there.
	WriteFile(name string, content []byte) error
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
