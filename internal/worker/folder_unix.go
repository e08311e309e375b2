//go:build unix

package worker

import (
	"io/fs"
	"os"
	"slices"
	"syscall"

	"freshet/internal/child"
)

// moreDescriptors says whether a program can have more than three.
const moreDescriptors = true

// programEndings are what the name of a program may end with beyond what is
// said.
var programEndings = []string{""}

// isProgram says whether somebody may execute a file.
func isProgram(fi fs.FileInfo) bool { return fi.Mode().IsRegular() && fi.Mode().Perm()&0o111 != 0 }

// trusted says whether a file belongs to root or to us.
func trusted(fi fs.FileInfo) bool {
	st, ok := fi.Sys().(*syscall.Stat_t)
	return ok && (st.Uid == 0 || int(st.Uid) == os.Geteuid())
}

// changeable says whether others may replace what is in a folder. In a sticky
// one they may only what is theirs.
func changeable(fi fs.FileInfo) bool {
	return fi.Mode().Perm()&0o022 != 0 && fi.Mode()&fs.ModeSticky == 0
}

// enterable says whether a user may pass through a folder.
func enterable(fi fs.FileInfo, u *child.User) bool {
	st, ok := fi.Sys().(*syscall.Stat_t)
	perm := fi.Mode().Perm()
	switch {
	case u == nil:
		return true
	case !ok:
		return false
	case st.Uid == u.UID:
		return perm&0o100 != 0
	case st.Gid == u.GID, slices.Contains(u.Groups, st.Gid):
		return perm&0o010 != 0
	}
	return perm&0o001 != 0
}

// theirs says whether a file belongs to the user that programs run as.
func theirs(fi fs.FileInfo, u *child.User) bool {
	st, ok := fi.Sys().(*syscall.Stat_t)
	if u == nil {
		return ok && int(st.Uid) == os.Geteuid()
	}
	return ok && st.Uid == u.UID
}

// withoutWaiting opens what is no regular file, after all, without waiting for
// its other end.
const withoutWaiting = syscall.O_NONBLOCK
