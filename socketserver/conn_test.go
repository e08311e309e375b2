package socketserver

import (
	"net/netip"
	"testing"
	"unsafe"
)

// A connection that waits costs little: what is added to Conn is paid for by
// every idle one.
func TestConnIsSmall(t *testing.T) {
	if unsafe.Sizeof(uintptr(0)) != 8 {
		t.Skip("the budget is for 64 bits")
	}
	if n := unsafe.Sizeof(Conn{}); n > 80 {
		t.Errorf("Conn has %d bytes, which are taken from the size class above 80", n)
	}
}

// Clients are counted by slots, which are used again.
func TestClients(t *testing.T) {
	p := clients{slots: map[netip.Addr]int32{}}
	a, b := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.2")
	enter := func(client netip.Addr, limit int, want bool) int32 {
		t.Helper()
		slot, ok := p.enter(client, limit)
		if ok != want {
			t.Errorf("%v with a limit of %d: %v", client, limit, ok)
		}
		return slot
	}
	first := enter(a, 2, true)
	if second := enter(a, 2, true); second != first {
		t.Errorf("one client has slots %d and %d", first, second)
	}
	enter(a, 2, false)
	other := enter(b, 2, true)
	p.leave(first)
	enter(a, 2, true)
	p.leave(first)
	p.leave(first)
	p.leave(other)
	for range 5 {
		enter(a, 0, true)
	}
	if len(p.slots) != 1 || len(p.counts) != 2 {
		t.Errorf("%d clients, %d slots", len(p.slots), len(p.counts))
	}
	if slot, ok := p.enter(netip.Addr{}, 1); slot != 0 || !ok {
		t.Errorf("no address: slot %d, %v", slot, ok)
	}
	p.leave(0)
}
