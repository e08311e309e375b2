package follow

import (
	"io/fs"
	"syscall"
)

func stampOf(info fs.FileInfo) Stamp {
	s := plainStamp(info)
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		s.inode, s.changed = uint64(st.Ino), st.Ctim.Nano()
	}
	return s
}
