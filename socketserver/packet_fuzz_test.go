package socketserver

import (
	"net/netip"
	"testing"
)

// What a parent sends its child comes out as it went in, and nothing else is
// taken for it.
func FuzzPacketForChild(f *testing.F) {
	p := &Packet{Data: []byte("hello"), From: netip.MustParseAddrPort("192.0.2.1:9"), To: netip.MustParseAddr("2001:db8::1")}
	f.Add(p.appendForChild(nil))
	f.Add([]byte{0, 0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		var p Packet
		if p.parseForChild(b) != nil {
			return
		}
		var again Packet
		if err := again.parseForChild(p.appendForChild(nil)); err != nil {
			t.Fatalf("%v of %x", err, b)
		}
		if again.From != p.From || again.To != p.To || string(again.Data) != string(p.Data) {
			t.Errorf("%+v, then %+v", p, again)
		}
	})
}
