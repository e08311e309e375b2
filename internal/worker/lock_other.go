//go:build !unix

package worker

import (
	"errors"
	"os"
)

// lockFile makes a file. A file that is there might be in use by another
// worker: there are no locks to tell, so that nothing that was left behind is
// removed here.
func lockFile(path string, create bool) (*os.File, error) {
	if !create {
		return nil, errors.ErrUnsupported
	}
	return os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
}
