//go:build !unix

package app

import (
	"io/fs"
	"os"
)

const nonblocking = 0

// likeOriginal is for systems where files have what their folder says.
func likeOriginal(*os.File, fs.FileInfo) {}
