package socketserver

// Replies on Linux: many with one system call. What has no room in the socket,
// or in the queue of a Unix socket's receiver, is tried again for a while.

import (
	"net"
	"os"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// packetSender is what one call of sendmmsg needs.
type packetSender struct {
	m     *packetMany
	hdrs  []mmsghdr
	iovs  []unix.Iovec
	ctls  []byte
	next  int // of hdrs
	n     int // that were sent by the last call
	bytes int // of all replies
	errno syscall.Errno
	call  func(fd uintptr) // made once
}

// mostSent bounds the memory of a sender.
const mostSent = 64

func newPacketSender(m *packetMany) *packetSender {
	d := &packetSender{m: m}
	d.call = d.sendmmsg
	return d
}

func (m *packetMany) send(ps []*Packet) {
	d := m.senders.Get().(*packetSender)
	for len(ps) > 0 {
		n := min(len(ps), mostSent)
		d.send(ps[:n])
		ps = ps[n:]
	}
	m.senders.Put(d)
}

// send sends the replies of at most mostSent packets.
func (d *packetSender) send(ps []*Packet) {
	if len(ps) > len(d.hdrs) {
		d.hdrs = make([]mmsghdr, len(ps))
		d.iovs = make([]unix.Iovec, len(ps))
		d.ctls = make([]byte, len(ps)*unix.CmsgSpace(unix.SizeofInet6Pktinfo))
	}
	d.bytes = 0
	for i, p := range ps {
		d.set(i, p)
		d.bytes += len(p.out)
	}
	var r resend
	for d.next = 0; d.next < len(ps); {
		d.n, d.errno = len(ps), 0
		err := d.m.raw.Control(d.call)
		switch {
		case err == nil && d.errno == 0:
			for range d.n {
				ps[d.next].err = nil
				d.next++
			}
			r = resend{}
		case err == nil && r.worth(d.m, d.errno):
		default:
			ps[d.next].err = d.fault(ps[d.next], err)
			d.next++
			r = resend{}
		}
	}
	for i := range ps { // do not keep what is used again
		d.hdrs[i].hdr.Name, d.iovs[i].Base = nil, nil
	}
}

// fault makes the error of a reply: err, or else what sendmmsg said.
func (d *packetSender) fault(p *Packet, err error) error {
	switch {
	case p.peer.nameLen == 0:
		err = ErrNoSender
	case err == nil:
		err = os.NewSyscallError("sendmmsg", d.errno)
	}
	return &net.OpError{Op: "reply", Net: d.m.k.pc.LocalAddr().Network(), Addr: p.RemoteAddr(), Err: err}
}

// resend decides whether one reply is tried again.
type resend struct {
	until   time.Time // while there is no room
	pause   time.Duration
	refused bool
}

// worth reports whether a reply that failed may succeed now; it waits before.
func (r *resend) worth(m *packetMany, errno syscall.Errno) bool {
	switch errno {
	case syscall.EAGAIN, syscall.ENOBUFS:
		// The poller knows the socket's own buffer, but not the queue of a
		// Unix socket's receiver: so look again from time to time.
		now := time.Now()
		if r.until.IsZero() {
			r.until, r.pause = now.Add(orDefault(m.k.srv.ReplyTimeout, DefaultReplyTimeout)), 50*time.Microsecond
		}
		if !now.Before(r.until) {
			return false
		}
		time.Sleep(r.pause)
		r.pause = min(2*r.pause, time.Millisecond)
		return true
	case syscall.ECONNREFUSED: // of UDP: may be about an earlier datagram (ICMP)
		again := !m.unix && !r.refused
		r.refused = true
		return again
	}
	return false
}

// set prepares the i-th message.
func (d *packetSender) set(i int, p *Packet) {
	h := &d.hdrs[i].hdr
	*h = unix.Msghdr{Iov: &d.iovs[i], Namelen: p.peer.nameLen}
	h.SetIovlen(1)
	if p.peer.nameLen > 0 {
		h.Name = (*byte)(unsafe.Pointer(&p.peer.name))
	}
	d.iovs[i] = unix.Iovec{}
	if len(p.out) > 0 {
		d.iovs[i].Base = &p.out[0]
		d.iovs[i].SetLen(len(p.out))
	}
	via := &p.peer.via
	if via.kind == 0 {
		return
	}
	space := unix.CmsgSpace(unix.SizeofInet6Pktinfo)
	b := d.ctls[i*space:][:space]
	c := (*unix.Cmsghdr)(unsafe.Pointer(&b[0]))
	c.Level, c.Type = via.level, via.kind
	size := unix.SizeofInet4Pktinfo
	if via.level == unix.IPPROTO_IP {
		*(*unix.Inet4Pktinfo)(unsafe.Pointer(&b[unix.CmsgLen(0)])) = via.v4
	} else {
		size = unix.SizeofInet6Pktinfo
		*(*unix.Inet6Pktinfo)(unsafe.Pointer(&b[unix.CmsgLen(0)])) = via.v6
	}
	c.SetLen(unix.CmsgLen(size))
	h.Control = &b[0]
	h.SetControllen(unix.CmsgSpace(size))
}

// sendmmsg is the callback of send: it sends from d.next up to d.n.
func (d *packetSender) sendmmsg(fd uintptr) {
	d.n, d.errno = mmsg(unix.SYS_SENDMMSG, fd, d.hdrs[d.next:d.n], unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL, d.bytes)
}
