package socketserver

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"strings"
	"syscall"
)

// Listen opens a listener for an address in one of the forms
//
//	:8000  127.0.0.1:8000  [::1]:8000  localhost:8000
//	unix:/run/freshet.sock   unix:@name (abstract, Linux only)
//	fd:3                     a socket that this process inherited
//	systemd:http             one of that name, by socket activation
//
// backlog is the length of the kernel's accept queue; 0 leaves the system's
// own (net.core.somaxconn on Linux). A Unix socket that nobody listens on any
// more is replaced; one that is in use is an error, as is any other file.
//
// TCP keep-alive probes are off: connections have idle deadlines, and each
// probe setting is a system call for every accepted connection. On Linux the
// TCP listener and its connections are not of package net's types, for the same
// reason; they have the same methods.
func Listen(addr string, backlog int) (net.Listener, error) {
	c := ListenConfig{Backlog: backlog}
	return c.Listen(addr)
}

// ListenConfig is how Listen opens a listener; the zero value is Listen with a
// backlog of 0.
type ListenConfig struct {
	// Backlog is the length of the kernel's accept queue; 0 leaves the
	// system's own, or that of an inherited socket.
	Backlog int

	// ReusePort lets several listeners, also of several processes of one user,
	// have one TCP address (SO_REUSEPORT); the kernel spreads connections over
	// them. All of them must want it. Linux and the BSDs; elsewhere an error.
	// A listener that is closed takes the connections in its queue with it.
	ReusePort bool

	// Mode is the mode of a Unix socket's file, which says who may connect. 0
	// leaves it to the umask. Not for abstract sockets, which anybody may
	// connect to.
	Mode fs.FileMode
}

// Listen opens a listener for an address in one of the forms of the function
// Listen. Options that do not fit the address are ignored.
func (c *ListenConfig) Listen(addr string) (net.Listener, error) {
	l, err := c.open(addr)
	if err != nil {
		return nil, err
	}
	if c.Backlog > 0 {
		if err := setBacklog(l, c.Backlog); err != nil {
			l.Close()
			return nil, fmt.Errorf("set backlog of %s: %w", addr, err)
		}
	}
	return newTCPListener(l), nil
}

func (c *ListenConfig) open(addr string) (net.Listener, error) {
	lc := net.ListenConfig{KeepAliveConfig: net.KeepAliveConfig{Enable: false}, KeepAlive: -1}
	if number, ok := strings.CutPrefix(addr, "fd:"); ok {
		return listenFD(number)
	}
	if name, ok := strings.CutPrefix(addr, "systemd:"); ok {
		return listenActivated(name)
	}
	if path, ok := strings.CutPrefix(addr, "unix:"); ok {
		return c.openUnix(&lc, path)
	}
	if strings.HasPrefix(addr, "unixgram:") {
		return nil, fmt.Errorf("listen %s: that is for datagrams, by ListenPacket; a stream socket is unix:/path or unix:@name", addr)
	}
	if c.ReusePort {
		lc.Control = func(_, _ string, raw syscall.RawConn) error { return control(raw, setReusePort) }
	}
	return lc.Listen(context.Background(), "tcp", addr)
}

// openUnix listens on a Unix socket.
func (c *ListenConfig) openUnix(lc *net.ListenConfig, path string) (net.Listener, error) {
	if err := removeStale(path); err != nil {
		return nil, err
	}
	chmod := c.Mode != 0 && !strings.HasPrefix(path, "@")
	if chmod { // nobody who may not connect in the end may connect in the meantime
		lc.Control = func(_, _ string, raw syscall.RawConn) error {
			return control(raw, func(fd uintptr) error { return narrow(fd, c.Mode) })
		}
	}
	l, err := lc.Listen(context.Background(), "unix", path)
	if err != nil || !chmod {
		return l, err
	}
	if err := os.Chmod(path, c.Mode); err != nil {
		l.Close()
		return nil, err
	}
	return l, nil
}

// control calls f with the descriptor of raw.
func control(raw syscall.RawConn, f func(fd uintptr) error) error {
	var err error
	if cerr := raw.Control(func(fd uintptr) { err = f(fd) }); cerr != nil {
		return cerr
	}
	return err
}

// DeferAccept tells the kernel, where it can (TCP on Linux), to hand over
// connections when their first bytes have arrived, or after about a second
// without any: for protocols in which the client speaks first. What is
// accepted can then be read at once.
func DeferAccept(l net.Listener) {
	if sc, ok := l.(syscall.Conn); ok {
		if raw, err := sc.SyscallConn(); err == nil {
			raw.Control(deferAccept)
		}
	}
}

// removeStale removes the socket file of a server that is gone.
func removeStale(path string) error {
	if strings.HasPrefix(path, "@") {
		return nil
	}
	fi, err := os.Lstat(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if fi.Mode()&os.ModeSocket == 0 {
		return fmt.Errorf("listen unix %s: there is a file that is not a socket", path)
	}
	c, err := net.Dial("unix", path)
	if err == nil {
		c.Close()
	}
	if !errors.Is(err, syscall.ECONNREFUSED) { // EAGAIN: its queue is full; EACCES: it is not ours
		return &net.OpError{Op: "listen", Net: "unix", Err: syscall.EADDRINUSE}
	}
	return os.Remove(path)
}
