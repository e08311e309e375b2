//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package socketserver

import (
	"io/fs"
	"os"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"
)

// reusePort sets SO_REUSEPORT.
func reusePort(fd uintptr) error {
	return os.NewSyscallError("setsockopt", unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEPORT, 1))
}

// narrow sets the mode of a Unix socket before it has a name. On Linux the file
// gets no other permissions than these; other systems do not know that.
func narrow(fd uintptr, mode fs.FileMode) error {
	if runtime.GOOS != "linux" {
		return nil
	}
	return os.NewSyscallError("fchmod", syscall.Fchmod(int(fd), uint32(mode.Perm())))
}
