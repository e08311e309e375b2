package socketserver

import "testing"

func TestPacketSpare(t *testing.T) {
	s := &PacketServer{}
	s.init()
	k := &packetSocket{srv: s, spare: packetSpare{most: 2}}
	slots := make([]*Packet, 3)
	kept := newPacket(smallDatagram)
	slots[1] = kept
	k.spare.fill(slots)
	if slots[0] == nil || slots[2] == nil || slots[1] != kept {
		t.Fatalf("%v: want the empty slots filled, and no other", slots)
	}
	long := s.newPacket(9000)
	free := s.memory.free
	long.sock, long.Data = k, long.buf[:9000]
	for _, p := range slots {
		p.sock = k
		p.keep(7)
	}
	k.spare.put(append([]*Packet{long}, slots...))
	if n := len(k.spare.ps); n != 2 {
		t.Errorf("%d are kept: want 2", n)
	}
	if n := s.memory.free - free; n != 16<<10 {
		t.Errorf("%d bytes of Memory were given back, want %d", n, 16<<10)
	}
	again := make([]*Packet, 1)
	if k.spare.fill(again); again[0] != slots[1] && again[0] != slots[0] {
		t.Error("what is kept is not used again")
	}
	if p := again[0]; p.Data != nil || p.got != 0 || p.sock != nil {
		t.Errorf("it is used again with what was in it: %+v", p)
	}
	k.spare.close()
	if k.spare.put(again); len(k.spare.ps) != 0 {
		t.Error("something is kept after close")
	}
}
