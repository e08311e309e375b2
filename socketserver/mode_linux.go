package socketserver

import (
	"io/fs"
	"os"
	"syscall"
)

// narrow sets the mode of a Unix socket before it has a name: its file gets no
// other permissions than these.
func narrow(fd uintptr, mode fs.FileMode) error {
	return os.NewSyscallError("fchmod", syscall.Fchmod(int(fd), uint32(mode.Perm())))
}
