package socketserver

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"time"
)

// Datagrams and the model Process. A child is given the server's socket, to
// reply, and a socket from which it reads the datagram and who sent it.

// mayFork says why no child can be given datagrams of pc.
func (s *PacketServer) mayFork(pc net.PacketConn) error {
	if !canFork {
		return ErrNoProcesses
	}
	if _, ok := os.LookupEnv(childEnv); ok {
		return ErrNoInChild
	}
	f, err := duplicate(pc)
	if err != nil {
		return fmt.Errorf("socketserver: hand %s to a child: %w", pc.LocalAddr(), err)
	}
	return f.Close()
}

// handleInChild has a child handle p and waits for its end.
func (s *PacketServer) handleInChild(p *Packet) {
	s.forks.hold()
	defer s.forks.release()
	ch, err := s.startChild(p)
	if err != nil {
		s.childFailed(p, &ChildError{Name: s.Name, Err: err})
		return
	}
	ended := make(chan struct{})
	go s.killWhenClosed(ch, ended)
	state, err := ch.wait()
	close(ended)
	if (err != nil || !state.Success()) && !s.isCut() {
		s.childFailed(p, &ChildError{Name: s.Name, PID: ch.process.Pid, State: state, Err: err})
	}
}

func (s *PacketServer) childFailed(p *Packet, err error) {
	s.counts.failed.Add(1)
	s.fault(p, err)
}

// startChild starts a child and sends it p.
func (s *PacketServer) startChild(p *Packet) (*child, error) {
	socket, err := duplicate(p.sock.pc)
	if err != nil {
		return nil, err
	}
	defer socket.Close()
	ours, theirs, err := socketPair()
	if err != nil {
		return nil, err
	}
	defer ours.Close()
	kind, name := s.forkName()
	ch, err := s.forks.start(&s.Fork, kind, name, socket, theirs)
	theirs.Close()
	if err != nil {
		return nil, err
	}
	// What a child does not read because it has ended is its own failure.
	ours.Write(p.appendForChild(nil))
	return ch, nil
}

// killWhenClosed ends a child that runs when the server is closed.
func (s *PacketServer) killWhenClosed(ch *child, ended <-chan struct{}) {
	select {
	case <-ended:
		return
	case <-s.done:
	}
	if s.Fork.killAfter() > 0 {
		ch.terminate()
		select {
		case <-ended:
			return
		case <-time.After(s.Fork.killAfter()):
		}
	}
	ch.kill()
}

// appendForChild appends the datagram and who sent it, each part after its
// length.
func (p *Packet) appendForChild(b []byte) []byte {
	from, _ := p.From.MarshalBinary()
	to, _ := p.To.MarshalBinary()
	var unixName []byte
	if a, ok := p.RemoteAddr().(*net.UnixAddr); ok && a != nil {
		unixName = []byte(a.Name)
	}
	for _, part := range [][]byte{from, to, unixName, p.peer.marshal(), p.Data} {
		b = binary.AppendUvarint(b, uint64(len(part)))
		b = append(b, part...)
	}
	return b
}

// errShortPacket is for what a parent never sends.
var errShortPacket = errors.New("socketserver: what came from the parent is no datagram")

// parseForChild undoes appendForChild.
func (p *Packet) parseForChild(b []byte) error {
	var parts [5][]byte
	for i := range parts {
		n, size := binary.Uvarint(b)
		if size <= 0 || n > uint64(len(b)-size) {
			return errShortPacket
		}
		parts[i], b = b[size:][:n], b[size:][n:]
	}
	if len(b) > 0 {
		return errShortPacket
	}
	var from netip.AddrPort
	err := errors.Join(from.UnmarshalBinary(parts[0]), p.To.UnmarshalBinary(parts[1]), p.peer.unmarshal(parts[3]))
	if err != nil {
		return fmt.Errorf("%w: %w", errShortPacket, err)
	}
	p.From = from
	if len(parts[2]) > 0 {
		p.addr = &net.UnixAddr{Net: "unixgram", Name: string(parts[2])}
	}
	p.Data = parts[4]
	return nil
}

func (s *PacketServer) forkName() (kind, name string) { return "packet", s.Name }

// serveChild runs the handler in a child, on the goroutine that called InChild.
// It does not recover: a panic is to end the process with its stack.
func (s *PacketServer) serveChild(files []*os.File) error {
	if len(files) != 2 {
		return errShortPacket
	}
	pc, err := net.FilePacketConn(files[0])
	files[0].Close() // pc is a copy
	if err != nil {
		return err
	}
	defer pc.Close()
	b, err := io.ReadAll(files[1])
	files[1].Close()
	if err != nil {
		return err
	}
	s.init()
	k := &packetSocket{srv: s, pc: pc, idle: make(chan struct{})}
	k.io = newPacketIO(k, 1)
	defer k.io.release()
	p := &Packet{sock: k}
	if err := p.parseForChild(b); err != nil {
		return err
	}
	s.Handler(p)
	if p.out == nil {
		return nil
	}
	p.one[0] = p
	k.send(p.one[:])
	return p.err
}

// drainChild has Draining say so.
func (s *PacketServer) drainChild() { s.draining.Store(true) }
