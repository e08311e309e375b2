//go:build unix

package control

import (
	"io/fs"
	"os"
	"syscall"
)

// ownerTrusted reports whether a file is ours, or root's: any other owner may
// put something else in its place.
func ownerTrusted(info fs.FileInfo) bool {
	s, ok := info.Sys().(*syscall.Stat_t)
	return ok && allowed(int(s.Uid), os.Geteuid())
}

// allowed reports whether a user may do what we may: we ourselves, and root.
func allowed(user, own int) bool { return user == own || user == 0 }
