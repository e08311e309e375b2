package wire

import (
	"net/netip"
	"strings"
)

// ClientAddr returns the address of the first hop, seen from here, that is not a
// trusted proxy: that of the connection, or one that a trusted proxy wrote into
// X-Forwarded-For, of which lines are given. What is no address there ends the
// search: the last proxy that is known counts then. It allocates nothing.
func ClientAddr(peer netip.Addr, trusted []netip.Prefix, lines []string) netip.Addr {
	addr := peer
	for i := len(lines) - 1; i >= 0; i-- {
		for rest, more := lines[i], true; more; {
			if !Within(trusted, addr) {
				return addr
			}
			hop := rest
			at := strings.LastIndexByte(rest, ',')
			if more = at >= 0; more {
				rest, hop = rest[:at], rest[at+1:]
			}
			next, err := netip.ParseAddr(strings.Trim(hop, " \t"))
			if err != nil {
				return addr
			}
			addr = next.Unmap().WithZone("")
		}
	}
	return addr
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
