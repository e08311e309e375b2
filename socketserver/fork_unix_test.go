//go:build unix

package socketserver_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"freshet/socketserver"
)

func init() { roles["parent"] = playParent }

// playParent serves with children on a port that it names, until it is killed.
func playParent() {
	l, err := socketserver.Listen("127.0.0.1:0", 0)
	if err != nil {
		panic(err)
	}
	fmt.Println(l.Addr())
	(&socketserver.Server{Name: forked.Name, Model: socketserver.Process, Handler: command}).Serve(l)
}

// Children do not outlive their parent, however that ends.
func TestChildrenDieWithTheirParent(t *testing.T) {
	parent := exec.Command(os.Args[0])
	parent.Env = append(os.Environ(), "TEST_ROLE=parent")
	out, err := parent.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	addr, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	nc, err := net.Dial("tcp", strings.TrimSpace(addr))
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	nc.SetDeadline(time.Now().Add(time.Minute))
	c := &caller{nc, t, bufio.NewReader(nc)}
	c.say("pid")
	var pid int
	if _, err := fmt.Fscanln(c.r, &pid); err != nil || pid == parent.Process.Pid {
		t.Fatalf("child %d of %d, %v", pid, parent.Process.Pid, err)
	}
	c.ask("deaf", "deaf") // neither the drain nor SIGTERM ends it now
	if runtime.GOOS == "linux" || runtime.GOOS == "freebsd" {
		syscall.Kill(pid, syscall.SIGSTOP) // nor does it notice anything by itself
	}
	parent.Process.Kill()
	c.gone()
	parent.Wait()
}

// A child that finds no server, or was given no connection, says so.
func TestInChildWithoutAServer(t *testing.T) {
	for value, want := range map[string]string{
		"stream:1:command": "no socket",
		"stream:x:command": "not as a server sets it",
		"stream:1:nobody":  `stream server "nobody", which InChild was not given`,
		"other:1:command":  `other server "command", which InChild was not given`,
	} {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), "SOCKETSERVER_CHILD="+value)
		out, err := cmd.CombinedOutput()
		if exit, ok := errors.AsType[*exec.ExitError](err); !ok || exit.ExitCode() != 3 || !strings.Contains(string(out), want) {
			t.Errorf("%s: %v: %s", value, err, out)
		}
	}
}

// A program that forgets InChild does not start servers without end: in a child
// none starts.
func TestForgottenInChild(t *testing.T) {
	t.Setenv("SOCKETSERVER_CHILD", "stream:1:command")
	s := &socketserver.Server{Model: socketserver.Process, Handler: command}
	if err := s.Serve(listen(t, "127.0.0.1:0")); err != socketserver.ErrNoInChild {
		t.Errorf("Serve: %v", err)
	}
	l := listen(t, "127.0.0.1:0")
	defer l.Close()
	if err := s.HandleRequest(l); err != socketserver.ErrNoInChild {
		t.Errorf("HandleRequest: %v", err)
	}
}

// A child that cannot be started is reported, and its client sent away.
func TestChildThatCannotBeStarted(t *testing.T) {
	s := &socketserver.Server{Name: "command", Model: socketserver.Process, Handler: command, Fork: socketserver.ProcessOptions{Path: "/nonexistent/program"}}
	errs := hooked(s)
	l := listen(t, "127.0.0.1:0")
	serve(t, s, l)
	call(t, l).gone()
	var child *socketserver.ChildError
	if err := expectError(t, errs); !errors.As(err, &child) || child.PID != 0 || !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
	s2 := &socketserver.Server{Name: "command", Model: socketserver.Process, Handler: command}
	errs = hooked(s2)
	pipes := &pipeListener{conns: make(chan net.Conn, 1), Listener: listen(t, "127.0.0.1:0")}
	ours, theirs := net.Pipe()
	pipes.conns <- theirs
	served := make(chan error, 1)
	go func() { served <- s2.Serve(pipes) }()
	if _, err := io.ReadAll(ours); err != nil {
		t.Error(err)
	}
	if err := expectError(t, errs); !strings.Contains(err.Error(), "no descriptor") {
		t.Error(err)
	}
	close(pipes.conns)
	s2.Close()
	<-served
}

