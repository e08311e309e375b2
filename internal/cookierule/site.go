package cookierule

import (
	"strings"

	"freshet/internal/site"
)

// Site returns what cookies and people take for one site: the domain that
// somebody has registered, such as "example.co.uk" for "www.example.co.uk". An
// address, and a name without a registered domain, is its own site. host may
// have a port and a dot at its end.
func Site(host string) string {
	return site.Of(Host(host))
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
