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

// likeOriginal gives a file to who has the original, as far as this user may, and
// returns its mode: without the group, it is nobody's that has more than all have.
func likeOriginal(f *os.File, of fs.FileInfo) fs.FileMode {
	mode := of.Mode().Perm()
	s, ok := of.Sys().(*syscall.Stat_t)
	if ok && (f.Chown(int(s.Uid), int(s.Gid)) == nil || f.Chown(-1, int(s.Gid)) == nil) {
		return mode
	}
	return mode&^0o070 | mode&0o007<<3
}
