//go:build !linux && !darwin && !freebsd

package static

import "io/fs"

func stampOf(fi fs.FileInfo) stamp { return plainStamp(fi) }
