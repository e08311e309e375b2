package app

import (
	"context"
	"net"
	"net/netip"
	"net/url"
	"strings"

	"freshet/internal/outbound"
)

// getProxies says which proxy an address is reached by.
type getProxies struct {
	http, https *outbound.Parent // nil for none
	except      []string         // hosts that are reached without one
}

// proxies returns what --proxy and the environment say; nil for no proxy.
func (g *getting) proxies() (*getProxies, error) {
	c := g.conf
	find := func(names ...string) string {
		for _, name := range names {
			if v := g.env.variable(name); v != "" {
				return v
			}
		}
		return ""
	}
	// HTTP_PROXY is not looked at: in a CGI program it is a field of a request.
	p := &getProxies{}
	texts := [2]string{find("http_proxy", "all_proxy", "ALL_PROXY"), find("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY")}
	if c.ProxySet {
		texts = [2]string{c.Proxy, c.Proxy}
	}
	for i, to := range []**outbound.Parent{&p.http, &p.https} {
		if texts[i] == "" {
			continue
		}
		parent, err := outbound.ParseParent(withLogin(texts[i], c.ProxyUser))
		if err != nil {
			return nil, &getFault{getProxyUnknown, err}
		}
		*to = parent
	}
	if p.http == nil && p.https == nil {
		return nil, nil
	}
	list := c.NoProxy
	if !c.NoProxySet {
		list = find("no_proxy", "NO_PROXY")
	}
	p.except = strings.FieldsFunc(list, func(r rune) bool { return r == ',' || r == ' ' || r == '\t' })
	return p, nil
}

// withLogin puts user:password into the address of a proxy.
func withLogin(proxy, login string) string {
	if login == "" {
		return proxy
	}
	scheme, rest, ok := strings.Cut(proxy, "://")
	if !ok {
		scheme, rest = "http", proxy
	}
	if i := strings.LastIndexByte(rest, '@'); i >= 0 {
		rest = rest[i+1:]
	}
	user, password, has := strings.Cut(login, ":")
	info := url.User(user)
	if has {
		info = url.UserPassword(user, password)
	}
	return scheme + "://" + info.String() + "@" + rest
}

// parents is for outbound.Transport.
func (p *getProxies) parents(_ context.Context, scheme, hostport string) ([]*outbound.Parent, error) {
	host, port, err := net.SplitHostPort(hostport)
	if err != nil || exceptFrom(p.except, host, port) {
		return nil, nil
	}
	parent := p.http
	if scheme == "https" {
		parent = p.https
	}
	if parent == nil {
		return nil, nil
	}
	return []*outbound.Parent{parent}, nil
}

// exceptFrom reports whether a list like no_proxy has a host: "*" is all, a name
// is that and what is below it, an address is that one, and a prefix has the
// addresses in it.
func exceptFrom(list []string, host, port string) bool {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	addr, noAddr := netip.ParseAddr(host)
	for _, entry := range list {
		if entry == "*" {
			return true
		}
		name := strings.ToLower(entry)
		if h, p, err := net.SplitHostPort(name); err == nil {
			if p != port {
				continue
			}
			name = h
		}
		name = strings.Trim(name, "[]")
		if noAddr == nil {
			if prefix, err := netip.ParsePrefix(name); err == nil && prefix.Contains(addr.Unmap()) {
				return true
			}
			if a, err := netip.ParseAddr(name); err == nil && a.Unmap() == addr.Unmap() {
				return true
			}
			continue
		}
		name = strings.TrimSuffix(strings.TrimPrefix(name, "."), ".")
		if name != "" && (host == name || strings.HasSuffix(host, "."+name)) {
			return true
		}
	}
	return false
}
