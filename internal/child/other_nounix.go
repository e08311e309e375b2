//go:build !unix

package child

import (
	"fmt"
	"os"
	"syscall"
	"time"
)

// system starts programs, which are ended alone: there are no groups.
type system struct {
	null *os.File
}

type handle struct{ process *os.Process }

func newSystem(o *Options) (*system, error) {
	if o.User != nil {
		return nil, fmt.Errorf("as user %s: %w", o.User.Name, errUnsupported)
	}
	if err := onlyPortable(o); err != nil {
		return nil, err
	}
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	return &system{null}, err
}

func (y *system) start(c *Command, p *Process) error {
	files := make([]*os.File, max(3, len(c.Files)))
	for i := range files {
		files[i] = y.null
		if i < len(c.Files) && c.Files[i] != nil {
			files[i] = c.Files[i]
		}
	}
	args := c.Args
	if len(args) == 0 {
		args = []string{c.Path}
	}
	env := c.Env
	if env == nil {
		env = []string{}
	}
	process, err := os.StartProcess(c.Path, args, &os.ProcAttr{Dir: c.Dir, Env: env, Files: files})
	if err != nil {
		return err
	}
	p.pid, p.handle.process = process.Pid, process
	return nil
}

func (y *system) close() error { return y.null.Close() }

func (y *system) describe() string { return "user as ours, no limits, no process group" }

// signalGroup ends the process, whatever the signal: there is only one way.
func signalGroup(p *Process, _ syscall.Signal) error { return p.handle.process.Kill() }

// soon is not known here.
func (p *Process) soon() bool { return false }

// end waits for the process. Its number stays its own until the handle is
// given back, so it may be signalled meanwhile.
func (p *Process) end() Result {
	state, err := p.handle.process.Wait()
	p.reap(func() {})
	if err != nil {
		return Result{Exit: -1}
	}
	return Result{Exit: state.ExitCode(), User: state.UserTime(), System: state.SystemTime()}
}

// Usage is not known here.
func (p *Process) Usage() (cpu time.Duration, rss int64) { return 0, 0 }
