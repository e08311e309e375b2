//go:build !nonats

package bus

import (
	"fmt"
	"os"
	"syscall"
)

const filesAreLimited = true

// limitFiles has this process open so many files more, and no others, until the
// function that it returns is called; less than 0 is any.
func limitFiles(more int) func() {
	if more < 0 {
		return func() {}
	}
	var was syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &was); err != nil {
		panic(err)
	}
	now := was
	now.Cur = 0
	for ; more >= 0; now.Cur++ { // the first numbers that are free are given next
		if _, err := os.Lstat(fmt.Sprint("/proc/self/fd/", now.Cur)); err != nil {
			more--
		}
	}
	now.Cur--
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &now); err != nil {
		panic(err)
	}
	return func() {
		if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &was); err != nil {
			panic(err)
		}
	}
}
