//go:build unix && !solaris && !aix

package filelock

import (
	"errors"
	"io"
	"os"
	"syscall"
)

// Locks reports whether there are locks on this system.
const Locks = true

// Take locks the file, which it makes if need be, until the result is closed,
// or this process has ended. Its error is [ErrLocked], or the system's.
func Take(name string) (io.Closer, error) {
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = f.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			err = ErrLocked
		}
		return nil, err
	}
	return taken{f}, nil
}

type taken struct{ *os.File }

// Close unlocks the file: closing it alone does not while a child of this process
// that has just been made, and executes nothing yet, has it too (flock(2)).
func (t taken) Close() error {
	err := syscall.Flock(int(t.Fd()), syscall.LOCK_UN)
	return errors.Join(err, t.File.Close())
}
