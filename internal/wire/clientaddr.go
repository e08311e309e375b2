package wire

import (
	"net/netip"
	"strings"
)

// ClientAddr returns the address of the first hop, seen from here, that is not a
// trusted proxy: that of the connection, or one that a trusted proxy wrote into
// X-Forwarded-For, of which lines are given; with a port, too, as some write it.
// What is no address there ends the search: the last proxy that is known counts
// then. It allocates nothing for what can be read.
func ClientAddr(peer netip.Addr, trusted []netip.Prefix, lines []string) netip.Addr {
	addr, _ := ToldClient(peer, trusted, lines)
	return addr
}

// ToldClient is ClientAddr for those who decide by the address: known is false when
// a trusted proxy wrote something that is no address, so that the one that is
// returned is the proxy's.
func ToldClient(peer netip.Addr, trusted []netip.Prefix, lines []string) (addr netip.Addr, known bool) {
	addr, _, known = toldHops(peer, trusted, lines)
	return addr, known
}

// ToldElement returns which of n elements of another list that proxies add to, such as
// X-Forwarded-Proto, the farthest trusted proxy has written: as many from its end as
// ToldClient reads of lines. Of a list that is shorter that is the first one: some
// proxies replace what came. n is not 0, and the peer is trusted.
func ToldElement(peer netip.Addr, trusted []netip.Prefix, lines []string, n int) int {
	_, hops, _ := toldHops(peer, trusted, lines)
	return max(n-max(hops, 1), 0)
}

// toldHops is ToldClient; hops is how many elements were looked at.
func toldHops(peer netip.Addr, trusted []netip.Prefix, lines []string) (addr netip.Addr, hops int, known bool) {
	addr = peer
	for i := len(lines) - 1; i >= 0; i-- {
		for rest, more := lines[i], true; more; {
			if !Within(trusted, addr) {
				return addr, hops, true
			}
			hop := rest
			at := strings.LastIndexByte(rest, ',')
			if more = at >= 0; more {
				rest, hop = rest[:at], rest[at+1:]
			}
			hops++
			next, ok := hopAddr(strings.Trim(hop, " \t"))
			if !ok {
				return addr, hops, false
			}
			addr = next
		}
	}
	return addr, hops, true
}

// hopAddr reads an address of X-Forwarded-For: ADDRESS, IPV4:PORT, [IPV6] or
// [IPV6]:PORT.
func hopAddr(s string) (netip.Addr, bool) {
	host, bracketed := s, strings.HasPrefix(s, "[")
	switch first := strings.IndexByte(s, ':'); {
	case bracketed:
		end := strings.IndexByte(s, ']')
		if end < 0 || s[end+1:] != "" && !isPort(s[end+1:]) {
			return netip.Addr{}, false
		}
		host = s[1:end]
	case first >= 0 && strings.IndexByte(s[first+1:], ':') < 0:
		if !isPort(s[first:]) {
			return netip.Addr{}, false
		}
		host = s[:first]
	}
	a, err := netip.ParseAddr(host)
	if err != nil || bracketed && a.Is4() {
		return netip.Addr{}, false
	}
	return a.Unmap().WithZone(""), true
}

// isPort reports whether s is a colon and a port.
func isPort(s string) bool {
	if len(s) < 2 || len(s) > 6 || s[0] != ':' {
		return false
	}
	n := 0
	for _, c := range []byte(s[1:]) {
		if c < '0' || c > '9' {
			return false
		}
		n = 10*n + int(c-'0')
	}
	return n <= 65535
}

// Within reports whether an address is in one of the prefixes.
func Within(prefixes []netip.Prefix, a netip.Addr) bool {
	for _, p := range prefixes {
		if p.Contains(a) {
			return true
		}
	}
	return false
}
