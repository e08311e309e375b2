//go:build !nonats

package bus

import (
	"bytes"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

func TestFolder(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "b")
	s := startServer(t, dir)
	info, err := os.Stat(dir)
	if err != nil {
		t.Fatal(err)
	}
	if runtime.GOOS != "windows" && info.Mode().Perm() != 0o700 {
		t.Errorf("the folder has mode %v", info.Mode())
	}
	_, err = Start(Options{Dir: dir})
	if !errors.Is(err, ErrLocked) || !strings.Contains(err.Error(), dir) {
		t.Errorf("a second server in one folder: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Error("closed twice:", err)
	}
	if _, err := s.Connect("a"); !errors.Is(err, ErrClosed) {
		t.Errorf("%v", err)
	}
	startServer(t, dir)
}

func TestStartFails(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, o := range []Options{{}, {Dir: file}, {Dir: t.TempDir(), Name: "not a name"}} {
		if s, err := Start(o); err == nil {
			t.Errorf("%+v starts", o)
			_ = s.Close()
		}
	}
	// The folder is there, and NATS cannot use it.
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "jetstream"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	var said bytes.Buffer
	if s, err := Start(Options{Dir: dir, Log: slog.New(slog.NewTextHandler(&said, nil))}); err == nil {
		t.Error("a server starts without room for its files")
		_ = s.Close()
	}
	if !strings.Contains(said.String(), "level=ERROR") {
		t.Errorf("it said %q", said.String())
	}
	if err := os.Remove(filepath.Join(dir, "jetstream")); err != nil {
		t.Fatal(err)
	}
	startServer(t, dir) // the lock was given back
}

// TestServerEnds: what is asked for afterwards fails, and does not wait.
func TestServerEnds(t *testing.T) {
	s := startServer(t, t.TempDir())
	c := connect(t, s, "a")
	l := openLog(t, c, "jobs")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	<-c.Done()
	if _, err := l.Append(limited(t), 0, []byte("x")); err == nil {
		t.Error("appended to a server that has ended")
	}
	if err := l.Read(limited(t), 0, nil); !errors.Is(err, ErrClosed) {
		t.Errorf("%v", err)
	}
}

func TestStranger(t *testing.T) {
	s := startServer(t, t.TempDir())
	conn, err := s.ns.InProcessConn()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	answer := make([]byte, 4096)
	_, _ = conn.Read(answer) // INFO
	if _, err := conn.Write([]byte("CONNECT {\"auth_token\":\"wrong\",\"verbose\":false}\r\nPING\r\n")); err != nil {
		t.Fatal(err)
	}
	n, _ := conn.Read(answer)
	if got := string(answer[:n]); !strings.Contains(got, "Authorization Violation") {
		t.Errorf("%q", got)
	}
}
