//go:build unix

package app

import (
	"io/fs"
	"os"
	"syscall"
)

// isOurs reports whether a file is this user's. In a folder that others can write
// to, one that is not may say what its owner wants when it is complete.
func isOurs(info fs.FileInfo) bool {
	s, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(s.Uid) == os.Geteuid()
}
