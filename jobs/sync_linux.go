package jobs

import (
	"os"
	"syscall"
)

// syncData waits until the disk has what was written, and its length; times of
// the file may be missing.
func syncData(f *os.File) error {
	for {
		if err := syscall.Fdatasync(int(f.Fd())); err != syscall.EINTR {
			return os.NewSyscallError("fdatasync", err)
		}
	}
}
