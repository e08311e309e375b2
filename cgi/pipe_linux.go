package cgi

import (
	"os"
	"syscall"
)

// pipe returns a pipe whose one end is ours, with deadlines, and whose other
// end blocks, as programs expect: os.Pipe would register that with the poller
// first, and it would be taken out again. ours is 0 for the end that reads, 1
// for the one that writes.
func pipe(ours int) (our, their *os.File, err error) {
	var p [2]int
	if err := syscall.Pipe2(p[:], syscall.O_CLOEXEC); err != nil {
		return nil, nil, os.NewSyscallError("pipe2", err)
	}
	if err := syscall.SetNonblock(p[ours], true); err != nil {
		syscall.Close(p[0])
		syscall.Close(p[1])
		return nil, nil, os.NewSyscallError("fcntl", err)
	}
	return os.NewFile(uintptr(p[ours]), "|"), os.NewFile(uintptr(p[1-ours]), "|"), nil
}
