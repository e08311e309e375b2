//go:build !race && linux

package socketserver_test

import (
	"net"
	"runtime"
	"testing"
	"time"

	"freshet/internal/alloctest"
	"freshet/socketserver"
)

// A datagram that is read, handled and answered costs no memory.
func TestPacketAllocations(t *testing.T) {
	for _, kind := range []string{"udp", "unixgram", "all addresses"} {
		for _, m := range []socketserver.Model{socketserver.Inline, socketserver.Pool(2)} {
			t.Run(kind+" "+m.String(), func(t *testing.T) {
				var pc net.PacketConn
				if kind != "all addresses" {
					pc = listenPacket(t, kind)
				} else {
					var err error
					if pc, err = socketserver.ListenPacket("0.0.0.0:0", false); err != nil {
						t.Fatal(err)
					}
				}
				servePackets(t, &socketserver.PacketServer{Model: m, Handler: func(p *socketserver.Packet) {
					p.Reply(p.Data)
					p.Write(p.Data)
				}}, pc)
				c := dialPacket(t, pc.LocalAddr())
				c.SetDeadline(time.Time{})
				b, in := make([]byte, 100), make([]byte, 200)
				ask := func() {
					for range 4 {
						c.Write(b)
					}
					for range 8 {
						if n, err := c.Read(in); n != 100 || err != nil {
							t.Fatal(n, err)
						}
					}
				}
				for range 100 {
					ask()
				}
				runtime.GC()
				if n := alloctest.PerRun(500, ask); n > 0.5 { // pools are emptied by collections
					t.Errorf("%.2f allocations for 4 datagrams", n)
				}
			})
		}
	}
}
