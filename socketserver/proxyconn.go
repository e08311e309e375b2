package socketserver

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// ProxyConn is a connection that begins with a header of the PROXY protocol.
// Reads, writes and deadlines follow the rules of net.Conn.
type ProxyConn struct {
	nc net.Conn
	p  *ProxyProtocol

	known  atomic.Bool  // header and err are set, and do not change any more
	header *ProxyHeader // nil when there is none
	err    error        // of all reads and writes
	more   atomic.Bool  // there is something in rest, which was read behind the header

	reading sync.Mutex // held by who reads the header; guards rest
	rest    []byte

	mu    sync.Mutex // guards what follows, and keeps it and the deadline of nc together
	read  time.Time  // the user's deadline for reads
	limit time.Time  // the header's
}

// Header returns the header, which it reads first if nobody has; nil when the
// connection has none (ProxyOptional). After an error other than that of a
// deadline, which are those of all later reads and writes, too, the connection
// should be closed.
func (c *ProxyConn) Header() (*ProxyHeader, error) {
	if err := c.learn(); err != nil {
		return nil, err
	}
	return c.header, nil
}

// learn reads the header, once. It is called before whatever uses the connection.
func (c *ProxyConn) learn() error {
	if c.known.Load() {
		return c.err
	}
	c.reading.Lock()
	defer c.reading.Unlock()
	if c.known.Load() {
		return c.err
	}
	h, n, err := c.readHeader()
	if errors.Is(err, os.ErrDeadlineExceeded) {
		if !c.late() {
			return err // the user's deadline: who sets another may go on
		}
		err = proxyFault("not complete within %v", c.p.timeout())
	}
	c.limitReads(time.Time{})
	if c.rest = c.rest[n:]; len(c.rest) == 0 {
		c.rest = nil // with what it is a part of
	}
	c.more.Store(c.rest != nil)
	if err != nil {
		if err != io.EOF {
			err = fmt.Errorf("PROXY protocol with %v: %w", c.nc.RemoteAddr(), err)
		}
		c.err = err
	} else {
		c.header = h
	}
	c.known.Store(true)
	return c.err
}

// readHeader reads into c.rest until it knows whether there is a header, and
// returns its length.
func (c *ProxyConn) readHeader() (h *ProxyHeader, n int, err error) {
	trusted, optional := c.p.trusts(c.nc), c.p.Policy == ProxyOptional
	if !trusted && !optional {
		return nil, 0, ErrProxyUntrusted
	}
	if !optional {
		c.startLimit()
	}
	for {
		parsed, n, err := ParseProxyHeader(c.rest)
		switch {
		case optional && err == ErrNoProxyHeader:
			return nil, 0, nil
		case !trusted && (err != ErrProxyIncomplete || begun(c.rest)):
			return nil, 0, ErrProxyUntrusted
		case err == nil:
			return &parsed, n, nil
		case err != ErrProxyIncomplete:
			return nil, 0, err
		}
		if len(c.rest) > 0 {
			c.startLimit()
		}
		err = c.fill()
		switch {
		case err == io.EOF && (optional || len(c.rest) == 0):
			return nil, 0, endOf(optional)
		case err == io.EOF:
			return nil, 0, proxyFault("the connection ended within it")
		case err != nil:
			return nil, 0, err
		}
	}
}

// endOf is what the end of the input means before there was a header.
func endOf(optional bool) error {
	if optional {
		return nil // the next read will meet it
	}
	return io.EOF
}

// begun reports whether b begins with the mark of a header.
func begun(b []byte) bool {
	return len(b) >= len(prefix1) && begins(b, prefix1) || len(b) >= len(signature2) && begins(b, signature2)
}

// fill reads once, as much as a header may still have.
func (c *ProxyConn) fill() error {
	want := 256 // at first: hardly any header is longer
	if len(c.rest) >= head2 && begun(c.rest) && c.rest[0] == signature2[0] {
		want = head2 + int(binary.BigEndian.Uint16(c.rest[14:]))
		if want > c.p.maxHeader() {
			return proxyFault("%d bytes, the limit is %d", want, c.p.maxHeader())
		}
	}
	c.rest = slices.Grow(c.rest, max(want-len(c.rest), 1))
	n, err := c.nc.Read(c.rest[len(c.rest):cap(c.rest)])
	c.rest = c.rest[:len(c.rest)+n]
	if n > 0 {
		return nil
	}
	return err
}

// startLimit starts the header's time, if it has not begun.
func (c *ProxyConn) startLimit() {
	d := c.p.timeout()
	c.mu.Lock()
	begun := !c.limit.IsZero()
	c.mu.Unlock()
	if d > 0 && !begun {
		c.limitReads(time.Now().Add(d))
	}
}

