//go:build unix

package socketserver

import (
	"errors"
	"net"
	"os"
	"syscall"
)

// keepFromChildren closes fd in programs that this process starts.
func keepFromChildren(fd int) { syscall.CloseOnExec(fd) }

// isStream reports whether fd is a stream socket, as opposed to one for
// datagrams.
func isStream(fd int) (bool, error) {
	kind, err := syscall.GetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_TYPE)
	if err != nil {
		return false, os.NewSyscallError("getsockopt", err)
	}
	switch kind {
	case syscall.SOCK_STREAM:
		return true, nil
	case syscall.SOCK_DGRAM:
		return false, nil
	}
	return false, errors.New("a socket neither for streams nor for datagrams")
}

// copyOf returns a copy of fd.
func copyOf(fd int) (*os.File, error) {
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	n, err := syscall.Dup(fd)
	if err != nil {
		return nil, os.NewSyscallError("dup", err)
	}
	syscall.CloseOnExec(n)
	return os.NewFile(uintptr(n), "socket"), nil
}

// listenerOf returns a listener for a copy of fd.
func listenerOf(fd int) (net.Listener, error) {
	if stream, err := isStream(fd); err != nil {
		return nil, err
	} else if !stream {
		return nil, errors.New("a socket for datagrams")
	}
	if _, err := syscall.Getpeername(fd); err == nil {
		return nil, errors.New("a connected socket, which cannot listen")
	}
	f, err := copyOf(fd)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	l, err := net.FileListener(f)
	if err != nil {
		return nil, err
	}
	if u, ok := l.(*net.UnixListener); ok {
		u.SetUnlinkOnClose(false) // the file is that of who made the socket
	}
	return newTCPListener(l), nil
}

// packetConnOf returns a connection for a copy of fd.
func packetConnOf(fd int) (net.PacketConn, error) {
	f, err := copyOf(fd)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return net.FilePacketConn(f)
}
