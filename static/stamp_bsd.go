//go:build darwin || freebsd

package static

import (
	"io/fs"
	"syscall"
)

func stampOf(fi fs.FileInfo) stamp {
	st, ok := fi.Sys().(*syscall.Stat_t)
	if !ok {
		return plainStamp(fi)
	}
	return stamp{uint64(st.Dev), uint64(st.Ino), st.Size, syscall.TimespecToNsec(st.Mtimespec), syscall.TimespecToNsec(st.Ctimespec)}
}
