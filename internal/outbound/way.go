package outbound

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"time"

	"freshet/internal/wire"
)

// A way to a destination is a parent, nil for none. What follows decides which
// ways there are, in which order, and makes the connection.

const (
	// shunTime is how long a parent that could not be reached is tried after
	// the others.
	shunTime = 10 * time.Second

	// maxParents bounds the parents that are known at a time; beyond it all
	// are forgotten, and their connections are used up.
	maxParents = 256
)

// known is what is remembered of a parent.
type known struct {
	parent *Parent // the first of its kind, which the keys of hosts name
	shun   time.Time
}

var direct = []*Parent{nil}

// ways returns the ways to hostport in the order to try them, at least one.
func (t *Transport) ways(ctx context.Context, scheme, hostport string) ([]*Parent, error) {
	if t.Parents == nil {
		return direct, nil
	}
	listed, err := t.Parents(ctx, scheme, hostport)
	if err != nil {
		return nil, &Error{Op: "choose a proxy", Kind: ProxyConfiguration, Peer: hostport, Err: err}
	}
	if len(listed) == 0 {
		return direct, nil
	}
	now := time.Now()
	up := make([]*Parent, 0, len(listed))
	var down []*Parent
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, p := range listed {
		if p.Direct() {
			up = append(up, nil)
			continue
		}
		k := t.knownParent(p)
		if now.Before(k.shun) {
			down = append(down, k.parent)
		} else {
			up = append(up, k.parent)
		}
	}
	return append(up, down...), nil
}

// knownParent returns what is remembered of p; t.mu is held.
func (t *Transport) knownParent(p *Parent) *known {
	k := t.parents[p.id]
	if k == nil {
		if len(t.parents) >= maxParents {
			clear(t.parents)
		}
		if t.parents == nil {
			t.parents = make(map[string]*known)
		}
		k = &known{parent: p}
		t.parents[p.id] = k
	}
	return k
}

// shun remembers that a parent could not be reached, or that it was.
func (t *Transport) shun(p *Parent, down bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	k := t.knownParent(p)
	k.shun = time.Time{}
	if down {
		k.shun = time.Now().Add(shunTime)
	}
}

// parentDown reports whether an error is that a parent could not be reached,
// so that another one may be tried: nothing was asked of anybody.
func parentDown(err error) bool {
	var failed *Error
	return errors.As(err, &failed) && failed.parentDown
}

// permit looks at the destination of a way by a parent that resolves names.
func (t *Transport) permit(via *Parent, hostport string) error {
	if t.Guard == nil || !via.resolves() {
		return nil
	}
	if err := t.Guard.checkName(wire.WithoutPort(hostport)); err != nil {
		return &Error{Op: "look at the destination", Kind: DestinationProhibited, Peer: hostport, Err: err}
	}
	return nil
}

// reach makes a connection to addr: straight, or by a parent.
func (t *Transport) reach(ctx context.Context, via *Parent, addr string) (net.Conn, error) {
	if via.Direct() {
		return t.dialDirect(ctx, addr)
	}
	if err := t.permit(via, addr); err != nil {
		return nil, err
	}
	var request []byte
	if via.socks() { // before there is a connection: it may be refused
		var err error
		if request, err = t.socksRequest(ctx, via, addr); err != nil {
			return nil, err
		}
	}
	nc, err := t.dialParent(ctx, via)
	if err != nil {
		return nil, err
	}
	if via.scheme == "https" {
		tc := tls.Client(&endWatch{Conn: nc}, t.parentTLS(via))
		if err := t.handshake(ctx, tc); err != nil {
			nc.Close()
			return nil, t.downError(ctx, via, "TLS handshake with the proxy", TLSKind(err), err)
		}
		nc = tc
	}
	tunnel, err := t.ask(ctx, nc, via, addr, request)
	if err != nil {
		nc.Close()
		return nil, err
	}
	return tunnel, nil
}

// dialDirect makes a connection to addr, under the Guard if there is one.
func (t *Transport) dialDirect(ctx context.Context, addr string) (net.Conn, error) {
	dctx, cancel := within(ctx, t.times.connect)
	defer cancel()
	dial := t.dialer()
	if t.Guard != nil {
		guarded := t.Guard.Dial
		if guarded == nil {
			guarded = dial
		}
		dial = func(ctx context.Context, network, addr string) (net.Conn, error) {
			return t.Guard.dial(ctx, guarded, network, addr)
		}
	}
	nc, err := dial(dctx, "tcp", addr)
	if err != nil {
		return nil, failedAt(ctx, addr, "dial", dialKind(err), err)
	}
	return nc, nil
}

