package control

import (
	"net"
	"os"
	"syscall"
)

// hasModes says that modes of files mean something.
const hasModes = true

// samePeer reports whether the process at the other end runs as our user, or
// as root, and is not a program that this one started to answer requests.
func samePeer(c net.Conn) bool {
	u, ok := c.(*net.UnixConn)
	if !ok {
		return false
	}
	raw, err := u.SyscallConn()
	if err != nil {
		return false
	}
	var peer *syscall.Ucred
	var fault error
	err = raw.Control(func(fd uintptr) {
		peer, fault = syscall.GetsockoptUcred(int(fd), syscall.SOL_SOCKET, syscall.SO_PEERCRED)
	})
	if err != nil || fault != nil || !allowed(int(peer.Uid), os.Geteuid()) {
		return false
	}
	return int(peer.Pid) == os.Getpid() || !(confined(int(peer.Pid)) && descends(int(peer.Pid)))
}
