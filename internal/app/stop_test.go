package app

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// A request that runs when the signal comes is answered to its end.
func TestGracefulStop(t *testing.T) {
	dir := folder(t)
	sparse(t, filepath.Join(dir, "big"))
	p := start(t, "serve", "--listen", "127.0.0.1:0", dir)
	c := unread(t, p.url(), "/big")
	p.signals <- syscall.SIGTERM
	p.stderr.wait(t, `(?m)^stopping: running requests have 10s; again to stop at once$`)
	n, err := io.Copy(io.Discard, c)
	if err != nil || n < 32<<20 {
		t.Errorf("%d bytes came, %v", n, err)
	}
	if status := p.wait(); status != exitOK {
		t.Errorf("exit status %d: %s", status, p.stderr)
	}
}

func TestSecondSignalStopsAtOnce(t *testing.T) {
	dir := folder(t)
	sparse(t, filepath.Join(dir, "big"))
	p := start(t, "serve", "--listen", "127.0.0.1:0", dir)
	c := unread(t, p.url(), "/big")
	p.signals <- syscall.SIGTERM
	p.signals <- os.Interrupt
	if status := p.wait(); status != exitFault {
		t.Errorf("exit status %d", status)
	}
	contains(t, p.stderr.String(), "freshet: stopped at once, as a second signal asked")
	if n, err := io.Copy(io.Discard, c); err == nil && n >= 32<<20 {
		t.Error("the whole answer came")
	}
}

func TestShutdownTimeout(t *testing.T) {
	dir := folder(t)
	sparse(t, filepath.Join(dir, "big"))
	p := start(t, "serve", "--listen", "127.0.0.1:0", "--shutdown-timeout", "50ms", dir)
	unread(t, p.url(), "/big")
	p.signals <- os.Interrupt
	if status := p.wait(); status != exitFault {
		t.Errorf("exit status %d", status)
	}
	contains(t, p.stderr.String(), "stopped after 50ms with requests unfinished; give them more with --shutdown-timeout")
}

// Who gives running requests no time gets what they asked for.
func TestNoShutdownTimeout(t *testing.T) {
	p := start(t, "serve", "--listen", "127.0.0.1:0", "--shutdown-timeout", "0", folder(t))
	p.url()
	p.stop()
	contains(t, p.stderr.String(), "stopping: cutting running requests\n")
}

// The program as a process, with real signals.
func TestProcess(t *testing.T) {
	dir := folder(t, "index.html", "hello")
	cmd, stdout, stderr := process(t, "serve", "--listen", "127.0.0.1:0", dir)
	url := stderr.wait(t, `(?m)^serving .* on (http://\S+/)$`)
	if resp, body := get(t, url); resp.StatusCode != 200 || body != "hello" {
		t.Errorf("%v %q", resp, body)
	}
	stdout.wait(t, `"GET / HTTP/1\.1" 200 5 `) // without a stop
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("%v: %s", err, stderr)
	}
	if strings.Count(stderr.String(), "\n") != 2 {
		t.Errorf("it said %q", stderr)
	}
}
