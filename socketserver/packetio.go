package socketserver

import (
	"errors"
	"net"
	"net/netip"
	"sync/atomic"
	"syscall"
	"time"
)

// packetIO reads and writes the datagrams of one socket: packetPlain does,
// with what package net has, and on Linux packetMany. One goroutine calls wait
// and take, any number send.
type packetIO interface {
	// wait waits for datagrams and reads some. It returns how many.
	wait() (int, error)

	// take returns the i-th of them, in their order and once, or nil and the
	// count of the datagrams that have its fate.
	take(i int) (*Packet, *atomic.Uint64)

	// send sends what each packet has gathered, and sets their err.
	send(ps []*Packet)

	// dropped returns how many datagrams the kernel had no room for since the
	// socket was opened.
	dropped() uint64

	// release gives back the buffers; no more is read.
	release()
}

// packetPlain is a packetIO for every net.PacketConn.
type packetPlain struct {
	k    *packetSocket
	udp  *net.UDPConn // k.pc, if it is one
	to   netip.Addr
	buf  []byte
	n    int
	from netip.AddrPort
	addr net.Addr
	long bool
}

// wsaeMsgSize is what Windows says when a datagram is longer than the buffer.
const wsaeMsgSize = syscall.Errno(10040)

func newPacketPlain(k *packetSocket) *packetPlain {
	o := &packetPlain{k: k, to: boundTo(k.pc), buf: make([]byte, k.srv.maxDatagram()+1)}
	o.udp, _ = k.pc.(*net.UDPConn)
	return o
}

// boundTo returns the address that a UDP socket is bound to, which is not
// valid for one that is bound to all.
func boundTo(pc net.PacketConn) netip.Addr {
	a, ok := pc.LocalAddr().(*net.UDPAddr)
	if !ok || a.IP == nil || a.IP.IsUnspecified() {
		return netip.Addr{}
	}
	return a.AddrPort().Addr().Unmap()
}

func (o *packetPlain) wait() (int, error) {
	var err error
	if o.udp != nil {
		o.n, o.from, err = o.udp.ReadFromUDPAddrPort(o.buf)
		o.from = netip.AddrPortFrom(o.from.Addr().Unmap(), o.from.Port())
	} else {
		o.n, o.addr, err = o.k.pc.ReadFrom(o.buf)
	}
	o.long = o.n == len(o.buf)
	if errors.Is(err, wsaeMsgSize) {
		o.long, err = true, nil
	}
	if err != nil {
		return 0, err
	}
	return 1, nil
}

func (o *packetPlain) take(int) (*Packet, *atomic.Uint64) {
	s := o.k.srv
	if o.long {
		return nil, &s.counts.truncated
	}
	p := s.newPacket(o.n)
	if p == nil {
		return nil, &s.counts.discarded
	}
	p.sock, p.From, p.To, p.addr = o.k, o.from, o.to, o.addr
	p.keep(copy(p.buf, o.buf[:o.n]))
	return p, nil
}

func (o *packetPlain) send(ps []*Packet) {
	for _, p := range ps {
		if p.err = o.sendOne(p); passingSend(p.err) {
			p.err = o.sendOne(p)
		}
	}
}

func (o *packetPlain) sendOne(p *Packet) (err error) {
	o.k.pc.SetWriteDeadline(time.Now().Add(orDefault(o.k.srv.ReplyTimeout, DefaultReplyTimeout)))
	switch {
	case o.udp != nil:
		_, err = o.udp.WriteToUDPAddrPort(p.out, p.From)
	case p.addr == nil:
		err = ErrNoSender
	default:
		_, err = o.k.pc.WriteTo(p.out, p.addr)
	}
	return err
}

func (o *packetPlain) dropped() uint64 { return 0 }

func (o *packetPlain) release() {}

// passingSend reports whether a reply may be sent again: what failed may have
// been an earlier one, whose receiver was not there (ICMP).
func passingSend(err error) bool {
	return errors.Is(err, syscall.ECONNREFUSED)
}

// newPacket returns a packet for n bytes that count as Memory if they are many,
// or nil when the server is closed while it waits for that.
func (s *PacketServer) newPacket(n int) *Packet {
	p := newPacket(n)
	if n <= smallDatagram {
		return p
	}
	if !s.memory.take(len(p.buf)) {
		return nil
	}
	p.size = len(p.buf)
	return p
}