// lastOf is a listener that fails for good after one connection.
type lastOf struct {
	net.Listener
	accepted bool
}

func (l *lastOf) Accept() (net.Conn, error) {
	if l.accepted {
		return nil, io.ErrClosedPipe
	}
	l.accepted = true
	return l.Listener.Accept()
}

// Children die with the thread that started them, which is therefore there as
// long as they are: also when Serve has returned.
func TestChildrenOutliveServe(t *testing.T) {
	s := &socketserver.Server{Name: "command", Model: socketserver.Process, Handler: command}
	l := &lastOf{Listener: listen(t, "127.0.0.1:0")}
	c := call(t, l)
	served := make(chan error)
	go func() {
		runtime.LockOSThread() // the thread ends with the goroutine
		served <- s.Serve(l)
	}()
	if err := <-served; err != io.ErrClosedPipe {
		t.Errorf("Serve: %v", err)
	}
	for range 20 {
		c.ask("echo still", "still")
	}
	if err := s.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	c.gone()
	reaped(t)
}

// pipeListener accepts connections that have no descriptor.
type pipeListener struct {
	net.Listener
	conns chan net.Conn
}

func (l *pipeListener) Accept() (net.Conn, error) {
	if nc, ok := <-l.conns; ok {
		return nc, nil
	}
	return nil, net.ErrClosed
}

// One request, one child: HandleRequest returns when it has ended.
func TestHandleRequestInAChild(t *testing.T) {
	for _, addr := range []string{"127.0.0.1:0", "unix:" + t.TempDir() + "/s"} {
		l := listen(t, addr)
		defer l.Close()
		s := &socketserver.Server{Name: "command", Model: socketserver.Process, Handler: command,
			Fork: socketserver.ProcessOptions{Env: []string{"TEST_ROLE=none"}}}
		defer s.Close()
		c := call(t, l)
		c.say("pid")
		c.say("exit")
		errs := hooked(s)
		if err := s.HandleRequest(l); err != nil {
			t.Error(err)
		}
		if err := <-errs; !strings.Contains(err.Error(), "exit status 7") {
			t.Error(err)
		}
		reaped(t)
	}
}

// The limits are those of the server, not of its children: who is beyond them is
// refused while others are served.
func TestLimitsOfProcesses(t *testing.T) {
	s := &socketserver.Server{Name: "command", Model: socketserver.Process, Handler: command, MaxConns: 2, MaxConnsPerClient: -1,
		Refused: func(c net.Conn, _ socketserver.Refusal) { io.WriteString(c, "full\n") }}
	l := listen(t, "127.0.0.1:0")
	serve(t, s, l)
	first, second := call(t, l), call(t, l)
	first.ask("echo 1", "1")
	second.ask("echo 2", "2")
	call(t, l).hear("full")
	first.Close()
	eventually(t, "there is room", func() bool { return s.Len() == 1 })
	call(t, l).ask("echo 3", "3")
}

// A signal from a terminal is for the server, which drains: children are in
// groups of their own.
func TestChildrenHaveGroupsOfTheirOwn(t *testing.T) {
	l := listen(t, "127.0.0.1:0")
	serve(t, &socketserver.Server{Name: "command", Model: socketserver.Process, Handler: command}, l)
	c := call(t, l)
	c.say("pid")
	var pid int
	if _, err := fmt.Fscanln(c.r, &pid); err != nil {
		t.Fatal(err)
	}
	group, err := syscall.Getpgid(pid)
	if err != nil || group != pid {
		t.Errorf("process %d is in group %d, %v", pid, group, err)
	}
}
