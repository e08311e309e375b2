package wire

import (
	"net/netip"
	"testing"

	"freshet/internal/alloctest"
)

func TestToldClient(t *testing.T) {
	trusted := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}
	for _, tt := range []struct {
		peer  string
		lines []string
		want  string
		known bool
	}{
		{"192.0.2.1", []string{"203.0.113.9"}, "192.0.2.1", true},
		{"192.0.2.1", []string{"unknown"}, "192.0.2.1", true}, // nobody believes it
		{"10.0.0.1", nil, "10.0.0.1", true},
		{"10.0.0.1", []string{"203.0.113.9"}, "203.0.113.9", true},
		{"10.0.0.1", []string{"203.0.113.9:4711"}, "203.0.113.9", true},
		{"10.0.0.1", []string{"203.0.113.9:0"}, "203.0.113.9", true},
		{"10.0.0.1", []string{"[2001:db8::1]"}, "2001:db8::1", true},
		{"10.0.0.1", []string{"[2001:db8::1]:65535"}, "2001:db8::1", true},
		{"10.0.0.1", []string{"2001:db8::1:4711"}, "2001:db8::1:4711", true},
		{"10.0.0.1", []string{"[::ffff:203.0.113.9]:1"}, "203.0.113.9", true},
		{"10.0.0.1", []string{"203.0.113.9:4711, 10.2.2.2:80", "[fd00::2]:443"}, "203.0.113.9", true},
		{"10.0.0.1", []string{"unknown"}, "10.0.0.1", false},
		{"10.0.0.1", []string{"203.0.113.9, unknown"}, "10.0.0.1", false},
		{"10.0.0.1", []string{"unknown, 203.0.113.9"}, "203.0.113.9", true},
		{"10.0.0.1", []string{"unknown, 10.2.2.2"}, "10.2.2.2", false},
		{"10.0.0.1", []string{""}, "10.0.0.1", false},
		{"10.0.0.1", []string{"203.0.113.9:"}, "10.0.0.1", false},
		{"10.0.0.1", []string{"203.0.113.9:65536"}, "10.0.0.1", false},
		{"10.0.0.1", []string{"203.0.113.9:_x"}, "10.0.0.1", false},
		{"10.0.0.1", []string{"203.0.113.9:+1"}, "10.0.0.1", false},
		{"10.0.0.1", []string{"[203.0.113.9]"}, "10.0.0.1", false},
		{"10.0.0.1", []string{"[2001:db8::1"}, "10.0.0.1", false},
		{"10.0.0.1", []string{"[2001:db8::1]x"}, "10.0.0.1", false},
		{"10.0.0.1", []string{"[2001:db8::1]:"}, "10.0.0.1", false},
		{"10.0.0.1", []string{"[[2001:db8::1]]"}, "10.0.0.1", false},
		{"10.0.0.1", []string{":80"}, "10.0.0.1", false},
		{"10.0.0.1", []string{"_hidden"}, "10.0.0.1", false},
	} {
		peer := netip.MustParseAddr(tt.peer)
		got, known := ToldClient(peer, trusted, tt.lines)
		if got != netip.MustParseAddr(tt.want) || known != tt.known || ClientAddr(peer, trusted, tt.lines) != got {
			t.Errorf("%s, %q: %v, %v", tt.peer, tt.lines, got, known)
		}
		if n := alloctest.PerRun(10, func() { ToldClient(peer, trusted, tt.lines) }); known && n != 0 {
			t.Errorf("%q: %v allocations", tt.lines, n)
		}
	}
}
