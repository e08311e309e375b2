//go:build linux && !386 && !arm && !mips && !mipsle && !ppc

package static

import "golang.org/x/sys/unix"

const sysFstatat = unix.SYS_NEWFSTATAT
