//go:build unix && !linux

package child

import (
	"fmt"
	"os"
	"runtime"
	"syscall"
	"time"
)

// system starts programs in groups of their own, and knows no limits and no
// sandbox.
type system struct {
	options    Options
	credential *syscall.Credential
	null       *os.File
}

type handle struct{}

func newSystem(o *Options) (*system, error) {
	if err := onlyPortable(o); err != nil {
		return nil, err
	}
	y := &system{options: *o}
	if os.Geteuid() == 0 && (o.User == nil || o.User.UID == 0) && !o.AllowRoot {
		return nil, ErrRoot
	}
	if u := o.User; u != nil && (int(u.UID) != os.Geteuid() || int(u.GID) != os.Getegid()) {
		if os.Geteuid() != 0 {
			return nil, fmt.Errorf("as user %s (%d): only root can choose a user", u.Name, u.UID)
		}
		y.credential = &syscall.Credential{Uid: u.UID, Gid: u.GID, Groups: u.Groups}
	}
	var err error
	y.null, err = os.OpenFile(os.DevNull, os.O_RDWR, 0)
	return y, err
}

func (y *system) start(c *Command, p *Process) error {
	attr := &syscall.ProcAttr{
		Dir: c.Dir, Env: c.Env,
		Files: make([]uintptr, max(3, len(c.Files))),
		Sys:   &syscall.SysProcAttr{Setsid: true, Credential: y.credential},
	}
	if attr.Env == nil {
		attr.Env = []string{}
	}
	for i := range attr.Files {
		f := y.null
		if i < len(c.Files) && c.Files[i] != nil {
			f = c.Files[i]
		}
		attr.Files[i] = f.Fd()
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
	return nil
}

func (y *system) close() error { return y.null.Close() }

func (y *system) describe() string {
	who := fmt.Sprintf("user %d (ours)", os.Geteuid())
	if u := y.options.User; u != nil {
		who = fmt.Sprintf("user %s (%d)", u.Name, u.UID)
	}
	return who + ", no limits, process group"
}

func signalGroup(p *Process, signal syscall.Signal) error {
	return syscall.Kill(-p.pid, signal)
}

// soon is not known here.
func (p *Process) soon() bool { return false }

// end waits for the leader, which reaps it, and kills the rest of its group.
// Between the two somebody could get the number only if nobody else is in the
// group, and if all numbers were used once in that moment.
func (p *Process) end() Result {
	var status syscall.WaitStatus
	var usage syscall.Rusage
	for {
		_, err := syscall.Wait4(p.pid, &status, 0, &usage)
		if err != syscall.EINTR {
			break
		}
	}
	r := Result{Exit: status.ExitStatus(), User: time.Duration(usage.Utime.Nano()), System: time.Duration(usage.Stime.Nano()), MaxRSS: int64(usage.Maxrss)}
	if runtime.GOOS != "darwin" {
		r.MaxRSS <<= 10 // kilobytes but for darwin
	}
	if status.Signaled() {
		r.Exit, r.Signal = -1, status.Signal()
	}
	p.reap(func() {
		if syscall.Kill(-p.pid, syscall.SIGKILL) == nil {
			r.Leftovers = 1 // at least
		}
	})
	return r
}

// Usage is not known here.
func (p *Process) Usage() (cpu time.Duration, rss int64) { return 0, 0 }
