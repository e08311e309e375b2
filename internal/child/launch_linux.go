package child

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// attributes are what each child is born with. Setsid makes it the leader of
// a session, too: what leaves the group but not the session can be told.
func (y *system) attributes(group int, files []*os.File) *syscall.ProcAttr {
	attr := &syscall.ProcAttr{
		Files: make([]uintptr, max(3, len(files))),
		Sys: &syscall.SysProcAttr{
			Setsid:     true,
			Pdeathsig:  syscall.SIGKILL,
			Credential: y.credential,
			Ptrace:     len(y.limits) > 0,
		},
	}
	if group >= 0 {
		attr.Sys.UseCgroupFD, attr.Sys.CgroupFD = true, group
	}
	for i := range attr.Files {
		f := y.null
		if i < len(files) && files[i] != nil {
			f = files[i]
		}
		attr.Files[i] = f.Fd()
	}
	return attr
}

// launch starts a program from this thread.
func (y *system) launch(c *Command, p *Process) error {
	attr := y.attributes(p.handle.group, c.Files)
	attr.Dir, attr.Env = c.Dir, c.Env
	if attr.Env == nil {
		attr.Env = []string{}
	}
	args := c.Args
	if len(args) == 0 {
		args = []string{c.Path}
	}
	pid, err := syscall.ForkExec(c.Path, args, attr)
	runtime.KeepAlive(c)
	if err != nil {
		return err
	}
	p.pid = pid
	p.handle.entry = &y.table[p.slot]
	kin.born(pid, c.Mark)
	p.handle.guard(pid)
	if len(y.limits) == 0 {
		return nil
	}
	if err := y.release(pid); err != nil {
		p.handle.unguard()
		kin.stillborn(pid)
		return err
	}
	return nil
}

// errEnded is a child that did not live to be held.
var errEnded = errors.New("the program ended before its first instruction")

// release sets the limits of a child that is held, and lets it go. After an
// error there is no child any more.
func (y *system) release(pid int) error {
	var status unix.WaitStatus
	if err := waitHeld(pid, &status); err != nil {
		return fmt.Errorf("hold the program: %w", err)
	}
	if !status.Stopped() {
		return errEnded
	}
	err := y.setLimits(pid)
	if err == nil {
		signal := 0 // SIGTRAP says that it is held, and is not for the program
		if s := status.StopSignal(); s != unix.SIGTRAP {
			signal = int(s)
		}
		err = detach(pid, signal)
	}
	if err != nil {
		if !errors.Is(err, errEnded) {
			_ = unix.Kill(pid, unix.SIGKILL)
			_, _ = wait4(pid, &status, 0, nil)
		}
		return fmt.Errorf("set limits: %w", err)
	}
	return nil
}

// wait4 is the system call, again when a signal interrupted it.
func wait4(pid int, status *unix.WaitStatus, options int, usage *unix.Rusage) (int, error) {
	for {
		got, err := unix.Wait4(pid, status, options, usage)
		if err != unix.EINTR {
			return got, err
		}
	}
}

// detach lets a held child go, with a signal if it was stopped by one.
func detach(pid, signal int) error {
	_, _, errno := unix.RawSyscall6(unix.SYS_PTRACE, unix.PTRACE_DETACH, uintptr(pid), 0, uintptr(signal), 0, 0)
	if errno != 0 {
		return errno
	}
	return nil
}

// waitHeld waits until a traced child stops or ends. It keeps the scheduler
// out of it, as the fork before did, for it takes some microseconds: the child
// is past the work of exec.
func waitHeld(pid int, status *unix.WaitStatus) error {
	for {
		_, _, errno := unix.RawSyscall6(unix.SYS_WAIT4, uintptr(pid), uintptr(unsafe.Pointer(status)), 0, 0, 0, 0)
		if errno == 0 {
			return nil
		}
		if errno != unix.EINTR {
			return errno
		}
	}
}
