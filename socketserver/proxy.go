package socketserver

import (
	"errors"
	"net"
	"net/netip"
	"syscall"
	"time"
)

// DefaultProxyTimeout is ProxyProtocol.Timeout when that is 0. The
// specification asks for at least 3 s, which a retransmission takes.
const DefaultProxyTimeout = 5 * time.Second

// ProxyPolicy says whether a connection has to begin with a PROXY header.
type ProxyPolicy uint8

// The policies. The specification forbids a receiver to guess (§2): ProxyOptional
// does guess, for peers that are trusted not to lie either way, while a site
// moves behind a proxy.
const (
	// ProxyRequired refuses connections without a header, and those of peers
	// that are not trusted.
	ProxyRequired ProxyPolicy = iota

	// ProxyOptional takes a connection without a header as it is. It is for
	// protocols in which the client speaks first: a server that does would
	// wait for a header that never comes.
	ProxyOptional
)

// ErrProxyUntrusted is the error of a connection whose peer is not trusted, but
// sends a PROXY header, or should with ProxyRequired.
var ErrProxyUntrusted = errors.New("socketserver: PROXY header from a peer that is not trusted")

// ProxyProtocol accepts the PROXY protocol, versions 1 and 2, with which a
// proxy in front of a server says who its clients are. It is a Server's field,
// or wraps the listener of any other server.
//
// Accept does not wait for headers: a connection reads its own when it is first
// read, written to, or asked for it ([ProxyConn.Header], [Conn.Proxy]); from then
// on its addresses are those of the header. Until then they are the peer's, and
// that is what Server.Verify and Server.MaxConnsPerClient see: the latter counts
// the proxy's connections, and should be negative (the proxy limits its
// clients). Package httpd serves such connections without its early path.
//
// Fields must not change once connections were accepted.
type ProxyProtocol struct {
	// Trusted are the addresses of the proxies. None means that no peer with an
	// IP address is trusted: then ProxyRequired refuses all, and ProxyOptional
	// refuses those who send a header. Peers on a Unix socket have no address
	// and are trusted: who may connect is up to the socket's mode.
	Trusted []netip.Prefix

	// Policy is ProxyRequired unless it is set.
	Policy ProxyPolicy

	// Timeout bounds the time from the first wait for the header to its end;
	// with ProxyOptional from its first byte. 0 means DefaultProxyTimeout;
	// negative means no limit but those of the connection's user.
	Timeout time.Duration

	// MaxHeader bounds a header of version 2, in bytes. 0 means
	// DefaultMaxProxyHeader; no bound is above 65551. More is refused as
	// ErrProxyHeader before it is read.
	MaxHeader int
}

func (p *ProxyProtocol) timeout() time.Duration {
	if p.Timeout == 0 {
		return DefaultProxyTimeout
	}
	return max(p.Timeout, 0)
}

func (p *ProxyProtocol) maxHeader() int {
	if p.MaxHeader <= 0 {
		return DefaultMaxProxyHeader
	}
	return max(p.MaxHeader, head2)
}

// trusts reports whether a header from nc's peer is believed.
func (p *ProxyProtocol) trusts(nc net.Conn) bool {
	peer := RemoteOf(nc)
	if !peer.IsValid() {
		addr := nc.RemoteAddr()
		return addr != nil && addr.Network() == "unix"
	}
	a := peer.Addr().Unmap().WithZone("")
	for _, prefix := range p.Trusted {
		if prefix.Contains(a) {
			return true
		}
	}
	return false
}

// Listener wraps l: its connections are *ProxyConn. A Server has the field Proxy
// instead, which the model Process needs: only the child reads the header.
func (p *ProxyProtocol) Listener(l net.Listener) net.Listener { return &proxyListener{l, p} }

// Conn wraps one connection, of which nothing was read yet.
func (p *ProxyProtocol) Conn(nc net.Conn) *ProxyConn { return &ProxyConn{nc: nc, p: p} }

type proxyListener struct {
	net.Listener
	p *ProxyProtocol
}

func (l *proxyListener) Accept() (net.Conn, error) {
	nc, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return l.p.Conn(nc), nil
}

// SetDeadline is that of the listener below, for Server.HandleRequest.
func (l *proxyListener) SetDeadline(t time.Time) error {
	if d, ok := l.Listener.(interface{ SetDeadline(time.Time) error }); ok {
		return d.SetDeadline(t)
	}
	return errors.ErrUnsupported
}

// SyscallConn is that of the listener below, for DeferAccept.
func (l *proxyListener) SyscallConn() (syscall.RawConn, error) {
	if sc, ok := l.Listener.(syscall.Conn); ok {
		return sc.SyscallConn()
	}
	return nil, errors.ErrUnsupported
}

// Proxy reads the PROXY header of c, if that was not done yet, and returns it;
// nil when c has none, or the server does not use the protocol.
func (c *Conn) Proxy() (*ProxyHeader, error) {
	if p, ok := c.Conn.(*ProxyConn); ok {
		return p.Header()
	}
	return nil, nil
}
