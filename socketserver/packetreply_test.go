package socketserver_test

import (
	"bytes"
	"strings"
	"testing"

	"freshet/socketserver"
)

// A reply is gathered behind its datagram, and moves when it grows out of
// there: neither changes Data, nor does a change of Data reach the reply.
func TestReplyBesideData(t *testing.T) {
	for _, m := range []socketserver.Model{socketserver.Inline, socketserver.Pool(2)} {
		for _, asked := range []int{0, 1, 100, 2047, 2048, 2049, 9000} {
			pc := listenPacket(t, "udp")
			kept := make(chan bool, 1)
			servePackets(t, &socketserver.PacketServer{Model: m, Handler: func(p *socketserver.Packet) {
				want := bytes.Clone(p.Data)
				for range 5 {
					p.Write([]byte(strings.Repeat("r", 500)))
					if err := p.Reply([]byte("at once")); err != nil {
						t.Error(err)
					}
				}
				same := bytes.Equal(p.Data, want)
				more := append(p.Data, strings.Repeat("x", 3000)...)
				kept <- same && bytes.Equal(more[:len(want)], want)
				clear(p.Data)
			}}, pc)
			c := dialPacket(t, pc.LocalAddr())
			for range 3 { // buffers are used again
				c.send(strings.Repeat("a", asked))
				if !<-kept {
					t.Errorf("%v, %d bytes: Data has changed", m, asked)
				}
				for range 5 {
					if got := c.receive(); got != "at once" {
						t.Errorf("%v, %d bytes: got %q at once", m, asked, got)
					}
				}
				if got := c.receive(); got != strings.Repeat("r", 2500) {
					t.Errorf("%v, %d bytes: got %q", m, asked, got)
				}
			}
		}
	}
}
