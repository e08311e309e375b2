package outbound

import (
	"net"
	"net/url"
	"strings"
)

// PortOf returns the port of an http or https URL, that of its scheme when it
// names none.
func PortOf(u *url.URL) string {
	switch port := u.Port(); {
	case port != "":
		return port
	case u.Scheme == "https":
		return "443"
	}
	return "80"
}

// HostPort returns host:port of an http or https URL, for dialling.
func HostPort(u *url.URL) string { return net.JoinHostPort(u.Hostname(), PortOf(u)) }

// SameOrigin compares scheme, host and port of http or https URLs
// (RFC 9110 §4.3.1).
func SameOrigin(a, b *url.URL) bool {
	return a.Scheme == b.Scheme && strings.EqualFold(a.Hostname(), b.Hostname()) && PortOf(a) == PortOf(b)
}
