//go:build unix && !linux && !freebsd

package socketserver

import "syscall"

const canFork = true

// childAttr puts a child into a process group of its own, so that what is typed
// at a terminal reaches the server alone, which drains. It notices its parent's
// death by its control socket.
func childAttr() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
