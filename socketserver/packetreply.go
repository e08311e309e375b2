package socketserver

import "sync"

// Write adds to the reply, which is sent when the handler has returned, with
// those to other datagrams in one system call where that can be: it may then
// wait for about a millisecond while another handler runs. A Write of nothing
// sends an empty datagram if no other Write adds to it. What does not fit a
// datagram (65,535 bytes, or MaxDatagram if that is more) is ErrTooLong.
func (p *Packet) Write(b []byte) (int, error) {
	if p.out == nil {
		p.openOut()
	}
	n := len(p.out) + len(b)
	if n > max(DefaultMaxDatagram, p.sock.srv.maxDatagram()) {
		return 0, ErrTooLong
	}
	if n > cap(p.out) && p.lent == nil {
		p.moveOut()
	}
	p.out = append(p.out, b...)
	return len(b), nil
}

// Reply sends b to who sent the datagram, at once, from the address that it
// was sent to. It may be called more than once.
func (p *Packet) Reply(b []byte) error {
	gathered, lent := p.out, p.lent
	p.out, p.lent = nil, nil
	p.moveOut()
	p.out = append(p.out, b...)
	p.one[0] = p
	p.sock.send(p.one[:])
	err := p.err
	p.dropOut()
	p.out, p.lent, p.err = gathered, lent, nil
	return err
}

// outPool has buffers for replies that do not fit behind their datagram.
var outPool = sync.Pool{New: func() any { b := make([]byte, 0, smallDatagram); return &b }}

// openOut has out be empty, but there, in what the datagram leaves of buf.
func (p *Packet) openOut() {
	if p.got < len(p.buf) {
		p.out = p.buf[p.got:p.got]
		return
	}
	p.moveOut()
}

// moveOut moves out to a buffer of outPool.
func (p *Packet) moveOut() {
	p.lent = outPool.Get().(*[]byte)
	p.out = append((*p.lent)[:0], p.out...)
}

// dropOut forgets what was written.
func (p *Packet) dropOut() {
	if p.lent != nil {
		*p.lent = p.out[:0]
		outPool.Put(p.lent)
	}
	p.out, p.lent = nil, nil
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
