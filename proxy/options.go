package proxy

import (
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"time"

	"freshet/internal/field"
	"freshet/internal/signing"
	"freshet/internal/wire"
)

// Options say where a [Handler] gets its answers and how. The zero value of
// every field but Origins is its default.
type Options struct {
	// Origins are the servers to ask: http://host:port, https://host or
	// unix:/path/of/socket. The path of an http or https URL is put before the
	// path of each request. At least one, but for Forward.
	Origins []string

	// Forward makes this a forward proxy: each request is sent to the server
	// that its Host names, by https if its TLS is not nil. Where that may be is
	// for the Transport to decide. The server is told of the proxy, by Via, and
	// not of the client. Origins must be empty; Balance, Host, Trusted and
	// MaxFails mean nothing.
	Forward bool

	// Transport sends the requests. It must not follow redirects, decode
	// bodies or send requests again that are not idempotent; origins that are
	// Unix sockets, ConnectTimeout, TLS, HTTP2 and MaxConns are not for it.
	// Default: a strict HTTP/1.1 transport of the handler's own.
	Transport http.RoundTripper

	// TLS configures connections to https origins. Default: the system's roots
	// and TLS 1.2 or later.
	TLS *tls.Config

	// HTTP2 offers HTTP/2 to https origins.
	HTTP2 bool

	// MaxConns bounds the connections to one origin. Beyond it requests wait
	// for at most 10 s, and are then answered 503. Default 0: no bound.
	MaxConns int

	// Balance chooses among the origins that are not failing. Default RoundRobin.
	Balance Balance

	// Host says what Host field the origin sees. Default HostOrigin.
	Host HostPolicy
	// HostName is sent as Host when Host is HostFixed.
	HostName string

	// Name is the proxy's pseudonym in Via, CDN-Loop and Proxy-Status. A
	// request that has passed a proxy of this name is refused as a loop (508),
	// so two proxies in one chain need two names. A token that begins with a
	// letter. Default "freshet".
	Name string

	// Trusted are the networks of the proxies in front of this one. From them,
	// Forwarded and X-Forwarded-* are kept and continued; from everybody else
	// these, and X-Real-IP, are dropped and made anew. A client on a Unix
	// socket has no address and is not trusted. Default none.
	Trusted []netip.Prefix

	// ConnectTimeout is the time for connecting to an origin, and once more for
	// the handshake of TLS. Default 5 s. Then: the next origin, or 504.
	ConnectTimeout time.Duration
	// HeadTimeout is the time from the end of a request until the head of its
	// answer. Default 60 s; negative means no limit. Then: 504.
	HeadTimeout time.Duration
	// BodyTimeout is the longest pause in an answer's body. Default 60 s;
	// negative means no limit. Then: the client's answer is cut.
	BodyTimeout time.Duration
	// UpgradeIdle is the longest time in which neither side of an upgraded
	// connection (a WebSocket) sends anything. Default 10 min; negative means
	// no limit. Then: both connections are closed.
	UpgradeIdle time.Duration

	// Retries is how many further origins are asked when one could not be
	// connected to, or ended the connection of an idempotent request before it
	// answered. Default 1; negative means none. A request whose body has begun
	// to be read is never sent again.
	Retries int

	// MaxFails is how many failures in a row (no connection, or no answer in
	// time) take an origin out for FailTimeout; one request then tries it
	// again. Default 3; negative means that none is ever taken out.
	MaxFails int
	// FailTimeout is how long an origin is left alone. Default 10 s. When all
	// are, the answer is 503 with Retry-After.
	FailTimeout time.Duration

	// Sign signs each request for its origin (RFC 9421). A body without a
	// Content-Digest by sha-256 or sha-512 is kept aside for that until all of it
	// has come: in memory up to 64 KiB, then in a file; beyond 256 MiB: 413. The
	// files of all such bodies of the handler have 1 GiB; beyond it: 503. What a
	// client has signed stays. Default nil: nothing is signed.
	Sign *signing.Signer

	// ShowNextHop names the origin in the Proxy-Status field of errors.
	ShowNextHop bool

	// Words returns what the error page says when there is no answer to a
	// request, or it is not passed on. nil means the sentence and the remedy of
	// the rule.
	Words func(r *http.Request, e *Error) string

	// ErrorLog is told when an origin is taken out and when it is back.
	// Default slog.Default().
	ErrorLog *slog.Logger

	// Now is the clock of MaxFails and FailTimeout. Default time.Now.
	Now func() time.Time
}

// Balance is a way to choose among origins.
type Balance uint8

const (
	RoundRobin       Balance = iota // each in its turn
	LeastConnections                // the one with the fewest requests under way
	HashClient                      // by the client's address: a client keeps its origin
	HashURL                         // by path and query: an address keeps its origin

	numBalances
)

// HostPolicy says which Host field an origin gets.
type HostPolicy uint8

const (
	HostOrigin HostPolicy = iota // the origin's own host and port; localhost for a Unix socket
	HostClient                   // what the client sent
	HostFixed                    // Options.HostName

	numHostPolicies
)

const defaultName = "freshet"

// check completes o with the defaults and returns all its faults at once.
func (o *Options) check() error {
	var faults []error
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	if o.Forward != (len(o.Origins) == 0) {
		fault("name at least one origin, or none and Forward")
	}
	if o.Name == "" {
		o.Name = defaultName
	}
	// A name has to be a pseudonym in Via (RFC 9110 §7.6.3) and a token in
	// Proxy-Status, which begins with a letter (RFC 8941 §3.3.4).
	if c := o.Name[0] | 0x20; !field.IsToken(o.Name) || c < 'a' || c > 'z' {
		fault("name %q is not a token that begins with a letter", o.Name)
	}
	if o.Balance >= numBalances {
		fault("balance %d is none of the constants", o.Balance)
	}
	switch {
	case o.Host >= numHostPolicies:
		fault("host policy %d is none of the constants", o.Host)
	case o.Host == HostFixed && (o.HostName == "" || !wire.ValidHost(o.HostName)):
		fault("host name %q is not a host and an optional port", o.HostName)
	case o.Host != HostFixed && o.HostName != "":
		fault("host name %q is set, but Host is not HostFixed", o.HostName)
	}
	for _, p := range o.Trusted {
		if !p.IsValid() {
			fault("a trusted network is not valid")
		}
	}
	if o.ConnectTimeout < 0 || o.FailTimeout < 0 || o.MaxConns < 0 {
		fault("ConnectTimeout, FailTimeout and MaxConns must not be negative")
	}
	o.ConnectTimeout = orDefault(o.ConnectTimeout, 5*time.Second)
	o.HeadTimeout = orDefault(o.HeadTimeout, 60*time.Second)
	o.BodyTimeout = orDefault(o.BodyTimeout, 60*time.Second)
	o.UpgradeIdle = orDefault(o.UpgradeIdle, 10*time.Minute)
	o.FailTimeout = orDefault(o.FailTimeout, 10*time.Second)
	o.Retries = orDefault(o.Retries, 1)
	o.MaxFails = orDefault(o.MaxFails, 3)
	if o.Forward {
		o.MaxFails = 0
	}
	if o.ErrorLog == nil {
		o.ErrorLog = slog.Default()
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return errors.Join(faults...)
}

// orDefault is the house's rule for limits: zero means the default, negative
// means none, which the code below writes as 0.
func orDefault[T int | time.Duration](v, def T) T {
	switch {
	case v == 0:
		return def
	case v < 0:
		return 0
	}
	return v
}
