package follow

import (
	"io/fs"
	"os"
	"time"
)

// Stamp is what tells that a file has changed: its size and when it was
// written, and where there are such things which file it is and when anything of
// it changed, for who writes can set the time of writing. Stamps are compared
// with ==; that of a file which cannot be looked at is zero.
type Stamp struct {
	size    int64
	mod     time.Time
	inode   uint64 // 0 where there is none
	changed int64  // nanoseconds since 1970; 0 where that is not known
}

// StampOf looks at a file.
func StampOf(path string) Stamp {
	info, err := os.Stat(path)
	if err != nil {
		return Stamp{}
	}
	return stampOf(info)
}

// plainStamp is what all systems know.
func plainStamp(info fs.FileInfo) Stamp { return Stamp{size: info.Size(), mod: info.ModTime()} }
