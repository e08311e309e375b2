// Package process runs the servers and load generators of the benchmark, and
// reads what the kernel knows about them.
//
// It ends only what it started, by process id; it never searches for
// processes by name. It is for Linux: readings come from /proc.
package process

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// Options say how a process is started.
type Options struct {
	Args []string // program and arguments
	Env  []string // added to our own environment
	CPU  int      // the one processor that it may use, negative for any
	Dir  string   // its folder, which also takes its output (output.txt)
}

// Process is a program that we started.
type Process struct {
	cmd    *exec.Cmd
	output string
	done   chan struct{} // closed when it has ended
	err    error         // set before done is closed
}

// Start starts a program.
func Start(o Options) (*Process, error) {
	out, err := os.Create(filepath.Join(o.Dir, "output.txt"))
	if err != nil {
		return nil, err
	}
	defer out.Close() // the child has its own copy
	args := Pinned(o.CPU, o.Args)
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Env = append(os.Environ(), o.Env...)
	cmd.Stdout, cmd.Stderr = out, out
	cmd.Dir = o.Dir
	// A killed benchmark leaves no server behind.
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", o.Args[0], err)
	}
	p := &Process{cmd: cmd, output: out.Name(), done: make(chan struct{})}
	go func() {
		p.err = cmd.Wait()
		close(p.done)
	}()
	return p, nil
}

// Serve starts a program and returns when addr takes connections; one that does
// not come to that is ended.
func Serve(ctx context.Context, addr string, o Options) (*Process, error) {
	p, err := Start(o)
	if err != nil {
		return nil, err
	}
	if err := p.WaitListening(ctx, addr); err != nil {
		p.Stop(0)
		return nil, err
	}
	return p, nil
}

// Pinned returns the command line that runs args on one processor. taskset
// replaces itself by the program, so that the process id is the program's.
func Pinned(cpu int, args []string) []string {
	if cpu < 0 {
		return args
	}
	return append([]string{"taskset", "-c", fmt.Sprint(cpu)}, args...)
}

// PID returns the process id.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Done is closed when the process has ended.
func (p *Process) Done() <-chan struct{} { return p.done }

// WaitListening returns when addr takes connections.
func (p *Process) WaitListening(ctx context.Context, addr string) error {
	ctx, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	retry := time.NewTicker(20 * time.Millisecond)
	defer retry.Stop()
	for {
		c, err := net.Dial("tcp", addr)
		if err == nil {
			return c.Close()
		}
		select {
		case <-p.done:
			return fmt.Errorf("%s ended instead of listening on %s: %s", p.cmd.Args[len(p.cmd.Args)-1], addr, p.Output())
		case <-ctx.Done():
			return fmt.Errorf("wait for %s: %w: %s", addr, errors.Join(ctx.Err(), err), p.Output())
		case <-retry.C:
		}
	}
}

// Output returns the last words of the process, for error messages.
func (p *Process) Output() string {
	const most = 2000
	b, err := os.ReadFile(p.output)
	if err != nil {
		return err.Error()
	}
	return strings.TrimSpace(string(b[max(0, len(b)-most):]))
}

// Stop asks the process to end, and insists after grace.
func (p *Process) Stop(grace time.Duration) {
	p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.done:
		return
	case <-time.After(grace):
	}
	tree := Tree(p.PID())
	for _, pid := range tree {
		syscall.Kill(pid, syscall.SIGKILL)
	}
	<-p.done
}

// FreeAddr returns an address on the loopback interface that nobody listens on.
func FreeAddr() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	return l.Addr().String(), nil
}
