package wire

import (
	"net/netip"
	"strings"
)

// ValidHost reports whether s is the value of a Host field, or the authority
// of a target: host [ ":" port ] (RFC 9110 §7.2, RFC 3986 §3.2.2).
//
// The host is a name with valid percent-encodings, which takes in IPv4, or
// "[" IPv6 or IPvFuture "]"; zones are refused. The port is empty or a number
// up to 65535. There is no user information. The empty string is valid: it is
// what a client sends whose target has no authority (RFC 9110 §7.2).
//
// Two departures from the letter of the grammar, both to refuse more: a comma
// in a name (it is what joining two Host lines leaves behind) and a port
// without a host.
func ValidHost(s string) bool {
	if s == "" {
		return true
	}
	_, ok := splitHost(s)
	return ok
}

// WithoutPort returns the host of host ":" port, without the brackets of an IPv6
// address: what net.SplitHostPort makes of it. What has no port, or is malformed,
// comes back as it is.
func WithoutPort(hostport string) string {
	i := strings.LastIndexByte(hostport, ':')
	if i < 0 {
		return hostport
	}
	host, bare := hostport[:i], hostport[:i]
	if n := len(host); n > 1 && host[0] == '[' && host[n-1] == ']' {
		bare = host[1 : n-1]
	} else if strings.IndexByte(host, ':') >= 0 {
		return hostport
	}
	if strings.ContainsAny(bare, "[]") || strings.ContainsAny(hostport[i:], "[]") {
		return hostport
	}
	return bare
}

// HostName returns the name in a Host field: without the port, and without a dot
// at its end. An IPv6 address keeps its brackets.
func HostName(host string) string {
	if i := strings.LastIndexByte(host, ':'); i >= 0 && strings.IndexByte(host[i:], ']') < 0 {
		host = host[:i]
	}
	return strings.TrimSuffix(host, ".")
}

// splitHost returns the port of a host that is not empty, "" without one.
func splitHost(s string) (port string, ok bool) {
	if s != "" && s[0] == '[' {
		end := strings.IndexByte(s, ']')
		if end < 0 || !validLiteral(s[1:end]) {
			return "", false
		}
		return splitPort(s, end+1)
	}
	i := 0
	for ; i < len(s); i++ {
		c := s[i]
		if class[c]&regNameByte != 0 {
			continue
		}
		if c != '%' {
			break
		}
		if len(s)-i < 3 || class[s[i+1]]&class[s[i+2]]&hexByte == 0 {
			return "", false
		}
	}
	if i == 0 {
		return "", false
	}
	return splitPort(s, i)
}

func splitPort(s string, i int) (port string, ok bool) {
	if i == len(s) {
		return "", true
	}
	if s[i] != ':' {
		return "", false
	}
	port = s[i+1:]
	n := 0
	for j := range len(port) {
		d := port[j] - '0'
		if d > 9 {
			return "", false
		}
		if n = n*10 + int(d); n > 65535 {
			return "", false
		}
	}
	return port, true
}

// validLiteral reports whether s may stand in the brackets of an IP-literal.
func validLiteral(s string) bool {
	if s == "" {
		return false
	}
	if lower(s[0]) == 'v' {
		// IPvFuture = "v" 1*HEXDIG "." 1*( unreserved / sub-delims / ":" )
		version, address, ok := strings.Cut(s[1:], ".")
		if !ok || !all(version, hexByte) || address == "" {
			return false
		}
		for i := range len(address) {
			if c := address[i]; c != ':' && class[c]&regNameByte == 0 {
				return false
			}
		}
		return true
	}
	// Only the octets of an address reach ParseAddr: no zone, no IPv4 alone.
	colon := false
	for i := range len(s) {
		c := s[i]
		if c == ':' {
			colon = true
		} else if c != '.' && class[c]&hexByte == 0 {
			return false
		}
	}
	if !colon || len(s) > len("ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255") {
		return false
	}
	_, err := netip.ParseAddr(s)
	return err == nil
}
