package socketserver

import (
	"errors"
	"io"
	"net"
	"net/netip"
	"sync"
)

// Errors of replies.
var (
	// ErrNoSender is returned for a reply to a datagram that came from a Unix
	// socket without a name.
	ErrNoSender = errors.New("socketserver: the sender has no address")

	// ErrTooLong is returned by Write for more than fits one datagram.
	ErrTooLong = errors.New("socketserver: longer than a datagram")
)

// Packet is one datagram, and the way to answer it. It belongs to the handler
// until that returns: who keeps Data for longer copies it. Packet is an
// io.Reader of Data, and an io.Writer whose bytes leave as one datagram when
// the handler has returned; methods of one Packet must not be called by
// several goroutines at once.
type Packet struct {
	// Data is what was sent, which may be nothing. It may be changed.
	Data []byte

	// From is who sent it, which is not valid for a Unix socket; see RemoteAddr.
	From netip.AddrPort

	// To is the local address that it was sent to: of a socket that is bound to
	// all addresses, the one of them (or the multicast group), on Linux. It is
	// not valid where it is not known, and for Unix sockets.
	To netip.Addr

	sock *packetSocket
	buf  []byte  // Data is in it
	size int     // its size, when it counts as Memory
	next int     // of Data, for Read
	out  *[]byte // what Write gathered, nil when nothing was written
	err  error   // of sending out
	addr net.Addr
	peer packetPeer
	one  [1]*Packet // itself, to be sent alone
}

// smallDatagram is the size of the buffers that datagrams are read into.
const smallDatagram = 2 << 10

// packetPools have packets by the size of their buffers: 2 KiB, 4, … 64 KiB.
var packetPools [6]sync.Pool

// newPacket returns a packet with a buffer for n bytes.
func newPacket(n int) *Packet {
	class, size := 0, smallDatagram
	for size < n {
		class, size = class+1, 2*size
	}
	if class >= len(packetPools) {
		return &Packet{buf: make([]byte, n)}
	}
	if p, ok := packetPools[class].Get().(*Packet); ok {
		return p
	}
	return &Packet{buf: make([]byte, size)}
}

// free gives the packet back, after which nobody may use it.
func (p *Packet) free() {
	p.dropOut()
	if p.size > 0 {
		p.sock.srv.memory.give(p.size)
	}
	p.Data, p.addr, p.sock, p.err, p.size, p.next = nil, nil, nil, nil, 0, 0
	p.From, p.To, p.peer = netip.AddrPort{}, netip.Addr{}, packetPeer{}
	class := 0
	for size := smallDatagram; size < len(p.buf); size *= 2 {
		class++
	}
	if class < len(packetPools) && len(p.buf) == smallDatagram<<class {
		packetPools[class].Put(p)
	}
}

// release frees the packet, which its socket counts no more.
func (p *Packet) release() {
	sock := p.sock
	p.free()
	sock.release(1)
}

// outPool has buffers for replies.
var outPool = sync.Pool{New: func() any { b := make([]byte, 0, smallDatagram); return &b }}

// dropOut forgets what was written.
func (p *Packet) dropOut() {
	if p.out != nil {
		*p.out = (*p.out)[:0]
		outPool.Put(p.out)
		p.out = nil
	}
}

// Server returns the server that read the datagram.
func (p *Packet) Server() *PacketServer { return p.sock.srv }

// RemoteAddr returns who sent the datagram: a *net.UDPAddr, a *net.UnixAddr,
// or what the socket's ReadFrom said; nil for a Unix socket without a name.
func (p *Packet) RemoteAddr() net.Addr {
	switch {
	case p.addr != nil:
		return p.addr
	case p.From.IsValid():
		return net.UDPAddrFromAddrPort(p.From)
	}
	return p.peer.unixAddr()
}

// Read reads Data from where the last Read ended.
func (p *Packet) Read(b []byte) (int, error) {
	if p.next >= len(p.Data) && len(b) > 0 {
		return 0, io.EOF
	}
	n := copy(b, p.Data[p.next:])
	p.next += n
	return n, nil
}

// WriteTo implements io.WriterTo: io.Copy(p, p) sends Data back, also when that
// is nothing.
func (p *Packet) WriteTo(w io.Writer) (int64, error) {
	rest := p.Data[p.next:]
	p.next = len(p.Data)
	n, err := w.Write(rest)
	return int64(n), err
}

// Write adds to the reply, which is sent when the handler has returned, with
// those to other datagrams in one system call where that can be: it may then
// wait for about a millisecond while another handler runs. A Write of nothing
// sends an empty datagram if no other Write adds to it. What does not fit a
// datagram (65,535 bytes, or MaxDatagram if that is more) is ErrTooLong.
func (p *Packet) Write(b []byte) (int, error) {
	if p.out == nil {
		p.out = outPool.Get().(*[]byte)
	}
	if len(*p.out)+len(b) > max(DefaultMaxDatagram, p.sock.srv.maxDatagram()) {
		return 0, ErrTooLong
	}
	*p.out = append(*p.out, b...)
	return len(b), nil
}

// Reply sends b to who sent the datagram, at once, from the address that it
// was sent to. It may be called more than once.
func (p *Packet) Reply(b []byte) error {
	gathered := p.out
	p.out = outPool.Get().(*[]byte)
	*p.out = append(*p.out, b...)
	p.one[0] = p
	p.sock.send(p.one[:])
	err := p.err
	p.dropOut()
	p.out, p.err = gathered, nil
	return err
}

// send sends what the packets, all of this socket, have gathered, sets their
// err, and counts.
func (k *packetSocket) send(ps []*Packet) {
	k.io.send(ps)
	failed := uint64(0)
	for _, p := range ps {
		if p.err != nil {
			failed++
		}
	}
	k.srv.counts.replies.Add(uint64(len(ps)) - failed)
	if failed > 0 {
		k.srv.counts.unsent.Add(failed)
	}
}

// packetMemory is how much datagrams of more than smallDatagram may still take.
type packetMemory struct {
	mu     sync.Mutex
	more   sync.Cond // on mu
	free   int
	closed bool
}

// take waits until there are n bytes; it is false when the server is closed.
func (m *packetMemory) take(n int) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	for m.more.L = &m.mu; m.free < n && !m.closed; {
		m.more.Wait()
	}
	m.free -= n
	return !m.closed
}

func (m *packetMemory) give(n int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.free += n
	m.more.L = &m.mu
	m.more.Broadcast()
}

func (m *packetMemory) close() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.closed = true
	m.more.L = &m.mu
	m.more.Broadcast()
}
