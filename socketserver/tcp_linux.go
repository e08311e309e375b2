package socketserver

// TCP on Linux, with fewer system calls than package net makes.
//
// For each accepted connection package net asks for its local address, sets
// TCP_NODELAY and registers it with the poller before anybody has read a byte.
// A client that sends one request and goes pays for all of that. Here a
// connection is just a descriptor until somebody has to wait for it: EarlyFD
// lets a server read what has already arrived, answer, and close.

import (
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"sync"
	"syscall"
	"time"
	"unsafe"
)

// tcpListener accepts tcpConns.
type tcpListener struct {
	net.Listener // for its address; closed
	file         *os.File
	raw          syscall.RawConn
	accept       func(fd uintptr) bool // made once

	mu    sync.Mutex // guards what accept leaves: Accept may be called by many
	fd    int
	from  netip.AddrPort
	errno error
}

// newTCPListener takes the place of a listener of package net, where it can.
func newTCPListener(l net.Listener) net.Listener {
	t, ok := l.(*net.TCPListener)
	if !ok {
		return l
	}
	f, err := t.File() // a second descriptor of the same queue
	if err != nil {
		return l
	}
	raw, err := f.SyscallConn()
	if err != nil {
		f.Close()
		return l
	}
	t.Close()
	tl := &tcpListener{Listener: t, file: f, raw: raw}
	tl.accept = tl.acceptOne
	return tl
}

// deferAccept has the accept queue wait for data. It fails, and changes
// nothing, on sockets that are not TCP.
func deferAccept(fd uintptr) {
	syscall.SetsockoptInt(int(fd), syscall.IPPROTO_TCP, syscall.TCP_DEFER_ACCEPT, 1)
}

// Accept implements net.Listener.
func (l *tcpListener) Accept() (net.Conn, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.raw.Read(l.accept); err != nil {
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return nil, &net.OpError{Op: "accept", Net: "tcp", Addr: l.Addr(), Err: err}
		}
		return nil, &net.OpError{Op: "accept", Net: "tcp", Addr: l.Addr(), Err: net.ErrClosed}
	}
	if l.errno != nil {
		return nil, &net.OpError{Op: "accept", Net: "tcp", Addr: l.Addr(), Err: os.NewSyscallError("accept4", l.errno)}
	}
	return &tcpConn{fd: l.fd, remote: l.from}, nil
}

// acceptOne is the callback of Accept.
func (l *tcpListener) acceptOne(fd uintptr) (done bool) {
	for {
		var sa syscall.RawSockaddrAny
		size := uint32(unsafe.Sizeof(sa))
		n, _, errno := syscall.RawSyscall6(syscall.SYS_ACCEPT4, fd, uintptr(unsafe.Pointer(&sa)),
			uintptr(unsafe.Pointer(&size)), syscall.SOCK_NONBLOCK|syscall.SOCK_CLOEXEC, 0, 0)
		switch errno {
		case 0:
			l.fd, l.from, l.errno = int(n), addrOf(&sa), nil
			return true
		case syscall.EAGAIN:
			return false
		case syscall.EINTR, syscall.ECONNABORTED: // the client gave up in the queue
		default:
			l.errno = errno
			return true
		}
	}
}

// Close implements net.Listener.
func (l *tcpListener) Close() error { return l.file.Close() }

// SetDeadline is as in net.TCPListener.
func (l *tcpListener) SetDeadline(t time.Time) error { return l.file.SetDeadline(t) }

// SyscallConn implements syscall.Conn.
func (l *tcpListener) SyscallConn() (syscall.RawConn, error) { return l.raw, nil }

// addrOf reads an IP address and port.
func addrOf(sa *syscall.RawSockaddrAny) netip.AddrPort {
	switch sa.Addr.Family {
	case syscall.AF_INET:
		s := (*syscall.RawSockaddrInet4)(unsafe.Pointer(sa))
		return netip.AddrPortFrom(netip.AddrFrom4(s.Addr), portOf(&s.Port))
	case syscall.AF_INET6:
		s := (*syscall.RawSockaddrInet6)(unsafe.Pointer(sa))
		a := netip.AddrFrom16(s.Addr)
		if a.Is4In6() {
			a = a.Unmap()
		} else if s.Scope_id != 0 {
			if ifi, err := net.InterfaceByIndex(int(s.Scope_id)); err == nil {
				a = a.WithZone(ifi.Name)
			}
		}
		return netip.AddrPortFrom(a, portOf(&s.Port))
	}
	return netip.AddrPort{}
}

// portOf reads a port, which is in network byte order.
func portOf(p *uint16) uint16 {
	b := (*[2]byte)(unsafe.Pointer(p))
	return uint16(b[0])<<8 | uint16(b[1])
}

// tcpConn is an accepted connection. Until something has to wait for it, it is
// only a descriptor, which belongs to the goroutine that serves it: others may
// set deadlines and end its directions, and nothing else.
type tcpConn struct {
	fd     int
	remote netip.AddrPort

	mu     sync.Mutex // guards what follows
	file   *os.File   // fd, registered with the poller; nil until then
	late   bool       // a deadline that has passed was set before there was a file
	closed bool
}

// EarlyFD returns the descriptor while the connection is not registered with
// the poller: its owner may then read and write it, and never waits.
func (c *tcpConn) EarlyFD() (fd uintptr, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return uintptr(c.fd), c.file == nil && !c.closed
}

