package config

import (
	"net/netip"
	"slices"
	"time"
)

// Filter is what the command line of freshet filter says.
type Filter struct {
	Server
	Forward
	Caching
	Store
	Given []Setting
}

// Forward is what a forward proxy is told.
type Forward struct {
	Clients       []netip.Prefix
	Users         string
	Ports         []string
	AllowPrivate  bool
	Destinations  []netip.Prefix
	Parents       []string
	Name          string
	MaxTunnels    int64
	TunnelTimeout time.Duration
	Inspecting
	Listing
	Policies
}

// accessRows say who may use the forward proxy, and to go where.
var accessRows = []Flag{
	{Name: "client", Kind: Prefix, Value: "PREFIX", Repeat: true, Group: groupAccess, Example: "192.168.1.0/24",
		Doc:   "Addresses of clients that may use the proxy. Others: 403. Unset: those of this machine.",
		field: func(s *sections) any { return &s.forward.Clients }},
	{Name: "users", Kind: FilePath, Value: "FILE", Group: groupAccess, Example: "users",
		Doc:   "File with a line name:password for each user; requests without the credentials of one are answered 407. The file must not be readable by others. Passwords are taken over TLS and from this machine only.",
		field: func(s *sections) any { return &s.forward.Users }},
	{Name: "port", Kind: Text, Value: "N", Repeat: true, Group: groupAccess, Example: "8443",
		Doc:   "Port that requests and tunnels may go to, besides 80, 443 and 1024 and more for requests, and 443 for tunnels. Others: 403.",
		field: func(s *sections) any { return &s.forward.Ports }},
	{Name: "allow-private", Kind: Switch, Group: groupAccess,
		Doc:   "Let requests go to private addresses, and to this machine. Without it: 403.",
		field: func(s *sections) any { return &s.forward.AllowPrivate }},
	{Name: "allow-destination", Kind: Prefix, Value: "PREFIX", Repeat: true, Group: groupAccess, Example: "10.1.0.0/16",
		Doc:   "Addresses that requests may go to although they are private.",
		field: func(s *sections) any { return &s.forward.Destinations }},
	{Name: "parent", Kind: Text, Value: "[HOST=]URL", Repeat: true, Group: groupAccess, Example: "http://127.0.0.1:3129",
		Doc:   "Proxy to go through: http://, https://, socks5:// (names are looked up here) or socks5h:// (there), with user:password@ where it wants them, or direct. HOST= in front (example.com, .example.com with all below it) makes it one for these hosts. Several for the same hosts are tried in order.",
		field: func(s *sections) any { return &s.forward.Parents }},
	{Name: "proxy-name", Kind: Pseudonym, Value: "NAME", Group: groupAccess, Example: "office",
		Doc:   "What this proxy is called in Via, Cache-Status and Proxy-Status. A request that has passed a proxy of this name is refused as a loop (508). Unset: freshet- and a number made of the machine's name and the first address that it listens on.",
		field: func(s *sections) any { return &s.forward.Name }},
	{Name: "max-tunnels", Kind: Number, Value: "N", Default: "4096", Min: 1, Max: 1e6, Unit: "tunnels", Group: groupAccess,
		Doc:   "Tunnels (CONNECT) at once. Beyond it: 503.",
		field: func(s *sections) any { return &s.forward.MaxTunnels }},
	{Name: "tunnel-timeout", Kind: Duration, Value: "TIME", Default: "10m", Min: second / 100, Max: 30 * day, Group: groupAccess,
		Doc:   "Longest time in which neither side of a tunnel sends anything. Then it is closed.",
		field: func(s *sections) any { return &s.forward.TunnelTimeout }},
}

// filterAddresses are addressFlags with an address of this machine for the
// default: a proxy is for whom it was opened.
var filterAddresses = func() []Flag {
	rows := slices.Clone(addressFlags)
	i := slices.IndexFunc(rows, func(f Flag) bool { return f.Name == "listen" })
	rows[i].Default = "127.0.0.1:3128"
	return rows
}()

// ParseFilter parses what follows "freshet filter" and the environment. Its
// error is ErrHelp or Faults.
func ParseFilter(args, environ []string) (*Filter, error) {
	c := &Filter{}
	p := newParser("filter")
	if err := p.read(args, environ); err != nil {
		return nil, err
	}
	if len(p.operands) > 0 {
		p.fault("%q: the filter takes no operand; name a list with --list", p.operands[0])
	}
	p.store(&sections{server: &c.Server, forward: &c.Forward, caching: &c.Caching, store: &c.Store})
	c.Given = p.list()
	p.checkServer(&c.Server)
	p.checkCertificate(&c.Server)
	p.checkCaching(&c.Caching)
	p.checkStore(&c.Store)
	p.checkEncrypt(&c.Server, c.Data, len(c.Inspect) > 0)
	if len(p.faults) > 0 {
		return nil, p.faults
	}
	return c, nil
}
