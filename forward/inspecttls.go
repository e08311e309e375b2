package forward

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// tunnelled is the connection of a tunnel whose TLS is to end here, as
// crypto/tls reads and writes it.
type tunnelled struct {
	net.Conn // the client's

	early []byte    // what came with the request for the tunnel
	rest  io.Reader // what comes then; nil: Conn itself

	client    netip.Addr
	hostport  string // where the tunnel leads to
	host      string // of it, as plainHost returns it
	authority string // what requests in it name
	leaf      *tls.Certificate

	// Of the handshake: what was read is kept until it is decided that TLS ends
	// here, so that it can go to the server if not.
	read    []byte
	decided bool
	misled  string // the other name that the client asked for
	other   bool   // it speaks no HTTP inside: nothing may be written

	shaken   atomic.Int64 // when the handshake was done, in nanoseconds; 0: it is not
	requests atomic.Int64
	once     sync.Once
	over     func(*tunnelled) // called by the first Close
}

// protocols are what is spoken inside.
var protocols = []string{"h2", "http/1.1", "http/1.0"}

// maxHello bounds what is kept of a handshake: crypto/tls takes a ClientHello of
// 64 KiB at most, in records whose heads are kept, too.
const maxHello = 80 << 10

var (
	errOther = errors.New("the client offers protocols that are not HTTP")
	errHello = errors.New("the ClientHello is too large")
)

// Read implements net.Conn.
func (c *tunnelled) Read(p []byte) (n int, err error) {
	switch {
	case len(c.early) > 0:
		n = copy(p, c.early)
		c.early = c.early[n:]
	case c.rest != nil:
		n, err = c.rest.Read(p)
	default:
		n, err = c.Conn.Read(p)
	}
	if !c.decided {
		if len(c.read)+n > maxHello {
			return 0, errHello
		}
		c.read = append(c.read, p[:n]...)
	}
	return n, err
}

// Write implements net.Conn.
func (c *tunnelled) Write(p []byte) (int, error) {
	if c.other {
		return len(p), nil // an alert that is not for the client
	}
	return c.Conn.Write(p)
}

// Close implements net.Conn.
func (c *tunnelled) Close() error {
	err := c.Conn.Close()
	c.once.Do(func() { c.over(c) })
	return err
}

// CloseWrite ends our side.
func (c *tunnelled) CloseWrite() error {
	if cw, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return cw.CloseWrite()
	}
	return errors.ErrUnsupported
}

// SetLinger says what becomes of what is unsent when it is closed.
func (c *tunnelled) SetLinger(seconds int) error {
	if t, ok := c.Conn.(interface{ SetLinger(int) error }); ok {
		return t.SetLinger(seconds)
	}
	return errors.ErrUnsupported
}

// unread is what the client has sent, from the first byte on.
func (c *tunnelled) unread() io.Reader {
	c.decided = true
	parts := []io.Reader{bytes.NewReader(c.read), bytes.NewReader(c.early)}
	if c.rest != nil {
		return io.MultiReader(append(parts, c.rest)...)
	}
	return io.MultiReader(append(parts, c.Conn)...)
}

// beginsTLS waits for the client's first byte and reports whether it is that of
// a handshake (RFC 8446 §5.1).
func (c *tunnelled) beginsTLS() (bool, error) {
	var first [1]byte
	if _, err := io.ReadFull(c, first[:]); err != nil {
		return false, err
	}
	c.early, c.read = slices.Concat(c.read, c.early), nil
	return first[0] == 22, nil
}

// configFor decides what becomes of a handshake whose ClientHello was read. The
// leaf is for where the tunnel leads to: a client that asks for another name
// wants to reach that behind the back of whoever looks at tunnels, and gets the
// alert unrecognized_name (RFC 6066 §3).
func configFor(hello *tls.ClientHelloInfo) (*tls.Config, error) {
	c := hello.Conn.(*tunnelled)
	if len(hello.SupportedProtos) > 0 && !slices.ContainsFunc(hello.SupportedProtos, func(p string) bool { return slices.Contains(protocols, p) }) {
		c.other = true
		return nil, errOther
	}
	c.decided, c.read = true, nil
	if hello.ServerName != "" && plainHost(hello.ServerName) != c.host {
		c.misled = hello.ServerName
		return &tls.Config{GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return nil, nil }}, nil
	}
	return &tls.Config{Certificates: []tls.Certificate{*c.leaf}, NextProtos: protocols, MinVersion: tls.VersionTLS12}, nil
}

// shake does the handshake with a client.
func (in *inspector) shake(c *tunnelled) (*tls.Conn, error) {
	select {
	case in.shaking <- struct{}{}:
		defer func() { <-in.shaking }()
	default:
		wait := time.NewTimer(in.timeout)
		defer wait.Stop()
		select {
		case in.shaking <- struct{}{}:
			defer func() { <-in.shaking }()
		case <-wait.C:
			return nil, errBusy
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), in.timeout)
	defer cancel()
	tc := tls.Server(c, in.tls)
	return tc, tc.HandshakeContext(ctx)
}

var errBusy = errors.New("as many handshakes are under way as there may be")
