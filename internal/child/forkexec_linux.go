//go:build !amd64 && !arm64

package child

import (
	"errors"
	"fmt"
	"sync/atomic"
	"syscall"
)

// Here programs are started by package syscall: what a child would have to do
// itself before it executes the program, New refuses.

// birthing is how children of a Spawner are made.
type birthing struct{}

// errExec is a child that could not execute its program.
var errExec = errors.New("execute")

// find finds out whether children can be made.
func (y *system) find() error {
	switch {
	case len(y.limits) > 0:
		return ErrLimits
	case y.network.empty || y.rules >= 0:
		return fmt.Errorf("no network, landlock: %w", errors.ErrUnsupported)
	}
	return y.try()
}

// spawn starts a program with descriptors, in a cgroup unless group is -1, and
// returns when it runs. Who looks for strays waits for that.
func (y *system) spawn(c *Command, fds []int, group int, entry *uint64) (pid int, err error) {
	attr := &syscall.ProcAttr{Dir: c.Dir, Env: c.Env, Sys: &syscall.SysProcAttr{Setsid: kin.sessions, Setpgid: !kin.sessions, Credential: y.credential}}
	if attr.Env == nil {
		attr.Env = []string{}
	}
	for _, fd := range fds {
		attr.Files = append(attr.Files, uintptr(fd))
	}
	if group >= 0 {
		attr.Sys.UseCgroupFD, attr.Sys.CgroupFD = true, group
	}
	args := c.Args
	if len(args) == 0 {
		args = []string{c.Path}
	}
	kin.mu.Lock()
	defer kin.mu.Unlock()
	if pid, err = syscall.ForkExec(c.Path, args, attr); err != nil {
		return 0, fmt.Errorf("%w: %w", errExec, err)
	}
	atomic.StoreUint64(entry, uint64(pid))
	return pid, nil
}