// dialParent makes a connection to a parent, which no Guard looks at: whoever
// names a parent wants it.
func (t *Transport) dialParent(ctx context.Context, via *Parent) (net.Conn, error) {
	dctx, cancel := within(ctx, t.times.connect)
	defer cancel()
	nc, err := t.dialer()(dctx, "tcp", via.addr())
	if err != nil {
		return nil, t.downError(ctx, via, "dial the proxy", dialKind(err), err)
	}
	return nc, nil
}

func (t *Transport) dialer() dialFunc {
	if t.Dial != nil {
		return t.Dial
	}
	return new(net.Dialer).DialContext
}

// ask asks a parent for a tunnel to addr on the connection nc; of SOCKS with a
// request that was made before.
func (t *Transport) ask(ctx context.Context, nc net.Conn, via *Parent, addr string, request []byte) (tunnel net.Conn, err error) {
	stop := context.AfterFunc(ctx, func() { nc.SetDeadline(past) })
	if t.times.connect > 0 {
		nc.SetDeadline(time.Now().Add(t.times.connect))
	}
	if ctx.Err() != nil {
		nc.SetDeadline(past) // the watch came before
	}
	if via.socks() {
		tunnel, err = nc, t.askSOCKS(ctx, nc, via, addr, request)
	} else {
		tunnel, err = t.askCONNECT(ctx, nc, via, addr)
	}
	if !stop() && err == nil {
		err = failedAt(ctx, addr, "ask the proxy", Canceled, ctx.Err())
	}
	if err != nil {
		return nil, err
	}
	nc.SetDeadline(time.Time{})
	t.shun(via, false)
	return tunnel, nil
}

// handshake does the handshake of TLS within its time.
func (t *Transport) handshake(ctx context.Context, tc *tls.Conn) error {
	trace := traceOf(ctx)
	if trace != nil && trace.TLSHandshakeStart != nil {
		trace.TLSHandshakeStart()
	}
	ctx, cancel := within(ctx, t.times.tls)
	defer cancel()
	err := tc.HandshakeContext(ctx)
	if trace != nil && trace.TLSHandshakeDone != nil {
		trace.TLSHandshakeDone(tc.ConnectionState(), err)
	}
	return err
}

// within bounds ctx by d; 0 is no bound.
func within(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	if d <= 0 {
		return ctx, func() {}
	}
	return context.WithTimeout(ctx, d)
}

// downError makes the error of a parent that could not be reached, and
// remembers that.
func (t *Transport) downError(ctx context.Context, via *Parent, op string, kind Kind, err error) *Error {
	failed := failedAt(ctx, via.addr(), op, kind, err)
	if failed.Kind != Canceled {
		failed.parentDown = true
		failed.Err = &ParentError{Parent: via.String(), Err: err}
		t.shun(via, true)
	}
	return failed
}

// parentTLS returns the configuration for a parent.
func (t *Transport) parentTLS(via *Parent) *tls.Config {
	cfg := &tls.Config{}
	if t.ParentTLS != nil {
		cfg = t.ParentTLS.Clone()
	}
	if cfg.ServerName == "" {
		cfg.ServerName = via.host
	}
	if cfg.MinVersion == 0 {
		cfg.MinVersion = tls.VersionTLS12
	}
	if cfg.ClientSessionCache == nil {
		cfg.ClientSessionCache = t.sessions
	}
	cfg.NextProtos = []string{"http/1.1"}
	return cfg
}

// Tunnel makes a connection to host:port by the ways that requests go, those
// to https for Parents, and with the same limits; it is the caller's, and is
// not counted. With a parent it is the inside of a tunnel. The connection may
// have no more than the methods of net.Conn. ctx ends the making of it only.
// Errors are of type *Error.
func (t *Transport) Tunnel(ctx context.Context, hostport string) (net.Conn, error) {
	t.once.Do(t.setUp)
	if !wire.ValidTarget("CONNECT", hostport) {
		return nil, &Error{Op: "check destination", Kind: RequestError, Err: errHost}
	}
	ways, err := t.ways(ctx, "https", hostport)
	if err != nil {
		return nil, err
	}
	for i, via := range ways {
		nc, err := t.reach(ctx, via, hostport)
		if err == nil || i == len(ways)-1 || !parentDown(err) {
			return nc, err
		}
	}
	panic("unreachable: there is a last way")
}
