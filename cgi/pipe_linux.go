package cgi

import (
	"os"

	"golang.org/x/sys/unix"
)

// pipe returns a pipe whose one end is ours, with deadlines, and whose other
// end blocks, as programs expect: os.Pipe would register that with the poller
// first, and it would be taken out again. ours is 0 for the end that reads, 1
// for the one that writes.
func pipe(ours int) (our, their *os.File, err error) {
	var p [2]int
	if err := unix.Pipe2(p[:], unix.O_CLOEXEC); err != nil {
		return nil, nil, os.NewSyscallError("pipe2", err)
	}
	if our, err = watched(p[ours]); err != nil {
		_ = unix.Close(p[0])
		_ = unix.Close(p[1])
		return nil, nil, err
	}
	return our, os.NewFile(uintptr(p[1-ours]), "|"), nil
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
func (s *saidPipe) open() (their *os.File, err error) {
	var p [2]int
	if err := unix.Pipe2(p[:], unix.O_CLOEXEC); err != nil {
		return nil, os.NewSyscallError("pipe2", err)
	}
	s.fd = p[0]
	return os.NewFile(uintptr(p[1]), "|"), nil
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
