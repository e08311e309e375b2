package who

import "net/netip"

// ClientOf is what clients are told apart by where they are counted: the address,
// of IPv6 its /64, for a client has all of its addresses.
func ClientOf(a netip.Addr) netip.Prefix {
	a = a.Unmap().WithZone("")
	bits := 64
	if a.Is4() {
		bits = 32
	}
	p, _ := a.Prefix(bits) // the zero one of no address
	return p
}
