//go:build unix

package app

import (
	"os"

	"golang.org/x/sys/unix"
)

// windowSize returns the size of a terminal; one that does not tell is taken
// to have the usual one.
func windowSize(f *os.File) (columns, rows int) {
	size, err := unix.IoctlGetWinsize(int(f.Fd()), unix.TIOCGWINSZ)
	if err != nil || size.Col == 0 || size.Row == 0 {
		return 80, 24
	}
	return int(size.Col), int(size.Row)
}
