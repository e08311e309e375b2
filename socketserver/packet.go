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
	got  int     // the bytes of it that the datagram takes
	size int     // its size, when it counts as Memory
	next int     // of Data, for Read
	out  []byte  // what Write gathered, nil when nothing was written
	lent *[]byte // of outPool, when out is in it
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

// clear forgets the datagram, after which nobody may use the packet.
func (p *Packet) clear() {
	p.dropOut()
	if p.size > 0 {
		p.sock.srv.memory.give(p.size)
	}
	p.Data, p.addr, p.sock, p.err, p.got, p.size, p.next = nil, nil, nil, nil, 0, 0, 0
	p.From, p.To, p.peer = netip.AddrPort{}, netip.Addr{}, packetPeer{}
}

// free clears the packet and gives it back.
func (p *Packet) free() {
	p.clear()
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

// keep has the packet's buffer hold the n bytes that were read into it. Data
// ends where they do, so that appending to it moves it: a reply is gathered in
// the rest.
func (p *Packet) keep(n int) {
	p.got, p.Data = n, p.buf[:n:n]
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
