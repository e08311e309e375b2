package main

import (
	"bufio"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestMain is the program itself when a test executes this binary anew.
func TestMain(m *testing.M) {
	if os.Getenv("EXAMPLE_MAIN") != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

// run starts the program and returns the addresses that it listens on.
func run(t *testing.T, n int, args ...string) (program *exec.Cmd, addrs []string) {
	t.Helper()
	program = exec.Command(os.Args[0], args...)
	program.Env = append(os.Environ(), "EXAMPLE_MAIN=1")
	stderr, err := program.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := program.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		program.Process.Kill()
		program.Wait()
	})
	lines := bufio.NewScanner(stderr)
	for len(addrs) < n && lines.Scan() {
		if _, addr, ok := strings.Cut(lines.Text(), "listening on "); ok {
			addrs = append(addrs, addr)
		}
	}
	if len(addrs) < n {
		t.Fatalf("it listens on %q and ended", addrs)
	}
	return program, addrs
}

func dial(t *testing.T, network, addr string) net.Conn {
	t.Helper()
	c, err := net.Dial(network, addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(time.Minute))
	return c
}

func TestEcho(t *testing.T) {
	for _, model := range []string{"inline", "pool", "connection", "process"} {
		t.Run(model, func(t *testing.T) {
			if model == "process" && runtime.GOOS == "windows" {
				t.Skip("no processes here")
			}
			path := filepath.Join(t.TempDir(), "s")
			program, addrs := run(t, 2, "-model", model, "127.0.0.1:0", "unix:"+path)
			for i, network := range []string{"tcp", "unix"} {
				c := dial(t, network, addrs[i]) // the one before is done: with inline a client that is silent would keep the turn
				io.WriteString(c, "hello, echo")
				c.(interface{ CloseWrite() error }).CloseWrite()
				if b, err := io.ReadAll(c); err != nil || string(b) != "hello, echo" {
					t.Errorf("%v: %q, %v", c.RemoteAddr(), b, err)
				}
			}
			if runtime.GOOS == "windows" {
				return
			}
			program.Process.Signal(syscall.SIGTERM)
			if err := program.Wait(); err != nil {
				t.Errorf("it ended with %v", err)
			}
			if _, err := os.Stat(path); err == nil {
				t.Error("the socket's file is still there")
			}
		})
	}
}
