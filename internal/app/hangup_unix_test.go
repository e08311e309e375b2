//go:build unix

package app

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestHangupReopensLogs(t *testing.T) {
	dir, logs := folder(t, "index.html", "hello"), t.TempDir()
	access, faults := filepath.Join(logs, "access.log"), filepath.Join(logs, "error.log")
	p := startWith(t, func(e *Env) { e.Terminal = true },
		"serve", "--listen", "127.0.0.1:0", "--access-log", access, "--error-log", faults, dir)
	url := p.url()
	get(t, url+"?1")
	waitForFile(t, access, "GET /?1 ")
	for _, path := range []string{access, faults} {
		if err := os.Rename(path, path+".1"); err != nil {
			t.Fatal(err)
		}
	}
	p.signals <- syscall.SIGHUP
	waitForFile(t, access, "")
	waitForFile(t, faults, "")
	get(t, url+"?2")
	p.stop()
	waitForFile(t, access, "GET /?2 ")
	waitForFile(t, access+".1", "GET /?1 ")
	if p.stdout.String() != "" {
		t.Errorf("standard output: %q", p.stdout)
	}
	if info, err := os.Stat(access); err != nil || info.Mode().Perm()&0o137 != 0 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
}

func TestHangupThatCannotReopen(t *testing.T) {
	dir, logs := folder(t), filepath.Join(t.TempDir(), "logs")
	if err := os.Mkdir(logs, 0o755); err != nil {
		t.Fatal(err)
	}
	p := start(t, "serve", "--listen", "127.0.0.1:0", "--access-log", filepath.Join(logs, "access.log"), dir)
	p.url()
	if err := os.Rename(logs, logs+".old"); err != nil {
		t.Fatal(err)
	}
	p.signals <- syscall.SIGHUP
	p.stderr.wait(t, `level=ERROR msg="reopen the access log" err=.*no such file`)
	p.stop()
}

// Without a log file, SIGHUP ends the program when its terminal is gone, and
// else nothing.
func TestHangupOfTerminal(t *testing.T) {
	p := startWith(t, func(e *Env) { e.Terminal = true }, "serve", "--listen", "127.0.0.1:0", folder(t))
	p.url()
	p.signals <- syscall.SIGHUP
	if status := p.wait(); status != exitOK {
		t.Errorf("exit status %d", status)
	}
	p = start(t, "serve", "--listen", "127.0.0.1:0", folder(t, "index.html", "hello"))
	url := p.url()
	p.signals <- syscall.SIGHUP
	if resp, _ := get(t, url); resp.StatusCode != 200 {
		t.Errorf("status %d", resp.StatusCode)
	}
	p.stop()
}

// waitForFile waits until the file exists and has the text.
func waitForFile(t *testing.T, path, text string) {
	t.Helper()
	var content []byte
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(time.Millisecond) {
		var err error
		content, err = os.ReadFile(path)
		if err == nil && strings.Contains(string(content), text) {
			return
		}
	}
	t.Fatalf("no %q in %s: %q", text, path, content)
}
