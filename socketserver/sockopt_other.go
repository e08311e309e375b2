//go:build !(linux || darwin || freebsd || netbsd || openbsd || dragonfly)

package socketserver

import (
	"errors"
	"fmt"
	"io/fs"
)

func reusePort(uintptr) error {
	return fmt.Errorf("SO_REUSEPORT: %w", errors.ErrUnsupported)
}

func narrow(uintptr, fs.FileMode) error { return nil }
