package socketserver_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"freshet/socketserver"
)

// Two servers share a port, and both get some of the clients; a third that does
// not want to share gets none.
func TestReusePort(t *testing.T) {
	shared := socketserver.ListenConfig{ReusePort: true, Backlog: 64}
	first, err := shared.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := first.Addr().String()
	second, err := shared.Listen(addr)
	if err != nil {
		t.Fatal(err)
	}
	if l, err := socketserver.Listen(addr, 0); !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("a listener that does not share: %v", err)
		if err == nil {
			l.Close()
		}
	}
	for i, l := range []net.Listener{first, second} {
		serve(t, &socketserver.Server{MaxConnsPerClient: -1, Handler: func(c *socketserver.Conn) { fmt.Fprint(c, i) }}, l)
	}
	// The kernel chooses by the client's port: that all of 200 have the same is
	// as likely as 200 heads in a row.
	got := map[string]int{}
	for range 200 {
		c, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(c)
		if err != nil {
			t.Fatal(err)
		}
		got[string(b)]++
		c.Close()
	}
	if got["0"] == 0 || got["1"] == 0 || got["0"]+got["1"] != 200 {
		t.Errorf("served by %v", got)
	}
}

// The file of a Unix socket has the mode that was asked for, and never had more
// than that: whatever the umask, see narrow.
func TestUnixSocketMode(t *testing.T) {
	for _, mode := range []os.FileMode{0o600, 0o660, 0o666, 0o777} {
		path := filepath.Join(t.TempDir(), "s")
		c := socketserver.ListenConfig{Mode: mode}
		l, err := c.Listen("unix:" + path)
		if err != nil {
			t.Fatal(err)
		}
		fi, err := os.Stat(path)
		if err != nil || fi.Mode().Perm() != mode {
			t.Errorf("mode %v, %v, want %v", fi.Mode(), err, mode)
		}
		l.Close()
		if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("the socket's file is still there: %v", err)
		}
	}
}

// An abstract socket has no file, is found by its name, and cannot be had twice.
func TestAbstractSocket(t *testing.T) {
	name := fmt.Sprintf("@freshet-test-%d", os.Getpid())
	c := socketserver.ListenConfig{Mode: 0o600} // means nothing here
	l, err := c.Listen("unix:" + name)
	if err != nil {
		t.Fatal(err)
	}
	if got := l.Addr().String(); got != name {
		t.Errorf("address %q", got)
	}
	if _, err := os.Lstat(name); err == nil {
		t.Error("there is a file")
	}
	if l, err := socketserver.Listen("unix:"+name, 0); !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("twice: %v", err)
		if err == nil {
			l.Close()
		}
	}
	serve(t, &socketserver.Server{Handler: echo}, l)
	table, err := os.ReadFile("/proc/net/unix")
	if err != nil || !strings.Contains(string(table), name) {
		t.Errorf("the system does not list it: %v", err)
	}
	client := dial(t, l)
	io.WriteString(client, "ping")
	b := make([]byte, 4)
	if _, err := io.ReadFull(client, b); err != nil || string(b) != "ping" {
		t.Errorf("%q, %v", b, err)
	}
}
