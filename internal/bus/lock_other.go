//go:build ((!unix && !windows) || solaris || aix) && !nonats

package bus

import (
	"io"
	"os"
)

// takeLock: without a portable lock it is the operator who keeps a second
// process out.
func takeLock(name string) (io.Closer, error) {
	return os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600)
}
