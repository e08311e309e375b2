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

// job is a program that a thread shall start.
type job struct {
	command *Command
	process *Process
	done    chan error
}

// startThreads starts the operating-system threads that start the programs:
// the death signal of a child is tied to the thread that started it, only that
// thread may trace it, and what the thread is confined to the child inherits.
//
// There are runners, which wait for the child that they started, and starters,
// which leave that to the poller. To be woken by the kernel costs this process
// half of what the poller and a goroutine more do, as long as little else
// goes on; and there are never more threads than these.
func (y *system) startThreads(each int) error {
	for i := range 2 * each {
		ready := make(chan error, 1)
		y.threads.Add(1)
		onThread(func() {
			defer y.threads.Done()
			y.thread(i, i < each, ready)
		})
		if err := <-ready; err != nil {
			return err
		}
	}
	return nil
}

// onThread runs f on a goroutine with an operating-system thread that ends
// with it. It is not the process's first thread: that one cannot end, stands
// for the process in /proc, and has the strays for children.
func onThread(f func()) {
	go func() {
		runtime.LockOSThread()
		if unix.Gettid() != os.Getpid() {
			f()
			return
		}
		// While we hold the first thread the next goroutine gets another.
		begun := make(chan struct{})
		onThread(func() {
			close(begun)
			f()
		})
		<-begun
		runtime.UnlockOSThread()
	}()
}

// thread serves jobs on a thread that is not like others any more.
func (y *system) thread(n int, runner bool, ready chan<- error) {
	if n == 0 {
		if err := y.try(); err != nil {
			ready <- err
			return
		}
	}
	if err := y.confine(); err != nil {
		ready <- err
		return
	}
	ready <- nil
	if !runner {
		for j := range y.starters {
			j.done <- y.launch(j.command, j.process, false)
		}
		return
	}
	for j := range y.runners {
		err := y.launch(j.command, j.process, true)
		p := j.process
		j.done <- err
		if err == nil {
			p.await()
		}
	}
}

// try finds out, before the first request does, whether the system lets us do
// what each start will: by executing a program that does not exist, and, when
// limits are to be set, by holding one at its first instruction and killing
// it there.
func (y *system) try() error {
	fd := -1
	if y.groups != nil {
		var err error
		if fd, err = y.groups.enter(0); err != nil {
			return err
		}
	}
	attr := y.attributes(fd, nil)
	attr.Sys.Ptrace = false
	if err := tryStart(attr); err != nil {
		return fmt.Errorf("try to start a program: %w", err)
	}
	if len(y.limits) == 0 {
		return nil
	}
	attr = y.attributes(-1, nil)
	attr.Sys.Credential = nil
	pid, err := syscall.ForkExec("/proc/self/exe", []string{"try"}, attr)
	if err != nil {
		return fmt.Errorf("limits: hold a program (ptrace): %w", err)
	}
	var status unix.WaitStatus
	_, err = wait4(pid, &status, 0, nil)
	held := err == nil && status.Stopped()
	if held {
		err = y.setLimits(pid)
	}
	_ = unix.Kill(pid, unix.SIGKILL)
	if held {
		_, _ = wait4(pid, &status, 0, nil)
	}
	switch {
	case err != nil:
		return fmt.Errorf("limits: set them: %w", err)
	case !held:
		return errors.New("limits: a program could not be held at its first instruction (ptrace)")
	}
	return nil
}

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
func (y *system) launch(c *Command, p *Process, waits bool) error {
	attr := y.attributes(p.handle.group, c.Files)
	attr.Dir, attr.Env = c.Dir, c.Env
	if attr.Env == nil {
		attr.Env = []string{}
	}
	p.handle.pidfd = -1
	if p.handle.runner = waits; !waits {
		attr.Sys.PidFD = &p.handle.pidfd
	}
	args := c.Args
	if len(args) == 0 {
		args = []string{c.Path}
	}
	pid, err := syscall.ForkExec(c.Path, args, attr)
	runtime.KeepAlive(c)
	if err != nil {
		p.handle.drop()
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
		p.handle.drop()
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
