package child

import (
	"errors"
	"fmt"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"
)

// start starts the program from the calling goroutine.
func (y *system) start(c *Command, p *Process) error {
	if err := guard.work(); err != nil {
		return err
	}
	p.handle.group = -1
	if y.groups != nil {
		fd, err := y.groups.enter(p.slot)
		if err != nil {
			return err
		}
		p.handle.group = fd
	}
	p.handle.entry = &y.table[p.slot]
	var few [3]int
	fds := few[:]
	if n := max(len(c.Files), len(c.Descriptors)); n > len(fds) {
		fds = make([]int, n)
	}
	y.descriptors(fds, c)
	pid, err := y.spawn(c, fds, p.handle.group, p.handle.entry)
	runtime.KeepAlive(c)
	if err != nil {
		return err
	}
	p.pid = pid
	kin.born(pid, c.Mark)
	return nil
}

// descriptors fills in what the program's descriptors are copies of.
func (y *system) descriptors(fds []int, c *Command) {
	for i := range fds {
		switch {
		case i < len(c.Descriptors) && c.Descriptors[i] >= 0:
			fds[i] = c.Descriptors[i]
		case i < len(c.Files) && c.Files[i] != nil:
			fds[i] = int(c.Files[i].Fd())
		default:
			fds[i] = y.nullFD
		}
	}
}

// try finds out, before the first request does, whether the system lets us do
// what each start will, by executing a program that does not exist.
func (y *system) try() error {
	group := -1
	if y.groups != nil {
		var err error
		if group, err = y.groups.enter(0); err != nil {
			return err
		}
	}
	pid, err := y.spawn(&Command{Path: "/proc/self/no-such-program"}, []int{y.nullFD, y.nullFD, y.nullFD}, group, &y.table[0])
	switch {
	case err == nil: // somebody has a program there
		_ = unix.Kill(-pid, unix.SIGKILL)
		_, _ = wait4(pid, nil, 0, nil)
		return errors.New("a program that does not exist was started")
	case errors.Is(err, errExec) && (errors.Is(err, syscall.ENOENT) || errors.Is(err, syscall.EACCES)):
		return nil
	}
	return fmt.Errorf("try to start a program: %w", err)
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
