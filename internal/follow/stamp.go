package follow

import (
	"os"
	"time"
)

// Stamp is what tells that a file has changed: its size and when it was
// written. Stamps are compared with ==; that of a file which cannot be looked
// at is zero.
type Stamp struct {
	size int64
	mod  time.Time
}

// StampOf looks at a file.
func StampOf(path string) Stamp {
	info, err := os.Stat(path)
	if err != nil {
		return Stamp{}
	}
	return Stamp{info.Size(), info.ModTime()}
}