// limitReads sets the header's deadline.
func (c *ProxyConn) limitReads(t time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.limit.Equal(t) {
		return
	}
	c.limit = t
	_ = c.nc.SetReadDeadline(c.soonest()) // it fails when the connection is closed, as reads will
}

// late reports whether the header's deadline has passed.
func (c *ProxyConn) late() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return !c.limit.IsZero() && !time.Now().Before(c.limit)
}

// soonest is the deadline for reads; c.mu is held.
func (c *ProxyConn) soonest() time.Time {
	if c.limit.IsZero() || !c.read.IsZero() && c.read.Before(c.limit) {
		return c.read
	}
	return c.limit
}

// Read implements net.Conn.
func (c *ProxyConn) Read(b []byte) (int, error) {
	if err := c.learn(); err != nil {
		return 0, err
	}
	if c.more.Load() {
		c.reading.Lock()
		defer c.reading.Unlock()
		if n := copy(b, c.rest); n > 0 || len(b) == 0 {
			c.rest = c.rest[n:]
			if len(c.rest) == 0 {
				c.rest = nil
				c.more.Store(false)
			}
			return n, nil
		}
	}
	return c.nc.Read(b)
}

// Write implements net.Conn. It waits for the header: nothing may be processed
// before (§2).
func (c *ProxyConn) Write(b []byte) (int, error) {
	if err := c.learn(); err != nil {
		return 0, err
	}
	return c.nc.Write(b)
}

// Close implements net.Conn.
func (c *ProxyConn) Close() error { return c.nc.Close() }

// CloseRead and CloseWrite end one direction, where the connection can.
func (c *ProxyConn) CloseRead() error {
	if d, ok := c.nc.(interface{ CloseRead() error }); ok {
		return d.CloseRead()
	}
	return errors.ErrUnsupported
}

// CloseWrite ends what is sent: see CloseRead.
func (c *ProxyConn) CloseWrite() error {
	if d, ok := c.nc.(interface{ CloseWrite() error }); ok {
		return d.CloseWrite()
	}
	return errors.ErrUnsupported
}

// Peer returns the address of the other end of the connection itself, which is
// the proxy's.
func (c *ProxyConn) Peer() net.Addr { return c.nc.RemoteAddr() }

// told returns the header when its addresses hold. A client that sends
// datagrams cannot be meant by a stream.
func (c *ProxyConn) told() *ProxyHeader {
	if !c.known.Load() || c.header == nil || c.header.Local || c.header.Datagram {
		return nil
	}
	return c.header
}

// AddrPort returns the client's address and port once the header was read, the
// peer's before, and none for one on a Unix socket.
func (c *ProxyConn) AddrPort() netip.AddrPort {
	if h := c.told(); h != nil {
		return unmapped(h.Source)
	}
	return RemoteOf(c.nc)
}

// RemoteAddr implements net.Conn: the client's address once the header was
// read, the peer's before. It does not wait.
func (c *ProxyConn) RemoteAddr() net.Addr {
	h := c.told()
	switch {
	case h == nil:
		return c.nc.RemoteAddr()
	case h.Unix:
		return &net.UnixAddr{Net: "unix", Name: h.SourcePath}
	}
	return net.TCPAddrFromAddrPort(unmapped(h.Source))
}

// LocalAddr implements net.Conn: the address that the client connected to once
// the header was read, that of the connection before. It does not wait.
func (c *ProxyConn) LocalAddr() net.Addr {
	h := c.told()
	switch {
	case h == nil:
		return c.nc.LocalAddr()
	case h.Unix:
		return &net.UnixAddr{Net: "unix", Name: h.DestinationPath}
	}
	return net.TCPAddrFromAddrPort(unmapped(h.Destination))
}

func unmapped(a netip.AddrPort) netip.AddrPort {
	return netip.AddrPortFrom(a.Addr().Unmap(), a.Port())
}

// SetDeadline implements net.Conn.
func (c *ProxyConn) SetDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.read = t
	if c.limit.IsZero() {
		return c.nc.SetDeadline(t)
	}
	if err := c.nc.SetWriteDeadline(t); err != nil {
		return err
	}
	return c.nc.SetReadDeadline(c.soonest())
}

// SetReadDeadline implements net.Conn.
func (c *ProxyConn) SetReadDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.read = t
	return c.nc.SetReadDeadline(c.soonest())
}

// SetWriteDeadline implements net.Conn.
func (c *ProxyConn) SetWriteDeadline(t time.Time) error { return c.nc.SetWriteDeadline(t) }
