//go:build !unix

package socketserver

import (
	"errors"
	"fmt"
)

func setReusePort(uintptr) error {
	return fmt.Errorf("share a port: %w", errors.ErrUnsupported)
}
