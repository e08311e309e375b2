package socketserver

import (
	"net/netip"
	"testing"

	"golang.org/x/sys/unix"
)

// Whatever the control messages are, they are read within their bounds. (Those
// of the tables are of a 64-bit system whose numbers begin with the least byte.)
func FuzzPacketVia(f *testing.F) {
	f.Add([]byte("\x1c\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x08\x00\x00\x00\x01\x00\x00\x00\x7f\x00\x00\x01\x7f\x00\x00\x02"))
	f.Add([]byte("\x24\x00\x00\x00\x00\x00\x00\x00\x29\x00\x00\x00\x32\x00\x00\x00\xfe\x80\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01\x07\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, b []byte) {
		via, to := viaOf(b)
		if via.kind != 0 && !to.IsValid() {
			t.Errorf("%+v for no address", via)
		}
	})
}

func TestPacketVia(t *testing.T) {
	v4 := func(spec, addr string) string {
		return "\x1c\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x08\x00\x00\x00\x01\x00\x00\x00" + spec + addr + "\x00\x00\x00\x00"
	}
	v6 := func(addr string) string {
		return "\x24\x00\x00\x00\x00\x00\x00\x00\x29\x00\x00\x00\x32\x00\x00\x00" + addr + "\x07\x00\x00\x00\x00\x00\x00\x00"
	}
	mapped := "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\xff\xff\x7f\x00\x00\x02"
	local := "\xfe\x80\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01"
	group := "\xff\x02\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01"
	for _, c := range []struct {
		name, b string
		to      string
		kind    int32
		spec    [4]byte
		ifindex uint32
	}{
		{"nothing", "", "invalid IP", 0, [4]byte{}, 0},
		{"cut", v4("\x7f\x00\x00\x02", "\x7f\x00\x00\x02")[:20], "invalid IP", 0, [4]byte{}, 0},
		{"unicast", v4("\x7f\x00\x00\x02", "\x7f\x00\x00\x02"), "127.0.0.2", unix.IP_PKTINFO, [4]byte{127, 0, 0, 2}, 0},
		{"broadcast", v4("\x7f\x00\x00\x01", "\x7f\xff\xff\xff"), "127.255.255.255", unix.IP_PKTINFO, [4]byte{127, 0, 0, 1}, 0},
		{"before the option", v4("\x00\x00\x00\x00", "\x7f\x00\x00\x02"), "127.0.0.2", unix.IP_PKTINFO, [4]byte{127, 0, 0, 2}, 0},
		{"multicast before the option", v4("\x00\x00\x00\x00", "\xe0\x00\x00\x01"), "224.0.0.1", unix.IP_PKTINFO, [4]byte{}, 0},
		{"both", v6(mapped) + v4("\x7f\x00\x00\x02", "\x7f\x00\x00\x02"), "127.0.0.2", unix.IP_PKTINFO, [4]byte{127, 0, 0, 2}, 0},
		{"mapped alone", v6(mapped), "127.0.0.2", unix.IPV6_PKTINFO, [4]byte{}, 0},
		{"link-local", v6(local), "fe80::1", unix.IPV6_PKTINFO, [4]byte{}, 7},
		{"IPv6 multicast", v6(group), "ff02::1", 0, [4]byte{}, 0},
	} {
		via, to := viaOf([]byte(c.b))
		if to.String() != c.to || via.kind != c.kind || via.v4.Spec_dst != c.spec || via.v6.Ifindex != c.ifindex {
			t.Errorf("%s: %+v, %v", c.name, via, to)
		}
		if want, err := netip.ParseAddr(c.to); err == nil && to != want {
			t.Errorf("%s: %v", c.name, to)
		}
	}
}
