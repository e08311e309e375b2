package app

import (
	"io/fs"
	"syscall"
)

// changedAt is when the state of a file, or what it is called, has changed.
func changedAt(fi fs.FileInfo) int64 {
	if s, ok := fi.Sys().(*syscall.Stat_t); ok {
		return s.Ctim.Nano()
	}
	return 0
}
