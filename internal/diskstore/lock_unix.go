//go:build unix && !solaris && !aix

package diskstore

import (
	"errors"
	"os"
	"syscall"
)

// lockFile takes the lock that ends with the descriptor, or with the process.
func lockFile(f *os.File) error {
	err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return ErrLocked
	}
	return err
}

func isQuota(err error) bool { return errors.Is(err, syscall.EDQUOT) }
