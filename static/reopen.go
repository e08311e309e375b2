package static

import (
	"errors"
	"io"
	"io/fs"
)

// reopen opens the file of a source again, for an answer whose body is on
// disk. It returns nil when that is another file by now.
func (h *Handler) reopen(s *source) (file io.ReaderAt, release func()) {
	if d := s.file.Load(); d.acquire() {
		return d.file, d.Release
	}
	f, err := h.open(s.name)
	if err != nil {
		return nil, nil
	}
	if f.dir || f.stamp != s.stamp {
		f.Close()
		return nil, nil
	}
	if of := osFile(f.File); of != nil {
		d := newDescriptor(of)
		d.acquire()
		h.files.keep(s, d)
		return of, d.Release
	}
	if at, ok := f.File.(io.ReaderAt); ok {
		return at, func() { f.Close() }
	}
	return &sequential{f: f.File}, func() { f.Close() }
}

// sequential reads a file of an fs.FS that has no ReadAt, for one reader that
// mostly goes forwards.
type sequential struct {
	f   fs.File
	pos int64
}

var errBackwards = errors.New("the file can only be read forwards")

func (s *sequential) ReadAt(p []byte, off int64) (int, error) {
	if off != s.pos {
		if err := s.moveTo(off); err != nil {
			return 0, err
		}
	}
	n, err := io.ReadFull(s.f, p)
	s.pos += int64(n)
	if err == io.ErrUnexpectedEOF {
		err = io.EOF
	}
	return n, err
}

func (s *sequential) moveTo(off int64) (err error) {
	if seeker, ok := s.f.(io.Seeker); ok {
		s.pos, err = seeker.Seek(off, io.SeekStart)
		return err
	}
	if off < s.pos {
		return errBackwards
	}
	n, err := io.CopyN(io.Discard, s.f, off-s.pos)
	s.pos += n
	return err
}
