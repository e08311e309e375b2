package socketserver

import (
	"syscall"
	"unsafe"
)

// mostRaw bounds the bytes that one system call moves without the scheduler's
// knowledge: copying them takes some ten microseconds.
const mostRaw = 32 << 10

// mmsg calls recvmmsg or sendmmsg for all of hdrs, and returns how many
// datagrams it was done for. It does not wait. About bytes will be moved: when
// they are few, the scheduler is not told (RawSyscall). Else it would take a
// call of more than 20 µs, which 32 datagrams may need, for one that waits, and
// have another thread go on with the goroutines: two switches of threads a
// batch. The price is that they wait for the call, some 100 µs at most.
func mmsg(trap, fd uintptr, hdrs []mmsghdr, flags uintptr, bytes int) (int, syscall.Errno) {
	for {
		var n uintptr
		var errno syscall.Errno
		if bytes <= mostRaw {
			n, _, errno = syscall.RawSyscall6(trap, fd, uintptr(unsafe.Pointer(&hdrs[0])), uintptr(len(hdrs)), flags, 0, 0)
		} else {
			n, _, errno = syscall.Syscall6(trap, fd, uintptr(unsafe.Pointer(&hdrs[0])), uintptr(len(hdrs)), flags, 0, 0)
		}
		if errno != syscall.EINTR {
			return int(n), errno
		}
	}
}
