//go:build unix && !solaris && !aix

package app

import (
	"errors"
	"os"
	"syscall"
)

// lockFile takes a file for this process until it is closed; false when another
// has it.
func lockFile(f *os.File) bool {
	// Where there are no locks, as on some file systems of networks, it is ours.
	return !errors.Is(syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB), syscall.EWOULDBLOCK)
}
