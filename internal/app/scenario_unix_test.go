//go:build unix

package app

import "syscall"

const hangup = syscall.SIGHUP

func makePipe(path string) error { return syscall.Mkfifo(path, 0o644) }
