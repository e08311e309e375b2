//go:build amd64 || arm64

package child

import (
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// givenFiles is the limit of open files that this process was started with, if
// package syscall has raised it: programs get that, as they do from os/exec, for
// some are slow or wrong with many. Only package syscall knows it, and tells
// none but the children that it makes itself. So one of those is held where it
// would begin, looked at, and ended; where that is refused the raised limit
// stays.
var givenFiles = sync.OnceValues(func() (given unix.Rlimit, raised bool) {
	var ours unix.Rlimit
	if unix.Prlimit(0, unix.RLIMIT_NOFILE, nil, &ours) != nil || ours.Cur != ours.Max-1 {
		return given, false
	}
	looked := make(chan error)
	onThread(func() { // only the thread that started it may hold it
		looked <- lookAtFiles(&given)
	})
	return given, <-looked == nil
})

func lookAtFiles(given *unix.Rlimit) error {
	pid, err := syscall.ForkExec("/proc/self/exe", []string{"limits"}, &syscall.ProcAttr{Env: []string{}, Sys: &syscall.SysProcAttr{Ptrace: true}})
	if err != nil {
		return err
	}
	var status unix.WaitStatus
	if _, err = wait4(pid, &status, 0, nil); err != nil || !status.Stopped() {
		return unix.ESRCH
	}
	err = unix.Prlimit(pid, unix.RLIMIT_NOFILE, nil, given)
	_ = unix.Kill(pid, unix.SIGKILL)
	_, _ = wait4(pid, &status, 0, nil)
	return err
}
