//go:build unix

package cgi

import (
	"io/fs"
	"os"
	"syscall"
)

// self is who we are.
var self = uint32(os.Geteuid())

// ownerOf returns the owner of a file.
func ownerOf(fi fs.FileInfo) uint32 {
	if st, ok := fi.Sys().(*syscall.Stat_t); ok {
		return st.Uid
	}
	return self
}

func writableByOthers(fi fs.FileInfo) bool { return fi.Mode().Perm()&0o022 != 0 }

// executable reports whether anybody may execute a file; whether the user of
// programs may, the system says.
func executable(fi fs.FileInfo) bool { return fi.Mode().Perm()&0o111 != 0 }
