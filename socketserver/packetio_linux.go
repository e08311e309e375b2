package socketserver

// Datagrams on Linux: many with one system call (recvmmsg, sendmmsg), into
// memory that is used again. What a datagram costs beyond that is what the
// handler does.

import (
	"encoding/binary"
	"errors"
	"net"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// packetPeer is where a datagram came from, in the kernel's form, and which of
// our addresses it was sent to.
type packetPeer struct {
	name    syscall.RawSockaddrAny
	nameLen uint32
	via     packetVia
}

// packetVia says which of our addresses a reply leaves from.
type packetVia struct {
	level, kind int32 // of the control message; 0 for none
	v4          unix.Inet4Pktinfo
	v6          unix.Inet6Pktinfo
}

// mmsghdr is struct mmsghdr of recvmmsg(2).
type mmsghdr struct {
	hdr unix.Msghdr
	n   uint32
}

// controlSize has room for both kinds of packet information, which a datagram
// of IPv4 at an IPv6 socket comes with.
var controlSize = unix.CmsgSpace(unix.SizeofInet4Pktinfo) + unix.CmsgSpace(unix.SizeofInet6Pktinfo)

// packetMany is the packetIO of sockets of package net.
type packetMany struct {
	k    *packetSocket
	raw  syscall.RawConn
	unix bool       // replies wait in the receiver's queue
	to   netip.Addr // what the socket is bound to, if that is one address

	// Of slot i: slots[i].buf is the first buffer of hdrs[i], and the part of
	// over that is its own the second, for what is longer.
	slots []*Packet
	hdrs  []mmsghdr
	iovs  []unix.Iovec
	ctls  []byte // nil when To is known
	over  []byte
	each  int // bytes of over for one slot
	n     int // slots that were filled by the last read
	bytes int // that they took, of those that were taken
	errno error
	recv  func(fd uintptr) bool // made once

	known atomic.Uint64 // what dropped returned last

	senders sync.Pool
}

func newPacketIO(k *packetSocket, batch int) packetIO {
	m := &packetMany{k: k, to: boundTo(k.pc)}
	switch k.pc.(type) {
	case *net.UDPConn:
	case *net.UnixConn, *unixPacketConn:
		m.unix = true
	default: // its ReadFrom may do anything
		return newPacketPlain(k)
	}
	raw, err := k.pc.(syscall.Conn).SyscallConn()
	if err != nil {
		return newPacketPlain(k) // which will say why
	}
	m.raw = raw
	if !m.unix && !m.to.IsValid() {
		raw.Control(askForPacketInfo)
		m.ctls = make([]byte, batch*controlSize)
	}
	m.recv = m.receive
	m.senders.New = func() any { return newPacketSender(m) }
	m.slots = make([]*Packet, batch)
	m.hdrs = make([]mmsghdr, batch)
	m.iovs = make([]unix.Iovec, 2*batch)
	m.each = max(k.srv.maxDatagram()-smallDatagram, 0)
	m.over = make([]byte, batch*m.each)
	m.k.spare.most = batch
	m.n = batch
	m.fill()
	return m
}

// askForPacketInfo has each datagram come with the address it was sent to. An
// IPv6 socket gets both kinds of datagrams and has both options; of an IPv4
// socket the second fails.
func askForPacketInfo(fd uintptr) {
	unix.SetsockoptInt(int(fd), unix.IPPROTO_IP, unix.IP_PKTINFO, 1)
	unix.SetsockoptInt(int(fd), unix.IPPROTO_IPV6, unix.IPV6_RECVPKTINFO, 1)
}

// fill has the slots that were filled by the last read be ready for the next.
func (m *packetMany) fill() {
	m.k.spare.fill(m.slots[:m.n])
	for i := range m.n {
		m.set(i)
	}
	m.n = 0
}

// set has the header of slot i be for the packet in it.
func (m *packetMany) set(i int) {
	p := m.slots[i]
	iovs := m.iovs[2*i : 2*i+2]
	iovs[0].Base = &p.buf[0]
	iovs[0].SetLen(min(smallDatagram, m.k.srv.maxDatagram()))
	h := &m.hdrs[i].hdr
	h.Name = (*byte)(unsafe.Pointer(&p.peer.name))
	h.Iov = &iovs[0]
	h.SetIovlen(1)
	if m.each > 0 {
		iovs[1].Base = &m.over[i*m.each]
		iovs[1].SetLen(m.each)
		h.SetIovlen(2)
	}
	h.Namelen = uint32(unsafe.Sizeof(syscall.RawSockaddrAny{}))
	h.Flags = 0
	if m.ctls != nil {
		h.Control = &m.ctls[i*controlSize]
		h.SetControllen(controlSize)
	}
}

func (m *packetMany) release() {
	m.k.spare.close()
	for i, p := range m.slots {
		if p != nil {
			p.free()
			m.slots[i] = nil
		}
	}
}

func (m *packetMany) wait() (int, error) {
	m.fill()
	if err := m.raw.Read(m.recv); err != nil {
		return 0, err
	}
	if m.errno != nil {
		return 0, &net.OpError{Op: "read", Net: m.k.pc.LocalAddr().Network(), Addr: m.k.pc.LocalAddr(), Err: os.NewSyscallError("recvmmsg", m.errno)}
	}
	return m.n, nil
}

// receive is the callback of wait.
func (m *packetMany) receive(fd uintptr) (done bool) {
	n, errno := mmsg(unix.SYS_RECVMMSG, fd, m.hdrs, unix.MSG_DONTWAIT, m.bytes)
	switch errno {
	case 0:
		m.n, m.bytes, m.errno = n, 0, nil
	case syscall.EAGAIN:
		m.bytes = 0
		return false
	default:
		m.errno = errno
	}
	return true
}

func (m *packetMany) take(i int) (*Packet, *atomic.Uint64) {
	s := m.k.srv
	h, n := &m.hdrs[i].hdr, int(m.hdrs[i].n)
	m.bytes += n
	small := m.slots[i]
	if h.Flags&unix.MSG_TRUNC != 0 {
		return nil, &s.counts.truncated
	}
	p := small
	if n > smallDatagram {
		if p = s.newPacket(n); p == nil {
			return nil, &s.counts.discarded
		}
		copy(p.buf[copy(p.buf, small.buf):n], m.over[i*m.each:])
		p.peer.name = small.peer.name
	}
	p.sock = m.k
	p.keep(n)
	p.peer.nameLen = h.Namelen
	p.To = m.to
	if !m.unix && h.Namelen > 0 {
		p.From = addrOf(&p.peer.name)
	}
	if m.ctls != nil {
		p.peer.via, p.To = viaOf(m.ctls[i*controlSize:][:h.Controllen])
	}
	if p == small {
		m.slots[i] = nil
	}
	return p, nil
}

// viaOf reads the control messages that came with a datagram. Where there are
// both, that of IPv4 knows which address to answer from.
func viaOf(b []byte) (via packetVia, to netip.Addr) {
	for len(b) >= unix.SizeofCmsghdr {
		h := (*unix.Cmsghdr)(unsafe.Pointer(&b[0]))
		if uint64(h.Len) < unix.SizeofCmsghdr || uint64(h.Len) > uint64(len(b)) {
			break
		}
		data := b[unix.CmsgLen(0):h.Len]
		switch {
		case h.Level == unix.IPPROTO_IP && h.Type == unix.IP_PKTINFO && len(data) >= unix.SizeofInet4Pktinfo:
			in := (*unix.Inet4Pktinfo)(unsafe.Pointer(&data[0]))
			to = netip.AddrFrom4(in.Addr)
			from := in.Spec_dst
			if from == [4]byte{} && !to.IsMulticast() { // it came before the socket had the option
				from = in.Addr
			}
			return packetVia{level: h.Level, kind: h.Type, v4: unix.Inet4Pktinfo{Spec_dst: from}}, to
		case h.Level == unix.IPPROTO_IPV6 && h.Type == unix.IPV6_PKTINFO && len(data) >= unix.SizeofInet6Pktinfo:
			in := (*unix.Inet6Pktinfo)(unsafe.Pointer(&data[0]))
			to = netip.AddrFrom16(in.Addr).Unmap()
			if to.IsMulticast() {
				break // nobody answers from such an address
			}
			via = packetVia{level: h.Level, kind: h.Type, v6: unix.Inet6Pktinfo{Addr: in.Addr}}
			if to.IsLinkLocalUnicast() {
				via.v6.Ifindex = in.Ifindex // the address says nothing without
			}
		}
		b = b[min(unix.CmsgSpace(len(data)), len(b)):]
	}
	return via, to
}

// unixAddr returns the address of a Unix socket, nil when it has none.
func (p *packetPeer) unixAddr() net.Addr {
	const pathAt = uint32(unsafe.Offsetof(syscall.RawSockaddrUnix{}.Path))
	if p.nameLen <= pathAt || p.name.Addr.Family != syscall.AF_UNIX {
		return nil
	}
	path := unsafe.Slice((*byte)(unsafe.Pointer(&p.name)), unsafe.Sizeof(p.name))[pathAt:p.nameLen]
	if path[0] == 0 {
		return &net.UnixAddr{Net: "unixgram", Name: "@" + string(path[1:])}
	}
	return &net.UnixAddr{Net: "unixgram", Name: unix.ByteSliceToString(path)}
}

// dropped asks the kernel, which counts per socket. (SO_RXQ_OVFL would say the
// same with each datagram, but not what was dropped after the last one.)
func (m *packetMany) dropped() uint64 {
	const (
		drops = 8 // SK_MEMINFO_DROPS of linux/sock_diag.h
		vars  = 9
	)
	var info [4 * vars]byte
	size := uint32(len(info))
	err := m.raw.Control(func(fd uintptr) {
		syscall.Syscall6(unix.SYS_GETSOCKOPT, fd, unix.SOL_SOCKET, unix.SO_MEMINFO,
			uintptr(unsafe.Pointer(&info)), uintptr(unsafe.Pointer(&size)), 0)
	})
	if err != nil { // somebody has closed it
		return m.known.Load()
	}
	n := uint64(binary.NativeEndian.Uint32(info[4*drops:]))
	m.known.Store(n)
	return n
}

// setReceiveBuffer sets SO_RCVBUF, beyond net.core.rmem_max if we may.
func setReceiveBuffer(pc net.PacketConn, n int) (granted int, err error) {
	sc, ok := pc.(syscall.Conn)
	if !ok {
		return 0, errors.ErrUnsupported
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return 0, err
	}
	cerr := raw.Control(func(fd uintptr) {
		if unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, n) != nil {
			err = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUF, n)
		}
		granted, _ = unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUF)
	})
	return granted / 2, errors.Join(cerr, os.NewSyscallError("setsockopt", err)) // the kernel doubles it
}

// marshal returns what a child of this program needs to reply.
func (p *packetPeer) marshal() []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(p)), unsafe.Sizeof(*p))
}

func (p *packetPeer) unmarshal(b []byte) error {
	if copy(p.marshal(), b) != len(p.marshal()) || len(b) != len(p.marshal()) {
		return errors.New("of another size")
	}
	return nil
}
