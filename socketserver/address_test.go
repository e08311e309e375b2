package socketserver_test

import (
	"strings"
	"testing"

	"freshet/socketserver"
)

// TestAddressesOfTheOtherKind: forms that are those of another function are not
// taken for names of hosts.
func TestAddressesOfTheOtherKind(t *testing.T) {
	for addr, want := range map[string]string{"unix:/tmp/x": "unixgram:", "fd:3": "ActivatedPackets", "systemd:x": "ActivatedPackets"} {
		if pc, err := socketserver.ListenPacket(addr, false); err == nil {
			pc.Close()
			t.Errorf("%s was taken", addr)
		} else if !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", addr, err)
		}
	}
	if l, err := socketserver.Listen("unixgram:/tmp/x", 0); err == nil {
		l.Close()
		t.Error("a socket for datagrams was taken")
	} else if !strings.Contains(err.Error(), "ListenPacket") {
		t.Error(err)
	}
}
