//go:build unix && !solaris && !aix && !nonats

package bus

import (
	"errors"
	"io"
	"os"
	"syscall"
)

// takeLock takes the lock that ends with the descriptor, so with the process at the latest.
func takeLock(name string) (io.Closer, error) {
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		f.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			err = ErrLocked
		}
		return nil, err
	}
	return f, nil
}
