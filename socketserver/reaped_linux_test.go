package socketserver_test

import (
	"testing"

	"golang.org/x/sys/unix"
)

// reaped waits until no child is left, not even as a zombie; it takes none away
// from who waits for it.
func reaped(t *testing.T) {
	t.Helper()
	eventually(t, "all children are reaped", func() bool {
		return unix.Waitid(unix.P_ALL, 0, nil, unix.WEXITED|unix.WNOHANG|unix.WNOWAIT, nil) == unix.ECHILD
	})
}
