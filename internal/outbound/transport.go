package outbound

import (
	"context"
	"crypto/tls"
	"errors"
	"maps"
	"net"
	"net/http"
	"net/http/httptrace"
	"slices"
	"sync"
	"time"

	"freshet/internal/wire"
)

// Transport sends requests and keeps connections. The zero value is ready: each
// field says what 0 means there; a negative duration means no limit. Fields must
// not change after first use; it must not be copied. All methods may be called
// by many goroutines.
type Transport struct {
	// Dial makes connections; nil means a net.Dialer. network is "tcp" and addr
	// host:port. For an origin behind a Unix socket, see Unix.
	Dial func(ctx context.Context, network, addr string) (net.Conn, error)

	// Guard decides to which addresses connections to origins are made; nil
	// permits all. Dial, unless Guard has its own, gets addresses then, and no
	// names. Parents themselves are not looked at; of what a parent is to
	// resolve only what can be known here is: addresses, and localhost.
	Guard *Guard

	// Parents returns the proxies to try, in that order, for an origin; nil, and
	// an empty list, mean none. hostport has always a port. The next one is
	// tried when one cannot be reached, fails to do its handshake or closes the
	// connection without an answer; for 10 s then it is tried after the others.
	// What a parent answers is final. A request with a body whose origin
	// has chosen HTTP/2 before is not tried again. 256 parents at a time are
	// remembered.
	//
	// Requests for http go to HTTP parents in absolute form, over connections
	// that all origins share; the others, and all to SOCKS parents, by a
	// tunnel, and so do those that ask for another protocol, which few parents
	// would pass on (RFC 6455 §4.1). ConnectTimeout bounds a parent's answer, too.
	Parents func(ctx context.Context, scheme, hostport string) ([]*Parent, error)

	// ParentTLS configures connections to https parents, as TLS does those to
	// origins.
	ParentTLS *tls.Config

	// TLS configures connections to https origins; nil means the defaults of
	// crypto/tls. ServerName and NextProtos are set for each origin unless
	// ServerName is given; MinVersion 0 means TLS 1.2.
	TLS *tls.Config

	// HTTP2 offers h2 to https origins. To one that takes it, requests go by the
	// standard library's HTTP/2, which has the limits and times below that it
	// has options for: HeadTimeout, IdleTimeout, MaxHeadBytes.
	HTTP2 bool

	// ConnectTimeout bounds dialling, with the look-up of names, and TLSTimeout
	// the handshake; 0 means 5 s each.
	ConnectTimeout, TLSTimeout time.Duration

	// HeadTimeout bounds the wait for the whole head of an answer, from when the
	// request has been written; each interim answer starts it anew. 0 means 60 s.
	HeadTimeout time.Duration

	// ReadTimeout bounds the wait for the next bytes of an answer's body, and
	// WriteTimeout that for the origin to take the next bytes (at most 32 KiB)
	// of a request. 0 means 60 s.
	ReadTimeout, WriteTimeout time.Duration

	// ExpectTimeout is how long a body waits for 100 (Continue) when the request
	// has Expect: 100-continue; then it is sent (RFC 9110 §10.1.1). 0 means 1 s.
	ExpectTimeout time.Duration

	// IdleTimeout is how long an unused connection is kept. 0 means 4 s: many
	// origins close theirs after 5 s, and whoever closes first decides whether
	// a request gets lost.
	IdleTimeout time.Duration

	// MaxIdlePerHost bounds the unused connections to an origin. 0 means 64; the
	// one that is unused for longest is closed for another.
	MaxIdlePerHost int

	// MaxConnsPerHost bounds the connections to an origin by HTTP/1. 0 means no
	// bound. When it is reached, requests queue, MaxQueuedPerHost of them (0
	// means 1024) for at most QueueTimeout (0 means 10 s); beyond that they fail
	// with ConnectionLimitReached.
	MaxConnsPerHost, MaxQueuedPerHost int
	QueueTimeout                      time.Duration

	// MaxHeadBytes bounds the head of an answer, and MaxFields its fields; both
	// bound the trailers as well. 0 means 64 KiB and 256.
	MaxHeadBytes, MaxFields int

	// MaxInterim bounds the interim answers (1xx) before a final one. 0 means 16.
	MaxInterim int

	// Watch gets each connection that is to speak HTTP/1, above TLS, and returns
	// what is read and written in its place: the same bytes. It costs what the
	// short way to the socket saves. nil watches nothing. HTTP/2, and what is
	// said to a parent for a tunnel, are not watched.
	Watch func(nc net.Conn) net.Conn

	// LenientLF accepts a bare LF as the end of a line of an answer's head.
	LenientLF bool

	once     sync.Once
	limits   wire.Limits
	times    times
	sessions tls.ClientSessionCache
	h2       *http.Transport // without a parent

	mu    sync.Mutex // guards what follows, and hosts' fields
	hosts map[hostKey]*host
	sweep *time.Timer          // closes what is idle for too long; nil when nothing is idle
	h2s   map[hostKey]struct{} // the origins that take HTTP/2; see speaksH2

	parents map[string]*known           // by Parent.id
	h2Ways  map[*Parent]*http.Transport // what speaks HTTP/2 by a parent
}

