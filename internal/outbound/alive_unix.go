//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package outbound

import "syscall"

// look peeks into the socket: the end, an error or data means that the
// connection is of no use.
func (c *conn) look(fd uintptr) { c.peeked = Silent(fd) }

// Silent peeks into a socket without waiting, and reports whether there is
// nothing to read: no data, no end and no error.
func Silent(fd uintptr) bool {
	var b [1]byte
	for {
		_, _, err := syscall.Recvfrom(int(fd), b[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		if err != syscall.EINTR {
			return err == syscall.EAGAIN
		}
	}
}
