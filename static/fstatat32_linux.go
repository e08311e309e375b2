//go:build linux && (386 || arm || mips || mipsle || ppc)

package static

import "golang.org/x/sys/unix"

// With 32-bit words the call with 64-bit sizes has a name of its own.
const sysFstatat = unix.SYS_FSTATAT64
