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
	// The types of these fields differ from one architecture to the next.
	return stamp{uint64(st.Dev), uint64(st.Ino), st.Size, nanoseconds(int64(st.Mtim.Sec), int64(st.Mtim.Nsec)), nanoseconds(int64(st.Ctim.Sec), int64(st.Ctim.Nsec))}
}

func nanoseconds(sec, nsec int64) int64 { return sec*1e9 + nsec }
