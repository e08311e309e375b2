//go:build unix

package cgi

import (
	"os"
	"syscall"
)

// writeAtOnce writes as much as the pipe takes without waiting, and returns how
// much that was. It may be less than a pipe usually takes: a user who has many
// pipes gets small ones.
func writeAtOnce(f *os.File, b []byte) (n int) {
	if len(b) == 0 {
		return 0
	}
	raw, err := f.SyscallConn()
	if err != nil {
		return 0
	}
	raw.Write(func(fd uintptr) bool {
		n, err = syscall.Write(int(fd), b)
		return true
	})
	return max(n, 0)
}