// times are the durations of a Transport with their defaults, 0 for none.
type times struct{ connect, tls, head, read, write, expect, idle, queue time.Duration }

func (t *Transport) setUp() {
	or := func(d, byDefault time.Duration) time.Duration {
		if d == 0 {
			return byDefault
		}
		return max(d, 0)
	}
	const stall = 60 * time.Second
	t.times = times{
		or(t.ConnectTimeout, 5*time.Second), or(t.TLSTimeout, 5*time.Second), or(t.HeadTimeout, stall),
		or(t.ReadTimeout, stall), or(t.WriteTimeout, stall), or(t.ExpectTimeout, time.Second),
		or(t.IdleTimeout, 4*time.Second), or(t.QueueTimeout, 10*time.Second),
	}
	t.limits = wire.Limits{MaxHeadBytes: orInt(t.MaxHeadBytes, 64<<10), MaxFields: orInt(t.MaxFields, 256), LenientLF: t.LenientLF}
	t.hosts = make(map[hostKey]*host)
	t.sessions = tls.NewLRUClientSessionCache(maxSessions)
	t.h2 = t.newH2(nil)
	t.h2s = make(map[hostKey]struct{})
}

func orInt(n, byDefault int) int {
	if n > 0 {
		return n
	}
	return byDefault
}

// RoundTrip implements http.RoundTripper. Errors are of type *Error.
//
// The answer's Body, which the caller closes, may be closed while it is being
// read. For 101 (Switching Protocols), and for 2xx to CONNECT, it is an
// io.ReadWriteCloser that also has CloseWrite. Interim answers go to the
// Got1xxResponse of the request's httptrace.ClientTrace; of that, GotConn,
// Got100Continue, GotFirstResponseByte, TLSHandshakeStart and TLSHandshakeDone
// (with a parent, once for each) are called too, and by a net.Dialer those of
// names and connections. Names and values of the answer's Header share
// memory: whoever keeps one for long clones it.
//
// Of the request, Header says what is sent, without Host, Content-Length,
// Transfer-Encoding and Trailer, which come from the fields of that name. A Body
// of unknown length, or with trailers, goes in chunks; of one of known length
// no more than that is sent. An answer that comes while the body is being sent
// ends neither: but if the body is not sent when the answer has been read,
// the connection is closed.
func (t *Transport) RoundTrip(req *http.Request) (*http.Response, error) {
	t.once.Do(t.setUp)
	if err := check(req); err != nil {
		closeBody(req)
		return nil, &Error{Op: "check request", Kind: RequestError, Err: err}
	}
	key := hostKey{scheme: req.URL.Scheme, host: req.URL.Host}
	if t.Parents == nil {
		return t.roundTrip(req, key, false)
	}
	return t.roundTripBy(req, key)
}

// roundTripBy is RoundTrip by the ways that Parents says.
func (t *Transport) roundTripBy(req *http.Request, key hostKey) (*http.Response, error) {
	asked := req
	_, addr := address(key.scheme, key.host)
	ways, err := t.ways(req.Context(), key.scheme, addr)
	if err != nil {
		closeBody(req)
		return nil, err
	}
	for i, via := range ways {
		k := key
		k.via = via
		if via.forwards() && key.scheme == "http" && len(req.Header["Upgrade"]) == 0 {
			if err := t.permit(via, addr); err != nil {
				closeBody(req)
				return nil, err
			}
			k.host = ""
		}
		others := i < len(ways)-1
		resp, err := t.roundTrip(req, k, others)
		if err == nil {
			resp.Request = asked
		}
		if err == nil || !others || !parentDown(err) || t.bodyGone(req, k) {
			return resp, err
		}
		used := req
		if req, err = withNewBody(used); req != used {
			closeBody(used) // it may be closed already
		}
		if err != nil {
			return nil, err
		}
	}
	panic("unreachable: there is a last way")
}

