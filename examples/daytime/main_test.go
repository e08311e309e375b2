package main

import (
	"bufio"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
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

func TestDaytime(t *testing.T) {
	_, addrs := run(t, 1, "127.0.0.1:0")
	for range 3 {
		b, err := io.ReadAll(dial(t, "tcp", addrs[0]))
		if err != nil {
			t.Fatal(err)
		}
		told, err := time.ParseInLocation("Monday, January 2, 2006 15:04:05-MST\r\n", string(b), time.Local)
		if off := time.Since(told); err != nil || off < -time.Minute || off > time.Minute {
			t.Errorf("it tells %q, %v: %v off", b, err, off)
		}
	}
}
