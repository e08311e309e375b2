package cgi

import (
	"os"

	"golang.org/x/sys/unix"
)

// pipe returns a pipe whose one end is ours, with deadlines, and whose other
// end blocks, as programs expect: os.Pipe would register that with the poller
// first, and it would be taken out again. ours is 0 for the end that reads, 1
// for the one that writes.
func pipe(ours int) (our *os.File, their end, err error) {
	var p [2]int
	if err := unix.Pipe2(p[:], unix.O_CLOEXEC); err != nil {
		return nil, end{}, os.NewSyscallError("pipe2", err)
	}
	if our, err = watched(p[ours]); err != nil {
		_ = unix.Close(p[0])
		_ = unix.Close(p[1])
		return nil, end{}, err
	}
	return our, end{fd: p[1-ours]}, nil
}

// end is a program's end of a pipe, which we only pass on, or a file; zero:
// nothing.
type end struct {
	file *os.File
	fd   int // when there is no file; never 0
}

func (e end) number() int {
	if e.fd > 0 {
		return e.fd
	}
	return -1
}

func (e end) chown(uid, gid int) error {
	switch {
	case e.file != nil:
		return e.file.Chown(uid, gid)
	case e.fd > 0:
		return os.NewSyscallError("fchown", unix.Fchown(e.fd, uid, gid))
	}
	return nil
}

func (e end) close() {
	switch {
	case e.file != nil:
		_ = e.file.Close()
	case e.fd > 0:
		_ = unix.Close(e.fd)
	}
}

// watched is a pipe's end that the poller watches.
func watched(fd int) (*os.File, error) {
	if _, err := unix.FcntlInt(uintptr(fd), unix.F_SETFL, unix.O_NONBLOCK); err != nil {
		return nil, os.NewSyscallError("fcntl", err)
	}
	return os.NewFile(uintptr(fd), "|"), nil
}

// saidPipe is our end of a program's standard error. Most programs say nothing,
// so nobody watches it until file is called.
type saidPipe struct {
	fd      int // 0: none
	watched *os.File
}

// open makes the pipe and returns the program's end.
func (s *saidPipe) open() (their end, err error) {
	var p [2]int
	if err := unix.Pipe2(p[:], unix.O_CLOEXEC); err != nil {
		return end{}, os.NewSyscallError("pipe2", err)
	}
	s.fd = p[0]
	return end{fd: p[1]}, nil
}

// rest reads what is there, without waiting for more.
func (s *saidPipe) rest(b []byte) int {
	n, err := unix.IoctlGetInt(s.fd, unix.TIOCINQ)
	if err != nil || n == 0 {
		return 0
	}
	n, _ = unix.Read(s.fd, b[:min(n, len(b))])
	return max(n, 0)
}

// file has the pipe watched; rest is not for it any more.
func (s *saidPipe) file() (*os.File, error) {
	f, err := watched(s.fd)
	if err == nil {
		s.watched, s.fd = f, 0
	}
	return f, err
}

func (s *saidPipe) close() {
	switch {
	case s.watched != nil:
		_ = s.watched.Close()
	case s.fd > 0:
		_ = unix.Close(s.fd)
	}
}
