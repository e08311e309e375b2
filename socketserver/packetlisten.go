package socketserver

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"sync"
	"syscall"
)

// ListenPacket opens a datagram socket for an address in one of the forms
//
//	:9000  127.0.0.1:9000  [::1]:9000  localhost:9000
//	unixgram:/run/freshet.sock   unixgram:@name (abstract, Linux only)
//
// The first four are UDP. Sockets that were handed over are ActivatedPackets'. With reusePort any number of sockets, of this process
// or of others of the same user, share one UDP address, and the kernel divides
// senders among them (SO_REUSEPORT; Unix systems only). A Unix socket that
// nobody reads any more is replaced, as Listen does, and its file is removed
// when the socket is closed.
func ListenPacket(addr string, reusePort bool) (net.PacketConn, error) {
	var lc net.ListenConfig
	if path, ok := strings.CutPrefix(addr, "unixgram:"); ok {
		if err := removeStale(path); err != nil {
			return nil, err
		}
		pc, err := lc.ListenPacket(context.Background(), "unixgram", path)
		if err != nil {
			return nil, err
		}
		return &unixPacketConn{UnixConn: pc.(*net.UnixConn), path: path}, nil
	}
	switch kind, _, _ := strings.Cut(addr, ":"); kind { // which a resolver would be asked for as the name of a host
	case "unix":
		return nil, fmt.Errorf("listen %s: a datagram socket is unixgram:/path or unixgram:@name", addr)
	case "fd", "systemd":
		return nil, fmt.Errorf("listen %s: datagram sockets that are handed over are those of ActivatedPackets", addr)
	}
	lc.Control = func(_, _ string, raw syscall.RawConn) error {
		var err error
		cerr := raw.Control(func(fd uintptr) {
			askForPacketInfo(fd)
			if reusePort {
				err = setReusePort(fd)
			}
		})
		return errors.Join(cerr, err)
	}
	return lc.ListenPacket(context.Background(), "udp", addr)
}

// unixPacketConn removes the file of its socket when it is closed, as listeners
// of package net do.
type unixPacketConn struct {
	*net.UnixConn
	path string
	once sync.Once
}

// Close implements net.PacketConn.
func (c *unixPacketConn) Close() error {
	if !strings.HasPrefix(c.path, "@") {
		c.once.Do(func() { os.Remove(c.path) })
	}
	return c.UnixConn.Close()
}

// growReceiveBuffer does what ReceiveBuffer says.
func (s *PacketServer) growReceiveBuffer(pc net.PacketConn) {
	granted, err := setReceiveBuffer(pc, s.ReceiveBuffer)
	switch {
	case err != nil:
		s.logf("set receive buffer of %s: %v", pc.LocalAddr(), err)
	case granted < s.ReceiveBuffer:
		s.logf("receive buffer of %s: the system allows %d bytes, not %d", pc.LocalAddr(), granted, s.ReceiveBuffer)
	}
}
