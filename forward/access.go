package forward

import (
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"freshet/internal/rule"
)

// access says who may use the proxy, and to which ports. Where a name leads is
// not known here: that is decided when it is dialled.
type access struct {
	clients []netip.Prefix
	logins  *logins
	ports   []int
}

var loopback = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}

func newAccess(o *Options) access {
	a := access{clients: o.Clients, logins: newLogins(o), ports: o.Ports}
	if len(a.clients) == 0 {
		a.clients = loopback
	}
	return a
}

// refuses returns why a request may not be made, 0 when it may.
func (a *access) refuses(r *http.Request) rule.ID {
	from, local := addressOf(r)
	if !local && !contains(a.clients, from) {
		return rule.FilterClient
	}
	if id := a.refusesLogin(r, from, local || from.IsLoopback()); id != 0 {
		return id
	}
	if !a.allowsPort(r) {
		return rule.FilterPort
	}
	return 0
}

// refusesLogin wants the credentials of a user where there are users.
func (a *access) refusesLogin(r *http.Request, from netip.Addr, private bool) rule.ID {
	if a.logins.login == nil {
		return 0
	}
	given := r.Header.Get("Proxy-Authorization")
	if given == "" {
		return rule.FilterLogin
	}
	if r.TLS == nil && !private {
		return rule.FilterLoginPlain
	}
	basic := http.Request{Header: http.Header{"Authorization": {given}}}
	name, password, ok := basic.BasicAuth()
	if !ok {
		return rule.FilterLogin
	}
	return a.logins.refuses(from, name, password)
}

// allowsPort reports whether requests may go to the port of this one. Tunnels
// carry anything, so that they go to where TLS is spoken alone: through others,
// mail is sent (RFC 9110 §9.3.6).
func (a *access) allowsPort(r *http.Request) bool {
	port, ok := portOf(r)
	return ok && a.allows(port, r.Method == http.MethodConnect)
}

func (a *access) allows(port int, tunnel bool) bool {
	switch {
	case slices.Contains(a.ports, port):
		return true
	case tunnel:
		return port == 443
	}
	return port == 80 || port == 443 || port >= 1024
}

// portOf returns the port that a request goes to.
func portOf(r *http.Request) (int, bool) {
	host := r.URL.Host
	_, port, err := net.SplitHostPort(host)
	if err != nil || port == "" {
		if r.URL.Scheme == "https" {
			return 443, true
		}
		return 80, r.Method != http.MethodConnect
	}
	n, err := strconv.ParseUint(port, 10, 16)
	return int(n), err == nil && n > 0
}

// addressOf returns the client's address. A client on a Unix socket has none.
func addressOf(r *http.Request) (addr netip.Addr, local bool) {
	ap, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}, r.RemoteAddr == "" || r.RemoteAddr == "@" || strings.HasPrefix(r.RemoteAddr, "/")
	}
	return ap.Addr().Unmap().WithZone(""), false
}

func contains(networks []netip.Prefix, a netip.Addr) bool {
	return slices.ContainsFunc(networks, func(p netip.Prefix) bool { return p.Contains(a) })
}
