package app

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"freshet/internal/bus"
)

// A server whose queue cannot be opened serves on, says why to whoever asks for
// jobs, and opens the queue when it can.
func TestJobsAwayAtStart(t *testing.T) {
	if _, err := bus.PeerName(""); errors.Is(err, bus.ErrAbsent) {
		t.Skip("this program is built without NATS")
	}
	data := t.TempDir()
	damaged := filepath.Join(data, "jobs", "bus", "nodes.json")
	if err := errors.Join(os.Chmod(data, 0o700), os.MkdirAll(filepath.Dir(damaged), 0o700), os.WriteFile(damaged, []byte("{"), 0o600)); err != nil {
		t.Fatal(err)
	}
	p, home := monitored(t, "serve", "--listen", "127.0.0.1:0", "--monitor", "127.0.0.1:0", "--jobs", "1", "--fleet", "127.0.0.1:0", "--data", data, folder(t, "index.html", "hello"))
	p.monitor()
	p.stderr.wait(t, `(?m)^jobs: the job queue is being opened again: .*nodes\.json`)
	p.stderr.wait(t, `(?m)^fleet on 127\.0\.0\.1:0 when the job queue is open`)
	if resp, body := get(t, p.url()); resp.StatusCode != 200 || body != "hello" {
		t.Errorf("%d %q", resp.StatusCode, body)
	}
	list := func() (int, string) {
		status, stdout, stderr := command(t, home, "job", "list", "--data", data)
		return status, stdout + stderr
	}
	status, told := list()
	if status != exitFault {
		t.Errorf("exit status %d", status)
	}
	contains(t, told, "the job queue is being opened again", "nodes.json")
	if err := os.Remove(damaged); err != nil {
		t.Fatal(err)
	}
	until(t, "the queue is open", func() bool { status, told = list(); return status == exitOK })
	p.stop()
}

// A token is a secret: a file that others can read is refused, with what to do.
func TestTokensOfOthers(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("files have no such modes here")
	}
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte("x\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, mode := range []os.FileMode{0o600, 0o644, 0o640, 0o620} {
		if err := os.Chmod(file, mode); err != nil {
			t.Fatal(err)
		}
		for flag, args := range map[string][]string{
			"--join-file":       {"serve", "--listen", "127.0.0.1:0", "--monitor", "off", "--data", t.TempDir(), "--join-file", file, folder(t, "index.html", "hello")},
			"--fleet-peer-file": {"serve", "--listen", "127.0.0.1:0", "--monitor", "off", "--data", t.TempDir(), "--jobs", "1", "--fleet", "127.0.0.1:0", "--fleet-peer-file", file, folder(t, "index.html", "hello")},
			"worker":            {"worker", "--join-file", file},
		} {
			told, want := fails(t, exitFault, args...), fmt.Sprintf("(mode %04o): run \"chmod 600\"", mode)
			if refused := strings.Contains(told, want); refused != (mode != 0o600) {
				t.Errorf("%s, mode %04o: %s", flag, mode, told)
			}
		}
	}
}
