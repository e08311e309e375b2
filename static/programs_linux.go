package static

import (
	"os"
	"strconv"
	"strings"
)

// realName is the name that an open file has now; without /proc, that which its
// path leads to.
func realName(f *os.File) (string, error) {
	raw, err := f.SyscallConn()
	if err != nil {
		return "", err
	}
	name := ""
	raw.Control(func(fd uintptr) {
		name, err = os.Readlink("/proc/self/fd/" + strconv.Itoa(int(fd)))
	})
	if err != nil || !strings.HasPrefix(name, "/") {
		return realPath(f)
	}
	return name, nil
}
