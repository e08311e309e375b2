package gateway

import (
	"os"
	"strconv"
	"syscall"
)

// oTmpfile is O_TMPFILE, which package syscall does not have.
const oTmpfile = 0o20000000 | syscall.O_DIRECTORY

// unnamed opens a file that no folder has: it is gone with its descriptor,
// however the process ends.
func unnamed(dir string) (f *os.File, name string, err error) {
	if dir == "" {
		dir = os.TempDir()
	}
	// With O_EXCL nobody who has the descriptor, such as the program, can give
	// the file a name.
	f, err = os.OpenFile(dir, os.O_RDWR|os.O_EXCL|oTmpfile, 0o600)
	if err != nil { // a file system that cannot
		return removed(dir)
	}
	return f, "", nil
}

// onlyRead returns a file of its own for what f has, from the start, and closes
// f; f itself when that cannot be had.
func onlyRead(f *os.File) *os.File {
	raw, err := f.SyscallConn()
	if err != nil {
		return f
	}
	var again *os.File
	raw.Control(func(fd uintptr) { again, err = os.Open("/proc/self/fd/" + strconv.Itoa(int(fd))) })
	if again == nil || err != nil {
		return f
	}
	f.Close()
	return again
}
