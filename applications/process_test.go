package applications

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http/fcgi"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// freshet is the program, which TestMain builds.
var freshet string

func TestMain(m *testing.M) {
	if os.Getenv(worker) != "" {
		fmt.Fprintln(os.Stderr, fcgi.Serve(nil, goApplication(nil)))
		os.Exit(1)
	}
	dir, err := os.MkdirTemp("", "freshet-applications-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	freshet = filepath.Join(dir, "freshet")
	code := 1
	if out, err := exec.Command("go", "build", "-C", "..", "-o", freshet, "./cmd/freshet").CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build freshet: %v: %s\n", err, out)
	} else {
		code = m.Run()
	}
	os.RemoveAll(dir)
	os.Exit(code)
}

// cannotBeHad skips a test for want of an application, but not in CI, where it
// is to be there.
func cannotBeHad(t *testing.T, format string, a ...any) {
	t.Helper()
	if os.Getenv("CI") != "" {
		t.Fatalf(format, a...)
	}
	t.Skipf(format, a...)
}

// freeAddr returns an address that nobody listens on.
func freeAddr(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// start starts a program that listens on addr, host:port or unix:/path, and
// ends it with the test. It returns the program's process.
func start(t *testing.T, addr string, env []string, args ...string) *os.Process {
	t.Helper()
	var out output
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Env = append(os.Environ(), env...)
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.Dir = t.TempDir()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	t.Cleanup(func() {
		cmd.Process.Signal(syscall.SIGTERM)
		select {
		case <-ended:
		case <-time.After(20 * time.Second):
			t.Errorf("%s does not end", args[0])
			cmd.Process.Kill()
			<-ended
		}
		if t.Failed() {
			t.Logf("%s said: %s", args[0], out.String())
		}
	})
	network, at := "tcp", addr
	if path, ok := strings.CutPrefix(addr, "unix:"); ok {
		network, at = "unix", path
	}
	giveUp := time.Now().Add(30 * time.Second)
	for {
		c, err := net.Dial(network, at)
		if err == nil {
			c.Close()
			return cmd.Process
		}
		select {
		case err := <-ended:
			ended <- err
			t.Fatalf("%s ended instead of listening: %v: %s", args[0], err, out.String())
		case <-time.After(20 * time.Millisecond):
		}
		if time.Now().After(giveUp) {
			t.Fatalf("%s does not listen on %s: %s", args[0], addr, out.String())
		}
	}
}

// output is what a program says, for when a test fails.
type output struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.Write(b)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}

// startProxy starts freshet in front of an application and returns its URL.
func startProxy(t *testing.T, origin string, flags ...string) string {
	t.Helper()
	addr := freeAddr(t)
	args := append([]string{freshet, "proxy", "--to", origin, "--listen", addr, "--access-log", "off", "--monitor", "off"}, flags...)
	start(t, addr, nil, args...)
	return "http://" + addr
}

// command runs a program to its end and returns what it printed.
func command(t *testing.T, dir string, env []string, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Env = append(os.Environ(), env...)
	cmd.Dir = dir
	out, err := cmd.Output()
	if err != nil {
		var said []byte
		if e := (*exec.ExitError)(nil); errors.As(err, &e) {
			said = e.Stderr
		}
		t.Fatalf("%v: %v: %s", args, err, said)
	}
	return string(out)
}
