package check

import (
	"context"
	"fmt"
	"net"
	"net/netip"
)

// notPublic are the ranges, besides those that package netip names, that are
// not addresses of public servers (RFC 6890 and its registries).
var notPublic = []struct {
	prefix netip.Prefix
	what   string
}{
	{netip.MustParsePrefix("0.0.0.0/8"), "an address of this network"},
	{netip.MustParsePrefix("100.64.0.0/10"), "a shared address"},
	{netip.MustParsePrefix("192.0.0.0/24"), "a reserved address"},
	{netip.MustParsePrefix("192.0.2.0/24"), "an address for documentation"},
	{netip.MustParsePrefix("192.88.99.0/24"), "a reserved address"},
	{netip.MustParsePrefix("198.18.0.0/15"), "an address for benchmarks"},
	{netip.MustParsePrefix("198.51.100.0/24"), "an address for documentation"},
	{netip.MustParsePrefix("203.0.113.0/24"), "an address for documentation"},
	{netip.MustParsePrefix("240.0.0.0/4"), "a reserved address"},
	{netip.MustParsePrefix("64:ff9b:1::/48"), "a local address of a translator"},
	{netip.MustParsePrefix("100::/64"), "a reserved address"},
	{netip.MustParsePrefix("2001::/23"), "a reserved address"},
	{netip.MustParsePrefix("2001:db8::/32"), "an address for documentation"},
	{netip.MustParsePrefix("3fff::/20"), "an address for documentation"},
	{netip.MustParsePrefix("5f00::/16"), "a reserved address"},
	{netip.MustParsePrefix("fec0::/10"), "a site-local address"},
}

// Prefixes of IPv6 whose addresses lead to the IPv4 address that they carry:
// the translators of RFC 6052, and 6to4.
var (
	translated = netip.MustParsePrefix("64:ff9b::/96")
	sixToFour  = netip.MustParsePrefix("2002::/16")
	compatible = netip.MustParsePrefix("::/96")
)

// private says what an address is that is not a public one; "" if it is one.
func private(a netip.Addr) string {
	a = a.WithZone("").Unmap()
	switch {
	case !a.IsValid():
		return "no address"
	case a.IsUnspecified():
		return "the unspecified address"
	case a.IsLoopback():
		return "a loopback address"
	case a.IsPrivate():
		return "a private address"
	case a.IsLinkLocalUnicast():
		return "a link-local address"
	case a.IsMulticast():
		return "a multicast address"
	}
	for _, r := range notPublic {
		if r.prefix.Contains(a) {
			return r.what
		}
	}
	if a.Is6() {
		b := a.As16()
		switch {
		case translated.Contains(a), compatible.Contains(a):
			return private(netip.AddrFrom4([4]byte(b[12:])))
		case sixToFour.Contains(a):
			return private(netip.AddrFrom4([4]byte(b[2:6])))
		}
	}
	return ""
}

// An addressError says that the address policy refuses a host.
type addressError struct {
	host string
	addr netip.Addr
	what string
}

func (e *addressError) Error() string {
	if e.host == e.addr.String() {
		return fmt.Sprintf("%s is %s, and only public ones are checked here", e.host, e.what)
	}
	return fmt.Sprintf("%s is %v, %s, and only public ones are checked here", e.host, e.addr, e.what)
}

// dial connects to host:port under the address policy.
func (o *Options) dial(ctx context.Context, hostport string) (net.Conn, error) {
	dial := o.Dial
	if dial == nil {
		dial = (&net.Dialer{}).DialContext
	}
	if !o.Public {
		return dial(ctx, "tcp", hostport)
	}
	host, port, err := net.SplitHostPort(hostport)
	if err != nil {
		return nil, err
	}
	addrs, err := o.resolve(ctx, host)
	if err != nil {
		return nil, err
	}
	// One address that is not public is enough to refuse: a name that has
	// both kinds is no accident.
	for _, a := range addrs {
		if what := private(a); what != "" {
			return nil, &addressError{host, a, what}
		}
	}
	for _, a := range addrs {
		var c net.Conn
		if c, err = dial(ctx, "tcp", net.JoinHostPort(a.Unmap().String(), port)); err == nil {
			return c, nil
		}
	}
	return nil, err
}

// resolve returns at least one address.
func (o *Options) resolve(ctx context.Context, host string) ([]netip.Addr, error) {
	if a, err := netip.ParseAddr(host); err == nil {
		return []netip.Addr{a}, nil
	}
	resolve := o.Resolve
	if resolve == nil {
		resolve = func(ctx context.Context, host string) ([]netip.Addr, error) {
			return net.DefaultResolver.LookupNetIP(ctx, "ip", host)
		}
	}
	addrs, err := resolve(ctx, host)
	if err == nil && len(addrs) == 0 {
		err = &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
	}
	return addrs, err
}
