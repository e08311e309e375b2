//go:build (!unix && !windows) || solaris || aix

package filelock

import (
	"io"
	"os"
)

// Locks reports whether there are locks on this system.
const Locks = false

// Take opens the file, and makes it if need be. Without a portable lock it is
// the operator who keeps a second process out.
func Take(name string) (io.Closer, error) {
	return os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600)
}
