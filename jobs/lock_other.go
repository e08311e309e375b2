//go:build (!unix && !windows) || solaris || aix

package jobs

import "os"

// lockFile: without a portable lock it is the operator who keeps a second
// process out.
func lockFile(name string) (*os.File, error) {
	return os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600)
}
