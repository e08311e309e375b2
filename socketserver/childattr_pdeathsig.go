//go:build linux || freebsd

package socketserver

import "syscall"

const canFork = true

// childAttr puts a child into a process group of its own, so that what is typed
// at a terminal reaches the server alone, which drains; the child dies with the
// thread that starts it.
func childAttr() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
