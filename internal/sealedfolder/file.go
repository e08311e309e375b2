package sealedfolder

import (
	"errors"
	"io"
	"os"
	"time"

	"freshet/internal/atrest"
)

// File is a file that is read. Close it. What is read of it is what was written,
// or an error.
type File struct {
	*io.SectionReader
	file *os.File
	mod  time.Time
	key  string
}

// Close closes the file.
func (f *File) Close() error { return f.file.Close() }

// ModTime is when it was written.
func (f *File) ModTime() time.Time { return f.mod }

// OpenFile opens a file; what it is has to be said as when it was written.
func (f *Folder) OpenFile(path, of string) (*File, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	return f.Reader(file, of)
}

// Reader reads a file that is open, and owns it from then on.
func (f *Folder) Reader(file *os.File, of string) (*File, error) {
	info, err := file.Stat()
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	r := &File{file: file, mod: info.ModTime()}
	if r.SectionReader, r.key, err = f.Section(file, info.Size(), of); err != nil {
		return nil, errors.Join(&os.PathError{Op: "open", Path: file.Name(), Err: err}, file.Close())
	}
	return r, nil
}

// Section reads a file that is so long on the disk, and returns the name of the
// key that it is sealed by.
func (f *Folder) Section(file io.ReaderAt, onDisk int64, of string) (r *io.SectionReader, key string, err error) {
	if f.ring == nil {
		return io.NewSectionReader(file, 0, onDisk), "", nil
	}
	d, err := f.ring.NewReader(file, onDisk, f.What(of))
	if err != nil {
		return nil, "", err
	}
	return io.NewSectionReader(d, 0, d.Size()), d.Key(), nil
}

// Key is the name of the key that it is sealed by, "" for a plain one.
func (f *File) Key() string { return f.key }

// Size is how long what is in a file is that is so long on the disk, as far as that
// can be said without opening all of it.
func (f *Folder) Size(path string, onDisk int64) (int64, error) {
	if f.ring == nil {
		return onDisk, nil
	}
	file, err := os.Open(path)
	if err != nil {
		return 0, err
	}
	defer file.Close()
	return atrest.PlainSize(file, onDisk)
}

// Writer writes a file from its beginning to its end, which Close writes; it does
// not close the file.
type Writer struct {
	io.Writer
	sealing *atrest.Writer // nil: plain
	n       int64
}

// Writer returns a writer of a file of which said what it is.
func (f *Folder) Writer(to io.Writer, of string) *Writer {
	if f.ring == nil {
		return &Writer{Writer: to}
	}
	w := f.ring.NewWriter(to, f.What(of))
	return &Writer{Writer: w, sealing: w}
}

// Write implements io.Writer.
func (w *Writer) Write(b []byte) (int, error) {
	n, err := w.Writer.Write(b)
	w.n += int64(n)
	return n, err
}

// Kept is how much is in the file of which the writer was not closed.
func (w *Writer) Kept() int64 {
	if w.sealing == nil {
		return w.n
	}
	return w.sealing.Flushed()
}

// Skip says how much is in a plain file already.
func (w *Writer) Skip(n int64) { w.n += n }

// Close writes the end.
func (w *Writer) Close() error {
	if w.sealing == nil {
		return nil
	}
	return w.sealing.Close()
}

// BeginningSize is about how much [Folder.Beginning] finds in a file that is so long
// on the disk.
func (f *Folder) BeginningSize(onDisk int64) int64 {
	if f.ring == nil {
		return onDisk
	}
	return atrest.BeginningSize(onDisk)
}

// Beginning copies what was kept of a file of which the writer was not closed.
func (f *Folder) Beginning(to io.Writer, from *os.File, of string) (int64, error) {
	if f.ring == nil {
		return io.Copy(to, from)
	}
	return f.ring.OpenBeginning(to, from, f.What(of))
}
