//go:build unix

package socketserver_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"os"
	"os/signal"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"freshet/socketserver"
)

// command is the handler of these tests: a word a line.
var command = socketserver.StreamFunc(socketserver.StreamOptions{}, func(s *socketserver.Stream) error {
	for {
		line, err := s.ReadLine()
		if err != nil {
			return err
		}
		word, rest, _ := strings.Cut(string(line), " ")
		switch word {
		case "echo":
			fmt.Fprintln(s, rest)
		case "pid":
			fmt.Fprintln(s, os.Getpid())
		case "fail":
			return errors.New(rest)
		case "panic":
			panic(rest)
		case "goexit":
			runtime.Goexit()
		case "nil":
			var f func()
			f()
		case "exit":
			os.Exit(7)
		case "segv":
			syscall.Kill(os.Getpid(), syscall.SIGSEGV) // Go's runtime makes an exit with all stacks of it
			select {}
		case "kill":
			syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {}
		case "deaf": // to SIGTERM and to the drain
			signal.Ignore(syscall.SIGTERM)
			fmt.Fprintln(s.Conn.Conn, "deaf")
			select {}
		case "work": // until there is one more byte, drain or not
			fmt.Fprintln(s.Conn.Conn, "working")
			if _, err := s.Conn.Conn.Read(make([]byte, 1)); err != nil {
				return err
			}
			fmt.Fprintln(s, "done")
			return nil
		}
	}
})

// forked is the server whose children serve the tests of Process.
var forked = forker(&socketserver.Server{Name: "command", Handler: command})

// eachModel runs f with a server of each model, which runs two handlers at once
// where the model has such a number. Servers of Process are found by their name.
func eachModel(t *testing.T, f func(t *testing.T, s *socketserver.Server)) {
	for _, m := range []socketserver.Model{socketserver.PerConnection, socketserver.Inline, socketserver.Pool(2), socketserver.Process} {
		t.Run(m.String(), func(t *testing.T) {
			f(t, &socketserver.Server{Name: forked.Name, Handler: command, Model: m, MaxConnsPerClient: -1, ErrorLog: log.New(io.Discard, "", 0)})
		})
	}
}

// caller is a client that speaks in lines.
type caller struct {
	net.Conn
	t *testing.T
	r *bufio.Reader
}

func call(t *testing.T, l net.Listener) *caller {
	t.Helper()
	c := dial(t, l)
	return &caller{c, t, bufio.NewReader(c)}
}

func (c *caller) say(line string) {
	c.t.Helper()
	if _, err := io.WriteString(c, line+"\n"); err != nil {
		c.t.Errorf("send %q: %v", line, err)
	}
}

func (c *caller) hear(want string) {
	c.t.Helper()
	if got, err := c.r.ReadString('\n'); err != nil || got != want+"\n" {
		c.t.Errorf("got %q, %v, want %q", got, err, want)
	}
}

func (c *caller) ask(line, want string) {
	c.t.Helper()
	c.say(line)
	c.hear(want)
}

// gone waits until the server has ended the connection.
func (c *caller) gone() {
	c.t.Helper()
	if rest, err := io.ReadAll(c.r); len(rest) > 0 || errors.Is(err, os.ErrDeadlineExceeded) {
		c.t.Errorf("got %q, %v, want the end", rest, err)
	}
}

// hooked has the errors of s sent to a channel.
func hooked(s *socketserver.Server) <-chan error {
	errs := make(chan error, 100)
	s.OnError = func(_ *socketserver.Conn, err error) { errs <- err }
	return errs
}

func expectError(t *testing.T, errs <-chan error) error {
	t.Helper()
	select {
	case err := <-errs:
		return err
	case <-time.After(time.Minute):
		t.Fatal("no error was reported")
	}
	return nil
}

// A handler that panics ends its connection and nobody else's.
func TestPanicTakesDownOneConnection(t *testing.T) {
	eachModel(t, func(t *testing.T, s *socketserver.Server) {
		errs := hooked(s)
		l := listen(t, "127.0.0.1:0")
		serve(t, s, l)
		var bystander *caller
		if s.Model != socketserver.Inline { // where there can be no other
			bystander = call(t, l)
			bystander.ask("echo before", "before")
		}
		for _, how := range []string{"panic ouch", "nil"} {
			c := call(t, l)
			c.say(how)
			c.gone()
			err := expectError(t, errs)
			var panicked *socketserver.PanicError
			var child *socketserver.ChildError
			switch {
			case s.Model == socketserver.Process:
				if !errors.As(err, &child) || child.PID == 0 || child.State.ExitCode() != 2 {
					t.Errorf("%s: %v, want a child's exit status 2", how, err)
				}
			case !errors.As(err, &panicked) || !strings.Contains(string(panicked.Stack), "models_unix_test.go"):
				t.Errorf("%s: %v, want a panic with the handler's stack", how, err)
			}
		}
		if bystander != nil {
			bystander.ask("echo after", "after")
		}
		call(t, l).ask("echo next", "next")
		if n := s.Counts().Failed; n != 2 {
			t.Errorf("%d failures counted, want 2", n)
		}
	})
}

