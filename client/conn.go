package client

import (
	"context"
	"crypto/tls"
	"net"
	"sync"
	"syscall"
	"time"

	"freshet/internal/outbound"
	"freshet/internal/wire"
)

// Conn is a connection to a server that speaks HTTP/1.
//
// A request is put in steps: PutRequest, PutHeader for each field, EndHeaders,
// and the body with Send, SendFrom or SendChunked. GetReply returns the reply to
// the first request that has none. An error of a step before EndHeaders is
// returned again by EndHeaders, so that the steps need not be looked at one by
// one; the request is dropped then, and another may be put.
//
// One goroutine may put and send while another one gets replies and reads them;
// Close may be called at any time. Whoever puts many requests without reading
// needs those two: a server that cannot get rid of its replies stops to read.
type Conn struct {
	o      DialOptions
	nc     net.Conn
	raw    syscall.RawConn // of nc when that is a plain socket, else nil
	host   string          // of the Host field
	tls    *tls.ConnectionState
	limits wire.Limits
	times  connTimes
	trace  tracer

	// What the putting side is at.
	step    putStep
	out     []byte // the head that is being put
	putting request
	bad     error // what was wrong with the head so far
	left    int64 // of the body, with its length known

	// What the reading side is at.
	in       []byte
	r, w     int // in[r:w] is read and not yet used
	head     wire.ResponseHead
	interims []Head // that have come for the next reply

	mu      sync.Mutex // guards what follows
	pending []Sent     // without a reply, in order
	reply   *replyBody // whose body has not ended
	put     int        // requests so far
	last    bool       // the last request asks for the end of the connection, or for another protocol
	ended   error      // why no reply comes any more
	unsent  error      // why nothing is sent any more
	closed  bool
}

// Sent is a request that was put.
type Sent struct {
	Number         int // from 1, on this connection
	Method, Target string
	// Again says that the method is idempotent: when the connection ends
	// before the reply, the request may be sent again (RFC 9112 §9.3.2).
	Again bool

	upgrades bool // it asks for another protocol
	last     bool // it asks for the end of the connection
}

// Field is a field line of a message. Its value has no white space around it.
type Field struct{ Name, Value string }

// DialOptions are options of Dial and NewConn. The zero value is ready; of a
// time 0 means the default, and less than 0 no limit.
type DialOptions struct {
	// TLS configures connections to https: roots, client certificates,
	// ServerName, InsecureSkipVerify. nil means the defaults of crypto/tls, with
	// TLS 1.2 at least. NextProtos is http/1.1 unless it is set.
	TLS *tls.Config

	// PinnedKeys are hashes of the public keys that the server may have, as
	// PinKeys takes them; "" means any.
	PinnedKeys string

	// Proxy is a proxy that is asked for a tunnel, for http, too:
	// [http://][user:password@]host[:port], or with https, socks5 (names are
	// resolved here) or socks5h (there). "" means none. ProxyTLS configures TLS
	// to one of https, as TLS does that to the server.
	Proxy    string
	ProxyTLS *tls.Config

	// Resolve gives addresses of hosts ("host:port:address", as curl's --resolve),
	// ConnectTo other places for them ("host1:port1:host2:port2", as
	// --connect-to), and Unix the path of a Unix socket to connect to instead
	// ("@name" is one of the abstract namespace).
	Resolve, ConnectTo []string
	Unix               string

	// Dial makes connections; nil means a net.Dialer. network is "tcp".
	Dial func(ctx context.Context, network, addr string) (net.Conn, error)

	// SkipHost leaves the field Host to the caller; SkipAcceptEncoding leaves
	// out Accept-Encoding: identity.
	SkipHost, SkipAcceptEncoding bool

	// HTTP10 makes requests ones of HTTP/1.0. The connection ends after the
	// first reply then, unless both sides say Connection: keep-alive.
	HTTP10 bool

	// Raw sends whatever is put: no method, target, field or body is looked at,
	// no field is added, and nothing forbids a request. Send writes its bytes as
	// they are, and may be called at any time.
	Raw bool

	// LenientLF accepts a bare LF as the end of a line of a reply's head.
	LenientLF bool

	// MaxHeadBytes bounds the head of a reply, and MaxFields its fields; both
	// bound the trailers as well. 0 means 64 KiB and 256. MaxInterim bounds the
	// interim replies (1xx) before a final one; 0 means 16. Beyond them the
	// connection has ended, with ErrReply.
	MaxHeadBytes, MaxFields, MaxInterim int

	// ConnectTimeout bounds dialling, with the look-up of names, and a proxy's
	// answer; TLSTimeout the handshake. 0 means 30 s each.
	ConnectTimeout, TLSTimeout time.Duration

	// HeadTimeout bounds the wait for the next head of a reply, ReadTimeout that
	// for the next bytes of its body, WriteTimeout that for the server to take
	// the next bytes of a request. 0 means 60 s each. After a wait for a reply
	// that was too long, one may wait anew.
	HeadTimeout, ReadTimeout, WriteTimeout time.Duration

	// Trace is told each byte that is sent and received; see Event. It is called
	// by whoever sends or reads, one at a time. nil means nobody.
	Trace func(Event)
}

