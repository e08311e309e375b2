//go:build unix

package socketserver

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
)

// child is a process that serves one client.
type child struct {
	process *os.Process
	control *os.File // a socket: we write to it, the child never does
}

// forks starts children. Its zero value is ready.
//
// A child dies with the thread that started it (PR_SET_PDEATHSIG of prctl(2)),
// so all are started by one, which stays as long as there are children.
type forks struct {
	mu   sync.Mutex
	held int         // by who may start children, and by children
	jobs chan func() // to the thread; nil while there is none
}

// hold keeps the thread until release.
func (f *forks) hold() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.held++; f.held > 1 {
		return
	}
	jobs := make(chan func())
	f.jobs = jobs
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		for job := range jobs {
			job()
		}
	}()
}

func (f *forks) release() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.held--; f.held == 0 {
		close(f.jobs)
		f.jobs = nil
	}
}

// start starts a child and gives it files. The caller holds f, and releases it
// no earlier than it has waited for the child.
func (f *forks) start(o *ProcessOptions, kind, name string, files ...*os.File) (*child, error) {
	ours, theirs, err := socketPair()
	if err != nil {
		return nil, fmt.Errorf("socketpair: %w", err)
	}
	defer theirs.Close()
	null, err := os.Open(os.DevNull)
	if err != nil {
		ours.Close()
		return nil, err
	}
	defer null.Close()
	path, args, err := o.command()
	if err != nil {
		ours.Close()
		return nil, err
	}
	attr := &os.ProcAttr{
		Env:   o.environ(childName(kind, name, len(files))),
		Files: append([]*os.File{null, os.Stdout, os.Stderr, theirs}, files...),
		Sys:   childAttr(),
	}
	done := make(chan struct{})
	c := &child{control: ours}
	f.jobs <- func() {
		defer close(done)
		c.process, err = os.StartProcess(path, args, attr)
	}
	<-done
	if err != nil {
		ours.Close()
		return nil, err
	}
	return c, nil
}

// command is what a child executes.
func (o *ProcessOptions) command() (path string, args []string, err error) {
	path = o.Path
	if path == "" {
		// A program that was replaced on disk goes on with its old self.
		const self = "/proc/self/exe"
		if link, err := os.Readlink(self); err == nil && strings.HasSuffix(link, " (deleted)") {
			path = self
		} else if path, err = os.Executable(); err != nil {
			return "", nil, err
		}
	}
	name := path
	if o.Path == "" && len(os.Args) > 0 {
		name = os.Args[0]
	}
	rest := o.Args
	if rest == nil && len(os.Args) > 0 {
		rest = os.Args[1:]
	}
	return path, append([]string{name}, rest...), nil
}

func (o *ProcessOptions) environ(value string) []string {
	env := slices.DeleteFunc(os.Environ(), func(v string) bool {
		name, _, _ := strings.Cut(v, "=")
		return slices.Contains(activationEnv, name) // descriptors that a child does not have
	})
	return append(append(env, o.Env...), childEnv+"="+value)
}

// drain tells the child that the server drains.
func (c *child) drain() { c.control.Write([]byte{drainByte}) }

// signal sends sig to the child and to what is left in its process group.
func (c *child) signal(sig syscall.Signal) {
	if c.process.Signal(sig) == nil { // it was not reaped yet: the number is its own
		syscall.Kill(-c.process.Pid, sig)
	}
}

func (c *child) terminate() { c.signal(syscall.SIGTERM) }
func (c *child) kill()      { c.signal(syscall.SIGKILL) }

// wait waits for the child's end and reaps it. No thread waits meanwhile: the
// child's end of the control socket is closed when it ends.
func (c *child) wait() (*os.ProcessState, error) {
	var b [1]byte
	for {
		if _, err := c.control.Read(b[:]); err != nil {
			break
		}
	}
	state, err := c.process.Wait()
	c.control.Close()
	return state, err
}

// socketPair returns two connected sockets, the first of which is polled.
func socketPair() (ours, theirs *os.File, err error) {
	syscall.ForkLock.RLock()
	fds, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	if err == nil {
		syscall.CloseOnExec(fds[0])
		syscall.CloseOnExec(fds[1])
	}
	syscall.ForkLock.RUnlock()
	if err != nil {
		return nil, nil, err
	}
	if err := syscall.SetNonblock(fds[0], true); err != nil {
		syscall.Close(fds[0])
		syscall.Close(fds[1])
		return nil, nil, err
	}
	return os.NewFile(uintptr(fds[0]), "control"), os.NewFile(uintptr(fds[1]), "control"), nil
}

// childFiles returns what a child was given: the control socket, then the
// client's descriptors.
func childFiles(count string) ([]*os.File, error) {
	n, err := strconv.Atoi(count)
	if err != nil || n < 1 || n > 16 {
		return nil, fmt.Errorf("%s is not as a server sets it", childEnv)
	}
	files := make([]*os.File, 0, n+1)
	for fd := controlFD; fd <= controlFD+n; fd++ {
		var st syscall.Stat_t
		if err := syscall.Fstat(fd, &st); err != nil || st.Mode&syscall.S_IFMT != syscall.S_IFSOCK {
			return nil, errors.Join(fmt.Errorf("descriptor %d is no socket", fd), err)
		}
		syscall.CloseOnExec(fd)
		if fd == controlFD {
			if err := syscall.SetNonblock(fd, true); err != nil {
				return nil, err
			}
		}
		files = append(files, os.NewFile(uintptr(fd), "child"))
	}
	return files, nil
}
