package socketserver

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"syscall"
)

// Listen opens a listener for an address in one of the forms
//
//	:8000  127.0.0.1:8000  [::1]:8000  localhost:8000
//	unix:/run/freshet.sock   unix:@name (abstract, Linux only)
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
	lc := net.ListenConfig{KeepAliveConfig: net.KeepAliveConfig{Enable: false}, KeepAlive: -1}
	network := "tcp"
	if path, ok := strings.CutPrefix(addr, "unix:"); ok {
		network, addr = "unix", path
		if err := removeStale(path); err != nil {
			return nil, err
		}
	}
	l, err := lc.Listen(context.Background(), network, addr)
	if err != nil {
		return nil, err
	}
	if backlog > 0 {
		if err := setBacklog(l, backlog); err != nil {
			l.Close()
			return nil, fmt.Errorf("set backlog of %s: %w", addr, err)
		}
	}
	return newTCPListener(l), nil
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
