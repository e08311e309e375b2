package outbound

import (
	"context"
	"crypto/tls"
	"io"
	"net"
)

// isH2 is the error of a connection on which the origin has chosen HTTP/2.
type isH2 struct{ tc *tls.Conn }

func (*isH2) Error() string { return "the origin speaks HTTP/2" }

// dial makes a connection in a place that the caller has taken in h.conns, and
// gives the place up when it fails.
func (t *Transport) dial(ctx context.Context, h *host) (*conn, error) {
	nc, base, err := t.open(ctx, h)
	if err != nil {
		t.giveUp(h)
		return nil, err
	}
	tc, isTLS := nc.(*tls.Conn)
	if isTLS && tc.ConnectionState().NegotiatedProtocol == "h2" {
		t.giveUp(h)
		return nil, &isH2{tc}
	}
	c := &conn{t: t, host: h, nc: nc, own: nc, base: base, secure: nc != base}
	switch base := base.(type) { // and no others, which may add to these
	case *net.TCPConn:
		c.raw, _ = base.SyscallConn()
	case *net.UnixConn:
		c.raw, _ = base.SyscallConn()
	}
	if isTLS && !h.forwards {
		st := tc.ConnectionState()
		c.state = &st
	}
	if t.Watch != nil {
		c.nc, c.watched = t.Watch(nc), true
	}
	c.setUp()
	return c, nil
}

// open dials and, for https, does the handshake. base is the connection below
// TLS, or nc.
func (t *Transport) open(ctx context.Context, h *host) (nc, base net.Conn, err error) {
	if h.forwards {
		base, err = t.dialParent(ctx, h.key.via)
	} else {
		base, err = t.reach(ctx, h.key.via, h.addr)
	}
	if err != nil {
		return nil, nil, err
	}
	if h.tls == nil {
		return base, base, nil
	}
	tc := tls.Client(&endWatch{Conn: base}, h.tls)
	if err := t.handshake(ctx, tc); err != nil {
		base.Close()
		if h.forwards {
			return nil, nil, t.downError(ctx, h.key.via, "TLS handshake with the proxy", TLSKind(err), err)
		}
		return nil, nil, h.failed(ctx, "TLS handshake", TLSKind(err), err)
	}
	return tc, base, nil
}

// endWatch notes that the connection below TLS has ended. crypto/tls does not
// tell that from TLS's own end when it happens between two records.
type endWatch struct {
	net.Conn
	ended bool
}

// Read implements net.Conn.
func (w *endWatch) Read(p []byte) (n int, err error) {
	n, err = w.Conn.Read(p)
	w.ended = w.ended || err == io.EOF
	return n, err
}

// cutOff reports whether a connection that has ended did so without the alert
// that TLS ends with.
func (c *conn) cutOff() bool {
	return CutOff(c.own)
}

// WatchEnd returns a connection to put TLS on, for CutOff.
func WatchEnd(nc net.Conn) net.Conn { return &endWatch{Conn: nc} }

// CutOff reports whether a connection of TLS on one of WatchEnd that has ended
// did so without the alert that TLS ends with. It is false for others.
func CutOff(nc net.Conn) bool {
	tc, ok := nc.(*tls.Conn)
	if !ok {
		return false
	}
	w, ok := tc.NetConn().(*endWatch)
	return ok && w.ended
}

// failed makes the error of an operation; once the context is done that is why.
func (h *host) failed(ctx context.Context, op string, kind Kind, err error) *Error {
	return failedAt(ctx, h.addr, op, kind, err)
}

// failedAt is failed for a peer.
func failedAt(ctx context.Context, peer, op string, kind Kind, err error) *Error {
	if ctx.Err() != nil {
		return &Error{Op: op, Kind: Canceled, Peer: peer, Err: context.Cause(ctx)}
	}
	return &Error{Op: op, Kind: kind, Peer: peer, Remote: kind != DestinationProhibited, Err: err}
}

// maxSessions bounds the TLS sessions that are kept to be resumed.
const maxSessions = 256

// tlsConfig returns the configuration for the origin of that name.
func (t *Transport) tlsConfig(name string, h2 bool) *tls.Config {
	cfg := &tls.Config{}
	if t.TLS != nil {
		cfg = t.TLS.Clone()
	}
	if cfg.ServerName == "" {
		cfg.ServerName = name
	}
	if cfg.MinVersion == 0 {
		cfg.MinVersion = tls.VersionTLS12
	}
	if cfg.ClientSessionCache == nil {
		cfg.ClientSessionCache = t.sessions
	}
	cfg.NextProtos = []string{"http/1.1"}
	if h2 && t.HTTP2 {
		cfg.NextProtos = []string{"h2", "http/1.1"}
	}
	return cfg
}
