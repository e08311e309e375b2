//go:build !unix

package app

import (
	"io/fs"
	"os"
)

const nonblocking = 0

// likeOriginal is for systems where files have what their folder says.
func likeOriginal(_ *os.File, of fs.FileInfo) fs.FileMode { return of.Mode().Perm() }

// changedAt is not known here.
func changedAt(fs.FileInfo) int64 { return 0 }
