package outbound

import (
	"net/netip"
	"testing"
)

func TestNotPublic(t *testing.T) {
	for _, tt := range []struct{ addr, want string }{
		{"93.184.216.34", ""},
		{"1.1.1.1", ""},
		{"2606:2800:220:1::1", ""},
		{"64:ff9b::5db8:d822", ""},
		{"0.0.0.0", "the unspecified address"},
		{"0.1.2.3", "an address of this network"},
		{"127.0.0.1", "a loopback address"},
		{"127.255.255.254", "a loopback address"},
		{"10.0.0.1", "a private address"},
		{"172.16.0.1", "a private address"},
		{"172.31.255.255", "a private address"},
		{"172.32.0.1", ""},
		{"192.168.1.1", "a private address"},
		{"169.254.169.254", "a link-local address"},
		{"100.64.0.1", "a shared address"},
		{"192.0.0.8", "a reserved address"},
		{"192.0.2.1", "an address for documentation"},
		{"198.18.0.1", "an address for benchmarks"},
		{"198.51.100.1", "an address for documentation"},
		{"203.0.113.1", "an address for documentation"},
		{"224.0.0.1", "a multicast address"},
		{"239.255.255.255", "a multicast address"},
		{"240.0.0.1", "a reserved address"},
		{"255.255.255.255", "a reserved address"},
		{"::", "the unspecified address"},
		{"::1", "a loopback address"},
		{"::ffff:127.0.0.1", "a loopback address"},
		{"::ffff:93.184.216.34", ""},
		{"::127.0.0.1", "a loopback address"},
		{"fe80::1", "a link-local address"},
		{"fe80::1%eth0", "a link-local address"},
		{"fc00::1", "a private address"},
		{"fdff::1", "a private address"},
		{"fec0::1", "a site-local address"},
		{"ff02::1", "a multicast address"},
		{"2001:db8::1", "an address for documentation"},
		{"2001:0:1::", "a reserved address"},
		{"64:ff9b::7f00:1", "a loopback address"},
		{"64:ff9b:1::1", "a local address of a translator"},
		{"2002:7f00:1::", "a loopback address"},
		{"2002:5db8:d822::", ""},
		{"100::1", "a reserved address"},
	} {
		if got := NotPublic(netip.MustParseAddr(tt.addr)); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.addr, got, tt.want)
		}
	}
	if NotPublic(netip.Addr{}) == "" {
		t.Error("no address is a public one")
	}
}
