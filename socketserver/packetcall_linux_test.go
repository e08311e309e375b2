package socketserver_test

import (
	"bytes"
	"testing"

	"freshet/socketserver"
)

// Batches that move few bytes and those that move many are read and answered
// alike, whatever came before.
func TestBatchesOfAllSizes(t *testing.T) {
	pc := listenPacket(t, "udp")
	servePackets(t, &socketserver.PacketServer{Model: socketserver.Inline, Handler: func(p *socketserver.Packet) {
		p.Write(p.Data)
	}}, pc)
	c := dialPacket(t, pc.LocalAddr())
	in := make([]byte, 65536)
	for _, size := range []int{10, 60000, 60000, 10, 3000, 10, 10, 40000} {
		out := bytes.Repeat([]byte{byte(size)}, size)
		const window = 2 // fits every system's buffers
		for range window {
			if _, err := c.Write(out); err != nil {
				t.Fatal(err)
			}
		}
		for range window {
			if n, err := c.Read(in); err != nil || !bytes.Equal(in[:n], out) {
				t.Fatalf("%d bytes, %v: want the %d that were sent", n, err, size)
			}
		}
	}
}
