//go:build !linux && !darwin && !freebsd

package follow

import "io/fs"

func stampOf(info fs.FileInfo) Stamp { return plainStamp(info) }
