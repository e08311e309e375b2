//go:build !unix

package diskstore

import (
	"io/fs"
	"os"
)

func writeFile(name string, content []byte) error { return os.WriteFile(name, content, 0o600) }
func rename(from, to string) error                { return os.Rename(from, to) }

// occupied is what a file takes of the disk, at most.
func occupied(info fs.FileInfo) int64 { return onDisk(info.Size()) }
