//go:build !linux

package cgi

import (
	"os"
	"time"
)

// pipe returns a pipe whose one end is ours: 0 is the end that reads, 1 the one
// that writes.
func pipe(ours int) (our *os.File, their end, err error) {
	r, w, err := os.Pipe()
	if ours == 1 {
		return w, end{r}, err
	}
	return r, end{w}, err
}

// end is a program's end of a pipe, or a file; zero: nothing.
type end struct{ file *os.File }

func (e end) number() int { return -1 }

func (e end) chown(uid, gid int) error { return e.file.Chown(uid, gid) }

func (e end) close() {
	if e.file != nil {
		e.file.Close()
	}
}

// saidPipe is our end of a program's standard error.
type saidPipe struct{ end *os.File }

// open makes the pipe and returns the program's end.
func (s *saidPipe) open() (their end, err error) {
	s.end, their, err = pipe(0)
	return their, err
}

// rest reads what is there, and waits but for a moment.
func (s *saidPipe) rest(b []byte) int {
	s.end.SetReadDeadline(time.Now().Add(time.Millisecond))
	n, _ := s.end.Read(b)
	return n
}

// file has the pipe watched.
func (s *saidPipe) file() (*os.File, error) { return s.end, nil }

func (s *saidPipe) close() {
	if s.end != nil {
		s.end.Close()
	}
}
