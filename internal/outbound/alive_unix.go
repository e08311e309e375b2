//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package outbound

import "syscall"

// look peeks into the socket without waiting. Nothing to read is what should be
// found; the end, an error or data means that the connection is of no use.
func (c *conn) look(fd uintptr) {
	var b [1]byte
	for {
		_, _, err := syscall.Recvfrom(int(fd), b[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		if err == syscall.EINTR {
			continue
		}
		c.peeked = err == syscall.EAGAIN
		return
	}
}