// What ends the whole process ends one child.
func TestCrashOfAChild(t *testing.T) {
	s := &socketserver.Server{Name: "command", Handler: command, Model: socketserver.Process}
	errs := hooked(s)
	l := listen(t, "127.0.0.1:0")
	serve(t, s, l)
	bystander := call(t, l)
	bystander.ask("echo before", "before")
	for how, want := range map[string]string{"exit": "exit status 7", "segv": "exit status 2", "kill": "signal: killed"} {
		c := call(t, l)
		c.say(how)
		c.gone()
		if err := expectError(t, errs); !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", how, err, want)
		}
	}
	bystander.ask("echo after", "after")
	call(t, l).ask("echo next", "next")
}

// A handler's goroutine that ends is replaced where there is a number of them.
func TestGoexit(t *testing.T) {
	eachModel(t, func(t *testing.T, s *socketserver.Server) {
		if s.Model == socketserver.Process {
			t.Skip("there it is the main goroutine: the child deadlocks or exits")
		}
		l := listen(t, "127.0.0.1:0")
		serve(t, s, l)
		for range 5 {
			c := call(t, l)
			c.say("goexit")
			c.gone()
		}
		call(t, l).ask("echo next", "next")
	})
}

// An error that a handler returns is reported; leaving is none.
func TestReportedErrors(t *testing.T) {
	eachModel(t, func(t *testing.T, s *socketserver.Server) {
		if s.Model == socketserver.Process {
			t.Skip("a child reports by itself, on its standard error")
		}
		errs := hooked(s)
		l := listen(t, "127.0.0.1:0")
		serve(t, s, l)
		leaves := call(t, l)
		leaves.ask("echo hello", "hello")
		leaves.Close()
		c := call(t, l)
		c.say("fail on purpose")
		c.gone()
		if err := expectError(t, errs); err.Error() != "on purpose" {
			t.Error(err)
		}
		select {
		case err := <-errs:
			t.Errorf("also reported: %v", err)
		default:
		}
	})
}

// Who is served while others are: one with Inline, two with Pool(2), all with
// the others.
func TestSlowHandlers(t *testing.T) {
	eachModel(t, func(t *testing.T, s *socketserver.Server) {
		l := listen(t, "127.0.0.1:0")
		serve(t, s, l)
		atOnce := 3
		switch s.Model {
		case socketserver.Inline:
			atOnce = 1
		case socketserver.Pool(2):
			atOnce = 2
		}
		var talking []*caller
		for i := range atOnce {
			c := call(t, l)
			c.ask(fmt.Sprint("echo ", i), fmt.Sprint(i))
			talking = append(talking, c)
		}
		if atOnce == 3 {
			return // the third was served while the first two were
		}
		waits := call(t, l)
		waits.say("echo at last")
		for range 20 { // the others go on meanwhile, and nobody new is looked at
			for _, c := range talking {
				c.ask("echo still", "still")
			}
		}
		if n := s.Counts().Accepted; n != uint64(atOnce) {
			t.Errorf("%d connections were accepted, want %d", n, atOnce)
		}
		talking[0].Close()
		waits.hear("at last")
	})
}

// More clients than there is room for: the goroutines, or children, are
// bounded, who is beyond waits in the kernel's queue, and all are served.
func TestFlood(t *testing.T) {
	eachModel(t, func(t *testing.T, s *socketserver.Server) {
		clients, bound := 60, 0
		switch s.Model {
		case socketserver.Inline:
			bound = 1
		case socketserver.Pool(2):
			bound = 2
		default:
			s.MaxConns, s.Queue, bound = 3, true, 3
		}
		if s.Model == socketserver.Process {
			clients = 9
		}
		var peak atomic.Int64
		if s.Model != socketserver.Process {
			s.Handler = func(c *socketserver.Conn) {
				peak.Store(max(peak.Load(), int64(s.Len())))
				command(c)
			}
		}
		l := listen(t, "127.0.0.1:0")
		before := runtime.NumGoroutine()
		serve(t, s, l)
		var waiting []*caller
		for range clients {
			c := call(t, l)
			c.say("pid")
			waiting = append(waiting, c)
		}
		eventually(t, "the first are served", func() bool { return s.Len() == bound })
		// serve, the sweeper, the accepting; with Process the thread that forks
		if n := runtime.NumGoroutine() - before; n > bound+5 {
			t.Errorf("%d goroutines for %d clients, the bound is %d", n, clients, bound)
		}
		pids := map[string]bool{}
		for _, c := range waiting {
			pid, err := c.r.ReadString('\n')
			if err != nil {
				t.Fatal(err)
			}
			pids[pid] = true
			if n := s.Len(); n > bound {
				t.Errorf("%d at once, the bound is %d", n, bound)
			}
			c.Close()
		}
		if s.Model == socketserver.Process && (len(pids) != clients || pids[fmt.Sprintln(os.Getpid())]) {
			t.Errorf("%d clients had %d processes", clients, len(pids))
		}
		if n := s.Counts(); n.Accepted != uint64(clients) || n.Refused > 0 {
			t.Errorf("counted %+v", n)
		}
		if p := peak.Load(); p > int64(bound) {
			t.Errorf("%d handlers at once, the bound is %d", p, bound)
		}
	})
}

