package cookierule

import (
	"strings"

	"golang.org/x/net/publicsuffix"
)

// Site returns what cookies and people take for one site: the domain that
// somebody has registered, such as "example.co.uk" for "www.example.co.uk". An
// address, and a name without a registered domain, is its own site. host may
// have a port and a dot at its end.
func Site(host string) string {
	host = Host(host)
	if isAddress(host) || strings.IndexByte(host, '.') < 0 {
		return host
	}
	public, _ := publicsuffix.PublicSuffix(host)
	rest := len(host) - len(public) - 1
	if rest <= 0 {
		return host
	}
	return host[strings.LastIndexByte(host[:rest], '.')+1:]
}

// Host returns a host in the form that rules have: lower case, without a port
// and without a dot at the end.
func Host(hostport string) string {
	host := hostport
	if i := strings.LastIndexByte(host, ':'); i >= 0 && (strings.IndexByte(host, ':') == i || host[i-1] == ']') {
		host = host[:i]
	}
	host = strings.TrimPrefix(strings.TrimSuffix(host, "]"), "[")
	return strings.ToLower(strings.TrimSuffix(host, "."))
}

// isAddress reports whether a host is an IP address: those have no domains above
// them.
func isAddress(host string) bool {
	if host == "" || strings.IndexByte(host, ':') >= 0 {
		return true
	}
	last := host[strings.LastIndexByte(host, '.')+1:]
	return last != "" && strings.Trim(last, "0123456789") == ""
}
