package proxy

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"freshet/internal/wire"
)

// origin is one server that is asked.
type origin struct {
	name   string // as it was written in Options.Origins
	scheme string // "http" or "https"
	addr   string // the authority in URLs; for a Unix socket a name made for it
	host   string // what HostOrigin sends
	peer   string // what next-hop says
	socket string // path of a Unix socket, or ""
	prefix string // decoded path put before each request's, without a slash at its end
	rawPre string // the same as it is sent

	hash     uint64 // of the name
	active   atomic.Int64
	requests atomic.Uint64
	circuit  circuit

	status  atomic.Int64          // of its last answer; 0 before the first
	failure atomic.Pointer[Error] // why it gave none the last time; nil when it did
}

// parseOrigin parses an element of Options.Origins; i makes the name of a Unix
// socket's authority unique.
func parseOrigin(s string, i int) (*origin, error) {
	o := &origin{name: s, hash: hashString(hashSeed, s)}
	if path, ok := strings.CutPrefix(s, "unix:"); ok {
		path = strings.TrimPrefix(path, "//")
		if path == "" || strings.ContainsRune(path, 0) {
			return nil, fmt.Errorf("origin %q: name the socket: unix:/path", s)
		}
		o.scheme, o.socket, o.host, o.peer = "http", path, "localhost", path
		// .invalid is a name that nothing else can have (RFC 6761 §6.4).
		o.addr = fmt.Sprintf("unix%d.invalid", i)
		return o, nil
	}
	u, err := url.Parse(s)
	switch {
	case err != nil:
		return nil, fmt.Errorf("origin: %w", err)
	case u.Scheme != "http" && u.Scheme != "https":
		return nil, fmt.Errorf("origin %q: write http://host:port, https://host or unix:/path", s)
	case u.Host == "" || u.Hostname() == "" || !wire.ValidHost(u.Host):
		return nil, fmt.Errorf("origin %q: %w", s, errHost)
	case u.User != nil || u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return nil, fmt.Errorf("origin %q: it has more than scheme, host, port and path", s)
	}
	o.scheme, o.addr, o.host = u.Scheme, u.Host, u.Host
	o.peer = u.Host
	o.prefix = strings.TrimRight(u.Path, "/")
	o.rawPre = strings.TrimRight(u.EscapedPath(), "/")
	return o, nil
}

// named returns the server that a request names, for a forward proxy. It lives
// for this request.
func named(r *http.Request) *origin {
	o := &origin{scheme: "http", addr: r.Host, host: r.Host, peer: r.Host}
	if r.TLS != nil {
		o.scheme = "https"
	}
	o.name = o.scheme + "://" + o.addr
	return o
}

var errHost = errors.New("it has no host, or one that is not valid")

// OriginState is what is known of an origin at one moment.
type OriginState struct {
	Origin   string // as in Options.Origins
	Circuit  CircuitState
	Fails    int       // failures in a row
	Until    time.Time // when it is tried again; zero unless it was taken out
	Active   int64     // requests under way
	Requests uint64    // requests sent to it, retries included
	LastErr  error     // the last failure that counted, nil when none did
	Status   int       // of its last answer, 0 before the first
}

// States returns the state of each origin, in the order of Options.Origins.
// It may be called at any time.
func (h *Handler) States() []OriginState {
	now := h.o.Now()
	states := make([]OriginState, len(h.origins))
	for i, o := range h.origins {
		s := &states[i]
		s.Origin, s.Active, s.Requests, s.Status = o.name, o.active.Load(), o.requests.Load(), int(o.status.Load())
		o.circuit.state(now, s)
	}
	return states
}
