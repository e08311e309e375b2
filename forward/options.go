package forward

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"time"

	"freshet/cache"
	"freshet/internal/field"
)

// Options say what a Handler does. The zero value is a forward proxy for this
// machine, to public addresses, without a cache and without lists.
type Options struct {
	// Clients are the networks that may use the proxy. Default: loopback, and
	// Unix sockets, which always may.
	Clients []netip.Prefix

	// Login, when not nil, says whether a name and a password are those of a
	// user; requests without are answered 407. It must take the same time for
	// all wrong ones, and may be called at the same time. Passwords are taken
	// over TLS and from loopback only. After ten wrong ones of a client (an
	// address, of IPv6 a /64) within ten seconds, or thirty for a name, the next
	// are answered 429 for the rest of these, unlooked at.
	Login func(name, password string) bool

	// Ports are the ports that requests may go to, besides 80, 443 and those
	// from 1024 on; for tunnels besides 443.
	Ports []int

	// AllowPrivate lets requests go to loopback, link-local and private
	// addresses; Destinations are networks that they may go to in any case.
	AllowPrivate bool
	Destinations []netip.Prefix

	// Roots are the authorities that the certificates of servers must lead to; nil
	// means the system's.
	Roots *x509.CertPool

	// Inspect says for which hosts TLS ends here.
	Inspect Inspection

	// Policy says what becomes of cookies, and of fields that tell about the user.
	Policy Policy

	// Store keeps answers; nil means no cache. Caching are further options of
	// the cache; Next, Store, Now and ErrorLog of it are set here.
	Store   *cache.Store
	Caching cache.Options

	// Lists say what is blocked, replaced, hidden or taken off addresses. A file
	// that cannot be read is a fault; an address that cannot be reached is told,
	// and asked again. A list may have 64 MiB. Files are followed; what an address
	// gives is asked for again when the list itself says (Expires), else after
	// ListRefresh (default 24 h), in any case after one hour to 14 days.
	Lists       []ListSource
	ListRefresh time.Duration
	// ListFolder keeps what addresses gave, and allowances; "" means that both end
	// with the Handler.
	ListFolder string
	// ListTransport gets lists; nil means the way of requests, with what they may
	// not reach.
	ListTransport http.RoundTripper
	// Hiding says what style sheets hide in pages. Default HideAll.
	Hiding Hiding
	// Manage, when not nil, returns the address of the page on which people let
	// something pass, for the pages of what is blocked; "" leaves the link out.
	Manage func() string

	// Name is the proxy's pseudonym in Via, Cache-Status and Proxy-Status. A
	// request that has passed a proxy of this name is refused as a loop (508):
	// two proxies in a chain need two names. Default "freshet".
	Name string

	// ConnectTimeout bounds connecting, and the handshake of TLS once more.
	// Default 10 s.
	ConnectTimeout time.Duration
	// HeadTimeout is the time until the head of an answer. Default 60 s.
	HeadTimeout time.Duration
	// BodyTimeout is the longest pause in an answer's body. Default 5 min.
	BodyTimeout time.Duration
	// TunnelIdle is the longest time in which neither side of a tunnel, or of
	// an upgraded connection, sends anything. Default 10 min.
	TunnelIdle time.Duration
	// MaxTunnels bounds the tunnels; beyond it CONNECT is answered 503. Default
	// 4096.
	MaxTunnels int

	// Parents are proxies to go through, with their scheme: http://host:port, https://, socks5://
	// (names are resolved here) or socks5h:// (there), with user:password@
	// where they want them; or "direct". "HOST=" in front makes it one for that
	// host, ".HOST=" for that and all below it; the longest name that fits
	// decides. Several for the same hosts are tried in order while one cannot
	// be reached.
	Parents []string

	// Transport and Dial take the place of the handler's own way to servers:
	// Dial for tunnels, to host:port. Both are to refuse what the options above
	// refuse; they are for tests, and for those who have a way of their own.
	Transport http.RoundTripper
	Dial      func(ctx context.Context, hostport string) (net.Conn, error)

	// ErrorLog gets what an operator should know. Default slog.Default().
	ErrorLog *slog.Logger

	// Now is the time in nanoseconds since 1970; nil means the system's.
	Now func() int64
}

// Check returns all faults of the options that can be told without files and
// servers. New does so, too.
func (o Options) Check() error { return o.check() }

// check completes o with the defaults and returns all its faults at once.
func (o *Options) check() error {
	var faults []error
	if o.Name == "" {
		o.Name = "freshet"
	}
	if !field.IsToken(o.Name) {
		faults = append(faults, fmt.Errorf("name %q is not a token", o.Name))
	}
	for _, p := range append(append([]netip.Prefix(nil), o.Clients...), o.Destinations...) {
		if !p.IsValid() {
			faults = append(faults, errors.New("a network is not valid"))
		}
	}
	for _, p := range o.Ports {
		if p < 1 || p > 65535 {
			faults = append(faults, fmt.Errorf("port %d is none", p))
		}
	}
	for i := range o.Lists {
		faults = append(faults, o.Lists[i].check())
	}
	if o.ListRefresh == 0 {
		o.ListRefresh = defaultRefresh
	}
	if (o.Transport == nil) != (o.Dial == nil) {
		faults = append(faults, errors.New("set Transport and Dial, or neither"))
	}
	for _, d := range []struct {
		value     *time.Duration
		byDefault time.Duration
	}{{&o.ConnectTimeout, 10 * time.Second}, {&o.HeadTimeout, time.Minute}, {&o.BodyTimeout, 5 * time.Minute}, {&o.TunnelIdle, 10 * time.Minute}} {
		if *d.value == 0 {
			*d.value = d.byDefault
		}
		if *d.value < 0 {
			faults = append(faults, errors.New("a time limit is negative"))
		}
	}
	faults = append(faults, o.Inspect.check())
	if _, err := parseParents(o.Parents); err != nil {
		faults = append(faults, err)
	}
	if _, err := o.Policy.compile(); err != nil {
		faults = append(faults, err)
	}
	if o.MaxTunnels == 0 {
		o.MaxTunnels = 4096
	}
	if o.MaxTunnels < 0 {
		faults = append(faults, errors.New("MaxTunnels is negative"))
	}
	if o.ErrorLog == nil {
		o.ErrorLog = slog.Default()
	}
	if o.Now == nil {
		o.Now = func() int64 { return time.Now().UnixNano() }
	}
	return errors.Join(faults...)
}