// A drain ends who waits, lets who works finish, and serves nobody else.
func TestDrain(t *testing.T) {
	eachModel(t, func(t *testing.T, s *socketserver.Server) {
		l := listen(t, "127.0.0.1:0")
		served := make(chan error, 1)
		go func() { served <- s.Serve(l) }()
		var idle *caller
		if s.Model != socketserver.Inline {
			idle = call(t, l)
			idle.ask("echo hello", "hello")
		}
		works := call(t, l)
		works.ask("work", "working")
		down := make(chan error, 1)
		go func() { down <- s.Shutdown(t.Context()) }()
		if idle != nil {
			idle.gone()
		}
		eventually(t, "draining", s.Draining)
		select {
		case err := <-down:
			t.Errorf("Shutdown did not wait: %v", err)
		default:
		}
		works.say("")
		works.hear("done")
		works.gone()
		if err := <-down; err != nil {
			t.Errorf("Shutdown: %v", err)
		}
		if err := <-served; err != socketserver.ErrServerClosed {
			t.Errorf("Serve: %v", err)
		}
		if c, err := net.Dial("tcp", l.Addr().String()); err == nil {
			c.Close()
			t.Error("still listening")
		}
		reaped(t)
	})
}

// A drain that runs out of time cuts who is left.
func TestDrainRunsOutOfTime(t *testing.T) {
	eachModel(t, func(t *testing.T, s *socketserver.Server) {
		errs := hooked(s)
		l := listen(t, "127.0.0.1:0")
		served := make(chan error, 1)
		go func() { served <- s.Serve(l) }()
		word, answer := "work", "working"
		if s.Model == socketserver.Process {
			word, answer = "deaf", "deaf" // it must be killed
			s.Fork.KillAfter = time.Millisecond
		}
		c := call(t, l)
		c.ask(word, answer)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := s.Shutdown(ctx); err != context.Canceled {
			t.Errorf("Shutdown: %v", err)
		}
		c.gone()
		<-served
		select {
		case err := <-errs:
			t.Errorf("what we did was reported: %v", err)
		default:
		}
		reaped(t)
	})
}

// Close does not wait, and takes children with it.
func TestClose(t *testing.T) {
	eachModel(t, func(t *testing.T, s *socketserver.Server) {
		l := listen(t, "127.0.0.1:0")
		served := make(chan error, 1)
		go func() { served <- s.Serve(l) }()
		c := call(t, l)
		c.ask("work", "working")
		s.Close()
		c.gone()
		<-served
		eventually(t, "all have ended", func() bool { return s.Len() == 0 })
		reaped(t)
	})
}

// Handlers of Inline do not overlap, whichever listener their clients came to.
func TestInlineOfTwoListeners(t *testing.T) {
	var running, overlaps atomic.Int32
	s := &socketserver.Server{Model: socketserver.Inline, Handler: func(c *socketserver.Conn) {
		if running.Add(1) > 1 {
			overlaps.Add(1)
		}
		command(c)
		running.Add(-1)
	}}
	a, b := listen(t, "127.0.0.1:0"), listen(t, "127.0.0.1:0")
	serve(t, s, a)
	serve(t, s, b)
	var clients sync.WaitGroup
	for i := range 40 {
		clients.Go(func() {
			c := call(t, []net.Listener{a, b}[i%2])
			defer c.Close()
			c.ask("echo x", "x")
		})
	}
	clients.Wait()
	if n := overlaps.Load(); n > 0 {
		t.Errorf("%d handlers overlapped", n)
	}
}

// Again calls a handler of a pool again, too.
func TestAgainInAPool(t *testing.T) {
	eachModel(t, func(t *testing.T, s *socketserver.Server) {
		if s.Model == socketserver.Process {
			t.Skip("the child has a handler of its own")
		}
		s.Handler = func(c *socketserver.Conn) {
			n, _ := c.State.(int)
			fmt.Fprint(c, n)
			c.State = n + 1
			if n < 3 {
				c.Again()
			}
		}
		l := listen(t, "127.0.0.1:0")
		serve(t, s, l)
		if b, err := io.ReadAll(dial(t, l)); err != nil || string(b) != "0123" {
			t.Errorf("%q, %v", b, err)
		}
	})
}
