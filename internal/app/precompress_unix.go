//go:build unix

package app

import (
	"io/fs"
	"os"
	"syscall"
)

// nonblocking keeps opening from waiting for the other end of a pipe that has
// taken the place of a file.
const nonblocking = syscall.O_NONBLOCK

// likeOriginal gives a file to who has the original, as far as this user may.
func likeOriginal(f *os.File, of fs.FileInfo) {
	if s, ok := of.Sys().(*syscall.Stat_t); ok {
		f.Chown(int(s.Uid), int(s.Gid))
	}
}