// withNewBody returns the request for the next way: where the body can be had
// once more it may have been used up, over a connection to a parent that was
// kept. See replay.
func withNewBody(req *http.Request) (*http.Request, error) {
	if !hasBody(req) || req.GetBody == nil {
		return req, nil
	}
	body, err := req.GetBody()
	if err != nil {
		return nil, &Error{Op: "read request body", Kind: RequestError, Err: err}
	}
	again := *req
	again.Body = body
	return &again, nil
}

// bodyGone reports whether an attempt by a way that is down has used the body
// up: the standard library closes it.
func (t *Transport) bodyGone(req *http.Request, key hostKey) bool {
	return hasBody(req) && t.HTTP2 && key.scheme == "https" && t.speaksH2(key)
}

// roundTrip is RoundTrip by one way. With others, the request's body stays as
// it is when a parent is down.
func (t *Transport) roundTrip(req *http.Request, key hostKey, others bool) (*http.Response, error) {
	if t.HTTP2 && key.scheme == "https" {
		// HTTP/2 has no upgrades (RFC 9113 §8.2.2).
		if key.only1 = len(req.Header["Upgrade"]) > 0; !key.only1 && t.speaksH2(key) {
			return t.roundTripH2(req, key, nil)
		}
	}
	resp, again, err := t.attempt(req, key, false, others)
	if again != nil {
		// A fresh connection, for others in the pool may be as dead.
		resp, _, err = t.attempt(again, key, true, false)
	}
	if err != nil {
		return nil, err
	}
	resp.Request = req
	return resp, nil
}

// attempt sends a request once. When that failed and may be tried again, again
// is the request for it.
func (t *Transport) attempt(req *http.Request, key hostKey, fresh, others bool) (resp *http.Response, again *http.Request, err error) {
	for {
		c, err := t.connect(req.Context(), key, fresh, !hasBody(req))
		if h2, ok := err.(*isH2); ok {
			resp, err = t.roundTripH2(req, key, h2.tc)
			return resp, nil, err
		}
		if err != nil {
			if !others || !parentDown(err) {
				closeBody(req)
			}
			return nil, nil, err
		}
		resp, failed := c.exchange(req)
		switch failed {
		case nil:
			return resp, nil, nil
		case errStale:
			continue // each time there is one idle connection less
		}
		return nil, replay(req, c, failed), failed
	}
}

// replay returns the request to send again on a fresh connection, nil if it
// must not be: only when the connection had been used before and ended before
// any of the answer came is it likely that the origin closed it before the
// request arrived, and only for idempotent methods does it not matter if not
// (RFC 9110 §9.2.2, RFC 9112 §9.3.1).
func replay(req *http.Request, c *conn, failed *Error) *http.Request {
	if !c.reused || c.answered || failed.Kind != ConnectionTerminated || req.Method != "" && !wire.Idempotent(req.Method) {
		return nil
	}
	if hasBody(req) && req.GetBody == nil {
		return nil
	}
	again, _ := withNewBody(req)
	return again
}

// CloseIdleConnections closes the connections that are not in use.
func (t *Transport) CloseIdleConnections() {
	t.once.Do(t.setUp)
	t.closeIdle(func(*conn) bool { return true })
	t.h2.CloseIdleConnections()
	t.mu.Lock()
	ways := slices.Collect(maps.Values(t.h2Ways))
	t.mu.Unlock()
	for _, h2 := range ways {
		h2.CloseIdleConnections()
	}
}

// Unix returns a Dial that connects to a Unix socket whatever the address.
func Unix(path string) func(ctx context.Context, network, addr string) (net.Conn, error) {
	return func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "unix", path)
	}
}

var (
	errNoURL  = errors.New("the request has no URL of an http or https origin")
	errMethod = errors.New("the method is not a token")
	errHost   = errors.New("the host is not one")
	errTarget = errors.New("the request target has a byte that none may have")
	errField  = errors.New("a field has a name or a value that none may have")
)

// check finds what would make a request unsendable, before a connection is
// taken for it; what is in its head is checked as that is written.
func check(req *http.Request) error {
	u := req.URL
	switch {
	case u == nil, u.Scheme != "http" && u.Scheme != "https", u.Host == "":
		return errNoURL
	case !wire.ValidMethod(req.Method) && req.Method != "":
		return errMethod
	case !wire.ValidHost(u.Host) || u.Hostname() == "":
		return errHost
	}
	return nil
}

func hasBody(req *http.Request) bool { return req.Body != nil && req.Body != http.NoBody }

func closeBody(req *http.Request) {
	if req.Body != nil {
		req.Body.Close()
	}
}

// traceOf returns the request's trace, nil if there is none.
func traceOf(ctx context.Context) *httptrace.ClientTrace { return httptrace.ContextClientTrace(ctx) }
