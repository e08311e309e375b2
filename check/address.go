package check

import (
	"context"
	"fmt"
	"net"
	"net/netip"

	"freshet/internal/outbound"
)

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
		if what := outbound.NotPublic(a); what != "" {
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
