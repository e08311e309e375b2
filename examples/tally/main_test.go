package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
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

func TestTally(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	run(t, 1, "unix:"+path)
	if fi, err := os.Stat(path); runtime.GOOS != "windows" && (err != nil || fi.Mode().Perm() != 0o600) {
		t.Errorf("others may connect: %v, %v", fi.Mode(), err)
	}
	for i := 1; i <= 3; i++ { // clients share the counts
		c := dial(t, "unix", path)
		io.WriteString(c, "add apples\r\nget apples\nget pears\npick pears\nquit\nadd apples\n")
		want := fmt.Sprintf("%d\n%d\n0\nwhat is \"pick\"?\n", i, i)
		b := make([]byte, len(want))
		if _, err := io.ReadFull(c, b); err != nil || string(b) != want {
			t.Errorf("%q, %v, want %q", b, err, want)
		}
	}
	c := dial(t, "unix", path)
	io.WriteString(c, strings.Repeat("x", 300)) // without an end
	if b, err := io.ReadAll(c); string(b) != "goodbye: socketserver: line too long\n" && !errors.Is(err, fs.ErrClosed) {
		t.Errorf("%q, %v", b, err)
	}
}
