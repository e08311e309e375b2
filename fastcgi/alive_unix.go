//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package fastcgi

import "syscall"

// look peeks into the socket without waiting. Nothing to read is what should be
// found: the end means that the backend closed it, and data that it sent more
// than an answer, which must not become the beginning of the next one.
func (c *conn) look(fd uintptr) {
	var b [1]byte
	for {
		_, _, err := syscall.Recvfrom(int(fd), b[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		if err == syscall.EINTR {
			continue
		}
		c.silent = err == syscall.EAGAIN
		return
	}
}
