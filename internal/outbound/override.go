package outbound

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// Overrides send connections elsewhere than where their names lead, as the
// options --resolve, --connect-to and --unix-socket of curl do. Its DialContext
// is a Dial for Transport and others. The zero value changes nothing. It is
// filled first and then used, by many goroutines if need be.
type Overrides struct {
	// Unix is the path of a Unix socket that takes all connections; "" for
	// none. With "@" in front it is a name in the abstract namespace of Linux;
	// a file whose name begins so is written ./@name.
	Unix string

	// Dial makes the connections to addresses and to names that nothing is
	// known about; nil means a net.Dialer.
	Dial func(ctx context.Context, network, addr string) (net.Conn, error)

	resolved map[hostport][]netip.Addr
	moved    []move
}

// hostport is a host in lower case and a port; host "*" is any.
type hostport struct{ host, port string }

// move sends one host and port to others; "" matches, or keeps, any.
type move struct{ from, to hostport }

var errOverride = errors.New("it is not of the form")

// Resolve adds addresses for a host and port, written as for --resolve:
//
//	[+]host:port:address[,address]...
//	-host:port
//
// The host "*" is any that is not named itself. Addresses of IPv6 may stand in
// brackets. "+", which in curl lets the entry age, changes nothing here; "-"
// takes an entry away. A later entry replaces an earlier one.
func (o *Overrides) Resolve(s string) error {
	const form = "[+]host:port:address[,address]..."
	entry, removed := strings.CutPrefix(s, "-")
	if !removed {
		entry = strings.TrimPrefix(entry, "+")
	}
	host, rest, ok := cutHost(entry)
	port, list, listed := strings.Cut(rest, ":")
	if !ok || host == "" || !validPort(port) || listed == removed {
		return fmt.Errorf("read %q: %w %s", s, errOverride, form)
	}
	key := hostport{host, port}
	if removed {
		delete(o.resolved, key)
		return nil
	}
	var addrs []netip.Addr
	for text := range strings.SplitSeq(list, ",") {
		a, err := netip.ParseAddr(strings.Trim(text, "[]"))
		if err != nil {
			return fmt.Errorf("read %q: %w %s", s, errOverride, form)
		}
		addrs = append(addrs, a)
	}
	if o.resolved == nil {
		o.resolved = make(map[hostport][]netip.Addr)
	}
	o.resolved[key] = addrs
	return nil
}

// ConnectTo adds another place for a host and port, written as for --connect-to:
//
//	host1:port1:host2:port2
//
// An empty host1 or port1 is any, an empty host2 or port2 what was asked for.
// The first entry that matches counts; where it leads may be resolved by Resolve.
func (o *Overrides) ConnectTo(s string) error {
	var m move
	from, rest, ok1 := cutHost(s)
	fromPort, rest, ok2 := strings.Cut(rest, ":")
	to, toPort, ok3 := cutHost(rest)
	if !ok1 || !ok2 || !ok3 || fromPort != "" && !validPort(fromPort) || toPort != "" && !validPort(toPort) {
		return fmt.Errorf("read %q: %w host1:port1:host2:port2", s, errOverride)
	}
	m.from, m.to = hostport{from, fromPort}, hostport{to, toPort}
	o.moved = append(o.moved, m)
	return nil
}

// cutHost takes the host before a colon off, in lower case and without brackets.
func cutHost(s string) (host, rest string, ok bool) {
	if strings.HasPrefix(s, "[") {
		host, rest, ok = strings.Cut(s[1:], "]:")
	} else {
		host, rest, ok = strings.Cut(s, ":")
	}
	return strings.ToLower(host), rest, ok
}

func validPort(s string) bool {
	n, err := strconv.ParseUint(s, 10, 16)
	return err == nil && n > 0
}

// DialContext connects to where host:port leads.
func (o *Overrides) DialContext(ctx context.Context, network, addr string) (net.Conn, error) {
	if o.Unix != "" {
		return new(net.Dialer).DialContext(ctx, "unix", o.Unix)
	}
	dial := o.Dial
	if dial == nil {
		dial = new(net.Dialer).DialContext
	}
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	at := o.move(hostport{strings.ToLower(host), port})
	addrs := o.addrs(at)
	if len(addrs) == 0 {
		return dial(ctx, network, net.JoinHostPort(at.host, at.port))
	}
	return race(ctx, len(addrs), defaultStagger, func(ctx context.Context, i int) (net.Conn, error) {
		return dial(ctx, network, net.JoinHostPort(addrs[i].String(), at.port))
	})
}

// move returns where ConnectTo sends a host and port.
func (o *Overrides) move(at hostport) hostport {
	i := slices.IndexFunc(o.moved, func(m move) bool {
		return (m.from.host == "" || m.from.host == at.host) && (m.from.port == "" || m.from.port == at.port)
	})
	if i < 0 {
		return at
	}
	if to := o.moved[i].to; to.host != "" {
		at.host = to.host
	}
	if to := o.moved[i].to; to.port != "" {
		at.port = to.port
	}
	return at
}

// addrs returns what Resolve says about a host and port.
func (o *Overrides) addrs(at hostport) []netip.Addr {
	if addrs := o.resolved[at]; len(addrs) > 0 {
		return addrs
	}
	return o.resolved[hostport{"*", at.port}]
}
