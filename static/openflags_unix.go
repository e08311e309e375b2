//go:build unix

package static

import "syscall"

// openFlags keep an open from waiting for the other end of a pipe, and from
// making a terminal the process's own.
const openFlags = syscall.O_NONBLOCK | syscall.O_NOCTTY