// connTimes are the times of a DialOptions with their defaults, 0 for none.
type connTimes struct{ connect, tls, head, read, write time.Duration }

func (o *DialOptions) times() connTimes {
	or := func(d, byDefault time.Duration) time.Duration {
		if d == 0 {
			return byDefault
		}
		return max(d, 0)
	}
	const stall = 60 * time.Second
	return connTimes{or(o.ConnectTimeout, stall/2), or(o.TLSTimeout, stall/2), or(o.HeadTimeout, stall), or(o.ReadTimeout, stall), or(o.WriteTimeout, stall)}
}

// NewConn makes a Conn of a connection that there is, and owns it from then on.
// host is for the field Host. Of o, what is about dialling and TLS means nothing.
func NewConn(nc net.Conn, host string, o DialOptions) *Conn {
	or := func(n, byDefault int) int {
		if n > 0 {
			return n
		}
		return byDefault
	}
	c := &Conn{o: o, nc: nc, host: host, times: o.times()}
	c.limits = wire.Limits{MaxHeadBytes: or(o.MaxHeadBytes, 64<<10), MaxFields: or(o.MaxFields, 256), LenientLF: o.LenientLF}
	c.o.MaxInterim = or(o.MaxInterim, 16)
	c.trace.tell = o.Trace
	switch nc := nc.(type) { // and no others, which may add to these
	case *net.TCPConn:
		c.raw, _ = nc.SyscallConn()
	case *net.UnixConn:
		c.raw, _ = nc.SyscallConn()
	case *tls.Conn:
		st := nc.ConnectionState()
		c.tls = &st
	}
	return c
}

// TLS returns the state of TLS, nil without.
func (c *Conn) TLS() *tls.ConnectionState { return c.tls }

// LocalAddr and RemoteAddr return the ends of the connection; with a proxy, the
// remote one is the proxy's.
func (c *Conn) LocalAddr() net.Addr  { return c.nc.LocalAddr() }
func (c *Conn) RemoteAddr() net.Addr { return c.nc.RemoteAddr() }

// Unanswered returns the requests that wait for a reply, in order.
func (c *Conn) Unanswered() []Sent {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]Sent(nil), c.pending...)
}

// Close closes the connection, whatever is under way on it.
func (c *Conn) Close() error {
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		return nil
	}
	c.closed = true
	c.end(ErrClosed)
	if c.unsent == nil {
		c.unsent = ErrClosed
	}
	c.mu.Unlock()
	if c.tls != nil { // the alert takes no longer than it takes to hand it over
		c.nc.SetWriteDeadline(time.Now().Add(100 * time.Millisecond))
	}
	return c.nc.Close()
}

// end notes why no reply comes any more; c.mu is held.
func (c *Conn) end(why error) {
	if c.ended == nil {
		c.ended = why
	}
}

// silent reports whether nothing is to be read on an idle connection, and else
// why it is of no use.
func (c *Conn) silent() error {
	if c.r == c.w && c.tls != nil {
		c.nc.SetReadDeadline(time.Unix(1, 0)) // what TLS has decrypted, or nothing
		if err := c.more(); err != nil {
			if failed := c.failed("look at the connection", err); !failed.Timeout() {
				return failed
			}
		}
	}
	if c.r == c.w && c.raw != nil {
		quiet := true
		if err := c.raw.Control(func(fd uintptr) { quiet = outbound.Silent(fd) }); err != nil {
			return ErrClosed
		}
		if quiet {
			return nil
		}
		c.nc.SetReadDeadline(time.Now().Add(time.Second)) // something is there
		if err := c.more(); err != nil {
			return c.failed("look at the connection", err)
		}
	}
	if c.r < c.w {
		return &ConnError{Op: "look at the connection", Kind: string(outbound.ProtocolError), Err: ErrUnasked}
	}
	return nil
}
