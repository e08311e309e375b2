package child

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"syscall"

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
func (y *system) startThreads(n int) error {
	for i := range n {
		ready := make(chan error, 1)
		y.threads.Add(1)
		onThread(func() {
			defer y.threads.Done()
			y.thread(i, ready)
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
func (y *system) thread(n int, ready chan<- error) {
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
	for j := range y.jobs {
		j.done <- y.launch(j.command, j.process)
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
