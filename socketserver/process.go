package socketserver

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"
)

// ErrNoProcesses is what Serve returns for the model Process on a system on
// which a socket cannot be handed to a child.
var ErrNoProcesses = errors.New("socketserver: the model Process needs a Unix system")

// ErrNoInChild is what Serve returns in a process that was started to serve one
// client: its main did not call InChild first. Without it each client would
// start a whole server.
var ErrNoInChild = errors.New("socketserver: this process was started for one client; main must begin with: if socketserver.InChild(server) { return }")

// DefaultKillAfter is ProcessOptions.KillAfter when that is 0.
const DefaultKillAfter = 2 * time.Second

// ProcessOptions says how children of the model Process are started. The zero
// value executes the program anew, with the same arguments.
type ProcessOptions struct {
	Path string   // the program; "" means this one
	Args []string // its arguments, without its name; nil means those of this process
	Env  []string // "NAME=value", added to the environment of this process

	// KillAfter is what a child gets between SIGTERM and SIGKILL when a
	// Shutdown has run out of time. 0 means DefaultKillAfter; negative means
	// that the first signal is SIGKILL.
	KillAfter time.Duration
}

func (o *ProcessOptions) killAfter() time.Duration {
	if o.KillAfter == 0 {
		return DefaultKillAfter
	}
	return max(o.KillAfter, 0)
}

// ChildError says that a child of the model Process ended otherwise than by
// returning from its handler: it crashed, exited, was killed, or could not be
// started.
type ChildError struct {
	Name  string           // of the server
	PID   int              // 0 when it was not started
	State *os.ProcessState // nil when it was not started, or not waited for
	Err   error            // why not
}

// Error says which child, and how it ended.
func (e *ChildError) Error() string {
	of := ""
	if e.Name != "" {
		of = fmt.Sprintf(" of server %q", e.Name)
	}
	switch {
	case e.PID == 0:
		return fmt.Sprintf("start a child%s: %v", of, e.Err)
	case e.State == nil:
		return fmt.Sprintf("wait for child %d%s: %v", e.PID, of, e.Err)
	}
	return fmt.Sprintf("child %d%s: %v", e.PID, of, e.State)
}

// Unwrap returns Err.
func (e *ChildError) Unwrap() error { return e.Err }

// Forker is a server whose Model may be Process.
type Forker interface {
	// forkName is the kind of server and its name: what a child finds it by.
	forkName() (kind, name string)

	// serveChild serves the one client that the child was started for. Its
	// descriptors are files[0] and so on; whoever uses them closes them.
	serveChild(files []*os.File) error

	// drainChild is called in a child, on a goroutine of its own, when the
	// parent drains.
	drainChild()
}

// childEnv tells a process that it is a child: "kind:files:name".
const childEnv = "SOCKETSERVER_CHILD"

// The descriptors of a child: 0 to 2, the control socket, then the client's.
const (
	controlFD = 3
	firstFD   = 4
)

// drainByte on the control socket says that the parent drains; its end says
// that the parent is gone.
const drainByte = 'd'

// childName makes the value of childEnv.
func childName(kind, name string, files int) string {
	return fmt.Sprintf("%s:%d:%s", kind, files, name)
}

// InChild serves one client and returns true in a process that one of the
// servers, which are told apart by their Names, started for it; in any other it
// does nothing and returns false. A program that uses the model Process begins
// its main with it, before it parses flags, opens files or listens:
//
//	if socketserver.InChild(server) {
//		return
//	}
//
// What main sets up before is set up once for each client. A child that is not
// meant for one of the servers says so and exits with status 3.
func InChild(servers ...Forker) bool {
	value, ok := os.LookupEnv(childEnv)
	if !ok {
		return false
	}
	os.Unsetenv(childEnv) // it is not for what this process starts
	kind, rest, _ := strings.Cut(value, ":")
	count, name, _ := strings.Cut(rest, ":")
	for _, s := range servers {
		if k, n := s.forkName(); k != kind || n != name {
			continue
		}
		files, err := childFiles(count)
		if err == nil {
			go watchParent(files[0], s)
			err = s.serveChild(files[1:])
		}
		if err != nil {
			fmt.Fprintf(os.Stderr, "socketserver: child of server %q: %v\n", name, err)
			os.Exit(3)
		}
		return true
	}
	fmt.Fprintf(os.Stderr, "socketserver: child of a %s server %q, which InChild was not given\n", kind, name)
	os.Exit(3)
	return true
}

// watchParent ends the child with its parent, also where the system does not.
func watchParent(control io.Reader, s Forker) {
	var b [1]byte
	for {
		n, err := control.Read(b[:])
		if n == 1 && b[0] == drainByte {
			s.drainChild()
		}
		if err != nil {
			os.Exit(1)
		}
	}
}
