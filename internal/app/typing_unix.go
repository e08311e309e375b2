//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package app

import (
	"os"

	"golang.org/x/sys/unix"
)

// hideTyping has a terminal not show what is typed, until restore is called. It is
// not ok when the file is no terminal.
func hideTyping(f *os.File) (restore func(), ok bool) {
	fd := int(f.Fd())
	was, err := unix.IoctlGetTermios(fd, getTermios)
	if err != nil {
		return nil, false
	}
	hidden := *was
	hidden.Lflag &^= unix.ECHO
	hidden.Lflag |= unix.ICANON | unix.ISIG
	if unix.IoctlSetTermios(fd, setTermios, &hidden) != nil {
		return nil, false
	}
	return func() { unix.IoctlSetTermios(fd, setTermios, was) }, true
}
