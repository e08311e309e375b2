package outbound

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"time"
)

// Guard decides to which addresses connections may be made. A name is resolved
// once for each connection, every address that came of it is looked at, and
// what was looked at is what is dialled: no second answer of DNS leads
// elsewhere. The zero value permits public addresses only (see NotPublic).
// Fields must not change after first use; all methods may be called by many
// goroutines.
type Guard struct {
	// Allow permits addresses that are not public ones.
	Allow []netip.Prefix

	// AllowPrivate permits every address: loopback, private, link-local and
	// reserved ones, too.
	AllowPrivate bool

	// Resolve returns the addresses of a name; nil means the system's resolver.
	Resolve func(ctx context.Context, host string) ([]netip.Addr, error)

	// Dial connects to an address, never to a name, and returns when ctx is
	// done; nil means a net.Dialer.
	Dial func(ctx context.Context, network, addr string) (net.Conn, error)

	// Stagger is how long an attempt has before the next address is tried
	// beside it (RFC 8305 §5). 0 means 250 ms.
	Stagger time.Duration
}

// maxAddrs bounds the addresses of a name that are tried. All are looked at.
const maxAddrs = 16

// ProhibitedError says that a Guard refuses a host.
type ProhibitedError struct {
	Host string
	Addr netip.Addr // the first address that is refused; zero if Host is refused as a name
	What string     // what it is, as "a loopback address"
}

// Error implements error.
func (e *ProhibitedError) Error() string {
	if !e.Addr.IsValid() || e.Host == e.Addr.String() {
		return e.Host + " is " + e.What
	}
	return fmt.Sprintf("%s is %v, %s", e.Host, e.Addr, e.What)
}

// DialContext connects to the first permitted address of host:port that takes
// the connection. Without one the error is a *ProhibitedError.
func (g *Guard) DialContext(ctx context.Context, network, hostport string) (net.Conn, error) {
	return g.dial(ctx, g.Dial, network, hostport)
}

// dial is DialContext with another Dial.
func (g *Guard) dial(ctx context.Context, dial dialFunc, network, hostport string) (net.Conn, error) {
	host, port, err := net.SplitHostPort(hostport)
	if err != nil {
		return nil, err
	}
	addrs, err := g.Lookup(ctx, host)
	if err != nil {
		return nil, err
	}
	if dial == nil {
		dial = new(net.Dialer).DialContext
	}
	addrs = alternate(addrs)
	return race(ctx, len(addrs), g.stagger(), func(ctx context.Context, i int) (net.Conn, error) {
		return dial(ctx, network, net.JoinHostPort(addrs[i].String(), port))
	})
}

func (g *Guard) stagger() time.Duration {
	if g.Stagger > 0 {
		return g.Stagger
	}
	return defaultStagger
}

// Lookup returns the permitted addresses of a host, at least one and at most
// 16, in the resolver's order. Without one the error is a *ProhibitedError.
func (g *Guard) Lookup(ctx context.Context, host string) ([]netip.Addr, error) {
	addrs, err := g.resolve(ctx, host)
	if err != nil {
		return nil, err
	}
	var refused *ProhibitedError
	var permitted []netip.Addr
	for _, a := range addrs {
		a = a.Unmap()
		if what := g.Refusal(a); what == "" {
			permitted = append(permitted, a)
		} else if refused == nil {
			refused = &ProhibitedError{host, a, what}
		}
	}
	switch {
	case len(permitted) > 0:
		return permitted[:min(len(permitted), maxAddrs)], nil
	case refused != nil:
		return nil, refused
	}
	return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
}

func (g *Guard) resolve(ctx context.Context, host string) ([]netip.Addr, error) {
	if a, err := netip.ParseAddr(host); err == nil {
		return []netip.Addr{a}, nil
	}
	if g.Resolve != nil {
		return g.Resolve(ctx, host)
	}
	return net.DefaultResolver.LookupNetIP(ctx, "ip", host)
}

// Refusal says what an address is that is not permitted, "" if it is.
func (g *Guard) Refusal(a netip.Addr) string {
	if g.AllowPrivate {
		return ""
	}
	a = a.WithZone("").Unmap()
	v4, carries := carried(a)
	for _, p := range g.Allow {
		if p.Contains(a) || carries && p.Contains(v4) {
			return ""
		}
	}
	return NotPublic(a)
}

// checkName looks at a host that somebody else will resolve: what can be known
// of it without is whether it is an address, in whatever form, or the name that
// every host has for itself (RFC 6761 §6.3).
func (g *Guard) checkName(host string) error {
	if g.AllowPrivate {
		return nil
	}
	bare := strings.TrimSuffix(strings.Trim(host, "[]"), ".")
	if a, err := netip.ParseAddr(bare); err == nil {
		if what := g.Refusal(a); what != "" {
			return &ProhibitedError{host, a, what}
		}
		return nil
	}
	last := strings.ToLower(bare[strings.LastIndexByte(bare, '.')+1:])
	switch {
	case last == "localhost":
		return &ProhibitedError{Host: host, What: "a name of the host itself"}
	case last == "" || last[0]-'0' <= 9:
		// 127.1, 0x7f000001: no top-level domain begins with a digit.
		return &ProhibitedError{Host: host, What: "no name, and no address in the usual form"}
	}
	return nil
}

// alternate makes the families of addresses alternate, the first one's first
// (RFC 8305 §4), so that a family without a route costs one attempt.
func alternate(addrs []netip.Addr) []netip.Addr {
	var first, second []netip.Addr
	for _, a := range addrs {
		if a.Is4() == addrs[0].Is4() {
			first = append(first, a)
		} else {
			second = append(second, a)
		}
	}
	mixed := make([]netip.Addr, 0, len(addrs))
	for i := range first {
		mixed = append(mixed, first[i])
		if i < len(second) {
			mixed = append(mixed, second[i])
		}
	}
	if len(second) > len(first) {
		mixed = append(mixed, second[len(first):]...)
	}
	return mixed
}