// open registers the connection with the poller.
func (c *tcpConn) open() (*os.File, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return nil, net.ErrClosed
	}
	if c.file == nil {
		// Answers are written whole; waiting for more to send with them
		// (Nagle) would only delay their ends.
		syscall.SetsockoptInt(c.fd, syscall.IPPROTO_TCP, syscall.TCP_NODELAY, 1)
		c.file = os.NewFile(uintptr(c.fd), "tcp")
		if c.late {
			c.file.SetDeadline(longAgo)
		}
	}
	return c.file, nil
}

// SyscallConn implements syscall.Conn.
func (c *tcpConn) SyscallConn() (syscall.RawConn, error) {
	f, err := c.open()
	if err != nil {
		return nil, err
	}
	return f.SyscallConn()
}

// File returns a copy of the connection's file, as that of net.TCPConn does.
func (c *tcpConn) File() (*os.File, error) {
	raw, err := c.SyscallConn()
	if err != nil {
		return nil, err
	}
	var fd uintptr
	var errno syscall.Errno
	err = raw.Control(func(s uintptr) {
		fd, _, errno = syscall.Syscall(syscall.SYS_FCNTL, s, syscall.F_DUPFD_CLOEXEC, 0)
	})
	if err == nil && errno != 0 {
		err = os.NewSyscallError("dup", errno)
	}
	if err != nil {
		return nil, err
	}
	return os.NewFile(fd, "tcp"), nil
}

func (c *tcpConn) Read(b []byte) (int, error) {
	f, err := c.open()
	if err != nil {
		return 0, c.fault("read", err)
	}
	n, err := f.Read(b)
	if err != nil && err != io.EOF {
		err = c.fault("read", err)
	}
	return n, err
}

func (c *tcpConn) Write(b []byte) (int, error) {
	f, err := c.open()
	if err != nil {
		return 0, c.fault("write", err)
	}
	n, err := f.Write(b)
	if err != nil {
		err = c.fault("write", err)
	}
	return n, err
}

// fault makes an error of the kind that package net gives.
func (c *tcpConn) fault(op string, err error) error {
	if pe, ok := err.(*os.PathError); ok {
		err = pe.Err
	}
	if err == os.ErrClosed {
		err = net.ErrClosed
	}
	return &net.OpError{Op: op, Net: "tcp", Addr: c.RemoteAddr(), Err: err}
}

// Close implements net.Conn. Only the owner may call it.
func (c *tcpConn) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return net.ErrClosed
	}
	c.closed = true
	if c.file != nil {
		return c.file.Close()
	}
	return os.NewSyscallError("close", syscall.Close(c.fd))
}

// CloseRead and CloseWrite end one direction.
func (c *tcpConn) CloseRead() error  { return c.shutdown(syscall.SHUT_RD) }
func (c *tcpConn) CloseWrite() error { return c.shutdown(syscall.SHUT_WR) }

func (c *tcpConn) shutdown(how int) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return net.ErrClosed
	}
	return os.NewSyscallError("shutdown", syscall.Shutdown(c.fd, how))
}

// SetLinger is as in net.TCPConn.
func (c *tcpConn) SetLinger(seconds int) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return net.ErrClosed
	}
	l := syscall.Linger{Onoff: 1, Linger: int32(seconds)}
	if seconds < 0 {
		l = syscall.Linger{}
	}
	return os.NewSyscallError("setsockopt", syscall.SetsockoptLinger(c.fd, syscall.SOL_SOCKET, syscall.SO_LINGER, &l))
}

// AddrPort returns the client's address and port.
func (c *tcpConn) AddrPort() netip.AddrPort { return c.remote }

// RemoteAddr implements net.Conn.
func (c *tcpConn) RemoteAddr() net.Addr { return net.TCPAddrFromAddrPort(c.remote) }

// LocalAddr implements net.Conn.
func (c *tcpConn) LocalAddr() net.Addr {
	c.mu.Lock()
	defer c.mu.Unlock()
	var sa syscall.RawSockaddrAny
	if !c.closed {
		size := uint32(unsafe.Sizeof(sa))
		syscall.RawSyscall(syscall.SYS_GETSOCKNAME, uintptr(c.fd), uintptr(unsafe.Pointer(&sa)), uintptr(unsafe.Pointer(&size)))
	}
	return net.TCPAddrFromAddrPort(addrOf(&sa))
}

// SetDeadline implements net.Conn.
func (c *tcpConn) SetDeadline(t time.Time) error {
	return c.setDeadline(t, (*os.File).SetDeadline)
}

// SetReadDeadline implements net.Conn.
func (c *tcpConn) SetReadDeadline(t time.Time) error {
	return c.setDeadline(t, (*os.File).SetReadDeadline)
}

// SetWriteDeadline implements net.Conn.
func (c *tcpConn) SetWriteDeadline(t time.Time) error {
	return c.setDeadline(t, (*os.File).SetWriteDeadline)
}

func (c *tcpConn) setDeadline(t time.Time, set func(*os.File, time.Time) error) error {
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		return net.ErrClosed
	}
	if c.file == nil && (t.IsZero() || t.Equal(longAgo)) {
		// What the sweeper and a drain do must not wait for the owner.
		c.late = !t.IsZero()
		c.mu.Unlock()
		return nil
	}
	c.mu.Unlock()
	f, err := c.open()
	if err != nil {
		return err
	}
	return set(f, t)
}
