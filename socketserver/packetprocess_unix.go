//go:build unix

package socketserver

import (
	"errors"
	"net"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// duplicate returns a copy of pc's descriptor. The File methods of package net
// are no good for it: what they return makes the socket itself blocking when it
// is given to a child.
func duplicate(pc net.PacketConn) (*os.File, error) {
	sc, ok := pc.(syscall.Conn)
	if !ok {
		return nil, errors.New("it has no descriptor")
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return nil, err
	}
	var fd int
	cerr := raw.Control(func(s uintptr) { fd, err = unix.FcntlInt(s, unix.F_DUPFD_CLOEXEC, 0) })
	if cerr != nil || err != nil {
		return nil, errors.Join(cerr, os.NewSyscallError("dup", err))
	}
	return os.NewFile(uintptr(fd), "datagram socket"), nil
}
