package app

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// cause returns what the system said, without the operation and the path that
// our own sentence already has.
func cause(err error) error {
	var path *fs.PathError
	if errors.As(err, &path) {
		return path.Err
	}
	var call *os.SyscallError
	if errors.As(err, &call) {
		return call.Err
	}
	var op *net.OpError
	if errors.As(err, &op) {
		return op.Err
	}
	return err
}

// listenFault says why an address cannot be listened on, and what to do.
func listenFault(addr, flag string, err error) error {
	remedy := ""
	_, port, _ := net.SplitHostPort(addr)
	isUnix := strings.HasPrefix(addr, "unix:")
	switch {
	case strings.HasPrefix(addr, "systemd:"):
		remedy = "start it by its socket unit, or, to try it, by systemd-socket-activate --fdname"
	case strings.HasPrefix(addr, "fd:"):
		remedy = "start it by a program that hands over a socket that listens"
	case errors.Is(err, fs.ErrNotExist) && isUnix:
		remedy = "make its folder first"
	case errors.Is(err, syscall.EADDRINUSE) && isUnix:
		remedy = "another server uses it; stop that, or choose another path"
	case errors.Is(err, syscall.EADDRINUSE):
		remedy = fmt.Sprintf("another program uses it; stop that, or choose another with %s", flag)
	case errors.Is(err, fs.ErrPermission) && isUnix:
		remedy = "choose a folder that this user may write to"
	case errors.Is(err, fs.ErrPermission):
		remedy = fmt.Sprintf("port %s is privileged; choose one from 1024 up with %s, or grant the right to it (on Linux: setcap cap_net_bind_service=+ep on the binary)", port, flag)
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		remedy = fmt.Sprintf("this machine does not have that address; choose one that it has, or %s :%s for all", flag, port)
	default:
		remedy = fmt.Sprintf("choose another address with %s", flag)
	}
	why := strings.TrimPrefix(cause(err).Error(), "listen "+addr+": ")
	return fmt.Errorf("listen on %s: %s; %s", addr, why, remedy)
}

// checkFolder says what is wrong with the folder to serve.
func checkFolder(dir string) error {
	f, err := os.Open(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if _, err := strconv.ParseUint(dir, 10, 16); err == nil {
			return fmt.Errorf("no folder %q; name one that exists; for the port %s say --listen %s", dir, dir, dir)
		}
		return fmt.Errorf("no folder %q; name one that exists", dir)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("folder %q: permission denied; give this user the right to read it", dir)
	case err != nil:
		return fmt.Errorf("folder %q: %v; name another", dir, cause(err))
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return fmt.Errorf("folder %q: %v; name another", dir, cause(err))
	}
	if !info.IsDir() {
		return fmt.Errorf("%q is not a folder; name the folder that it is in", dir)
	}
	return nil
}

// fileFault says why a file that a flag names cannot be read.
func fileFault(flag, path string, err error) error {
	return namedFault(flag, path, err, "name one that exists")
}

// logFault says why a file that is made when it is missing cannot be written.
func logFault(flag, path string, err error) error {
	return namedFault(flag, path, err, "make its folder first")
}

func namedFault(flag, path string, err error, whenMissing string) error {
	remedy := "name another file"
	switch {
	case errors.Is(err, fs.ErrNotExist):
		remedy = whenMissing
	case errors.Is(err, fs.ErrPermission):
		remedy = "give this user the right to it"
	}
	return fmt.Errorf("%s %s: %v; %s", flag, path, cause(err), remedy)
}
