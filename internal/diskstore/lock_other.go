//go:build (!unix && !windows) || solaris || aix

package diskstore

import (
	"io"
	"os"
)

// takeLock: without a portable lock it is the operator who keeps a second
// process out.
func takeLock(name string) (io.Closer, error) {
	return os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600)
}

// canLock: a directory that is shared needs locks.
const canLock = false

func isQuota(error) bool { return false }
