package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"

	"freshet/socketserver"
)

// serving stands before the address in what a server prints.
const serving = "serving "

// servers are those that are compared.
var servers = []struct {
	name string
	bare bool // what others are compared with
	run  func(*net.UDPConn) error
}{
	{"loop", true, loop},
	{"batch-loop", true, batchLoop},
	{"inline", false, packets(socketserver.Inline)},
	{"pool", false, packets(socketserver.Pool(4))},
	{"goroutines", false, packets(socketserver.PerConnection)},
}

// serve runs one server until ctx is done.
func serve(ctx context.Context, name string, w io.Writer) error {
	for _, s := range servers {
		if s.name != name {
			continue
		}
		c, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
		if err != nil {
			return err
		}
		stop := context.AfterFunc(ctx, func() { c.Close() })
		defer stop()
		fmt.Fprintf(w, "%s%v\n", serving, c.LocalAddr())
		if err := s.run(c); !errors.Is(err, net.ErrClosed) {
			return err
		}
		return nil
	}
	return fmt.Errorf("there is no server %q", name)
}

// packets is an echo as one writes it with a PacketServer.
func packets(m socketserver.Model) func(*net.UDPConn) error {
	return func(c *net.UDPConn) error {
		s := &socketserver.PacketServer{Model: m, Handler: func(p *socketserver.Packet) { p.Write(p.Data) }}
		return s.Serve(c)
	}
}

// loop is the least that a Go program can do with package net.
func loop(c *net.UDPConn) error {
	b := make([]byte, 65536)
	for {
		n, from, err := c.ReadFromUDPAddrPort(b)
		if err != nil {
			return err
		}
		if _, err := c.WriteToUDPAddrPort(b[:n], from); err != nil {
			return err
		}
	}
}

// batch is how many datagrams batchLoop reads at once.
const batch = 32

type mmsghdr struct {
	hdr unix.Msghdr
	n   uint32
}

// batchLoop reads and answers many at once, with no code around it.
func batchLoop(c *net.UDPConn) error {
	raw, err := c.SyscallConn()
	if err != nil {
		return err
	}
	hdrs := make([]mmsghdr, batch)
	iovs := make([]unix.Iovec, batch)
	for i := range hdrs {
		b := make([]byte, 2048)
		iovs[i].Base = &b[0]
		hdrs[i].hdr.Name = (*byte)(unsafe.Pointer(new(syscall.RawSockaddrAny)))
		hdrs[i].hdr.Iov = &iovs[i]
		hdrs[i].hdr.Iovlen = 1
	}
	return raw.Read(func(fd uintptr) bool {
		for {
			for i := range hdrs {
				iovs[i].SetLen(2048)
				hdrs[i].hdr.Namelen = syscall.SizeofSockaddrAny
			}
			n, _, errno := syscall.Syscall6(unix.SYS_RECVMMSG, fd, uintptr(unsafe.Pointer(&hdrs[0])), batch, unix.MSG_DONTWAIT, 0, 0)
			if errno != 0 {
				return errno != syscall.EAGAIN && errno != syscall.EINTR
			}
			for i := range hdrs[:n] {
				iovs[i].SetLen(int(hdrs[i].n))
			}
			syscall.Syscall6(unix.SYS_SENDMMSG, fd, uintptr(unsafe.Pointer(&hdrs[0])), n, unix.MSG_DONTWAIT, 0, 0)
		}
	})
}
