package socketserver

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"runtime"
	"syscall"
	"time"
)

// Serve reads datagrams from pc until the server is shut down, and then
// returns ErrServerClosed. It returns, and closes pc, when the handlers of
// what it read have returned, or the server is closed. Errors of a single read
// are logged and waited out, from 5 ms up to 1 s.
//
// Several sockets may be served at once; they share the limits. Serve is at
// its best with the sockets of package net, such as ListenPacket's; others are
// read one datagram at a time.
func (s *PacketServer) Serve(pc net.PacketConn) error {
	s.init()
	k, err := s.open(pc, orDefault(s.Batch, DefaultBatch), true)
	if err != nil {
		pc.Close()
		return err
	}
	s.queue.addReader()
	err = s.readAll(k)
	s.queue.endReader()
	k.release(1)
	select {
	case <-k.idle:
	case <-s.done:
	}
	s.forget(k)
	pc.Close()
	return err
}

// ServeContext is Serve until ctx is done. Then it shuts the server down: it
// returns nil when all handlers returned within Grace, and
// context.DeadlineExceeded when some did not.
func (s *PacketServer) ServeContext(ctx context.Context, pc net.PacketConn) error {
	drained := make(chan error, 1)
	stop := context.AfterFunc(ctx, func() {
		grace := s.Grace
		if grace == 0 {
			grace = DefaultGrace
		}
		within, cancel := context.WithTimeout(context.Background(), max(grace, 0))
		defer cancel()
		drained <- s.Shutdown(within)
	})
	err := s.Serve(pc)
	if stop() { // ctx had no part in it
		return err
	}
	return <-drained
}

// HandleRequest reads one datagram from pc and returns when its handler, or its
// child, has ended; with the other models the handler runs on the calling
// goroutine. pc stays open; its read deadline is removed. When no datagram
// comes within Timeout it calls OnTimeout and returns an error that is
// os.ErrDeadlineExceeded. The error is ErrRefused when the datagram was refused
// by Verify or too long, ErrServerClosed after Shutdown or Close. What goes
// wrong in the handler goes to OnError.
func (s *PacketServer) HandleRequest(pc net.PacketConn) error {
	s.init()
	k, err := s.open(pc, 1, false)
	if err != nil {
		return err
	}
	defer s.forget(k)
	s.mu.Lock()
	k.before = k.io.dropped()
	s.mu.Unlock()
	defer pc.SetReadDeadline(time.Time{})
	if s.Timeout > 0 {
		if err := pc.SetReadDeadline(time.Now().Add(s.Timeout)); err != nil {
			return err
		}
		if s.Draining() { // it may have wanted to wake us before that
			pc.SetReadDeadline(longAgo)
		}
	}
	err = s.readOne(k)
	if s.OnTimeout != nil && errors.Is(err, os.ErrDeadlineExceeded) {
		s.OnTimeout()
	}
	return err
}

// readOne handles what comes first.
func (s *PacketServer) readOne(k *packetSocket) error {
	defer k.release(1)
	defer k.io.release()
	if _, err := s.wait(k); err != nil {
		return err
	}
	k.held.Add(1)
	p := s.take(k, 0)
	if p == nil {
		return ErrRefused
	}
	var box outbox
	defer box.close()
	s.handle(p, &box)
	return nil
}

// open registers pc, so that Shutdown waits for it.
func (s *PacketServer) open(pc net.PacketConn, batch int, ours bool) (*packetSocket, error) {
	k := &packetSocket{srv: s, pc: pc, idle: make(chan struct{}), ours: ours}
	k.held.Store(1)
	if s.ReceiveBuffer > 0 {
		s.growReceiveBuffer(pc)
	}
	if s.Model.kind == process {
		if err := s.mayFork(pc); err != nil {
			return nil, err
		}
	}
	k.io = newPacketIO(k, batch)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		k.io.release()
		return nil, ErrServerClosed
	}
	s.sockets[k] = struct{}{}
	return k, nil
}

// forget undoes open.
func (s *PacketServer) forget(k *packetSocket) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dropped += k.io.dropped() - k.before
	delete(s.sockets, k)
}

// readAll reads until the socket or the server is closed.
func (s *PacketServer) readAll(k *packetSocket) error {
	defer k.io.release()
	var box outbox
	defer box.close()
	batch := orDefault(s.Batch, DefaultBatch)
	for {
		n, err := s.wait(k)
		if err != nil {
			return err
		}
		k.held.Add(int64(n))
		for i := range n {
			p := s.take(k, i)
			switch {
			case p == nil:
			case s.isCut():
				s.discard(p)
			case s.Model.kind == inline:
				s.handle(p, &box)
			case !s.queue.push(p):
				s.discard(p)
			}
		}
		box.flush()
		if s.Model.kind == inline && n == batch {
			// There is more, most likely, and nothing in this loop tells the
			// scheduler: let others have the processor in between.
			runtime.Gosched()
		}
	}
}

// wait waits until datagrams have been read, and returns how many.
func (s *PacketServer) wait(k *packetSocket) (int, error) {
	for failures := 0; ; failures++ {
		if s.Draining() {
			return 0, ErrServerClosed
		}
		n, err := k.io.wait()
		if err == nil {
			s.counts.received.Add(uint64(n))
			return n, nil
		}
		if s.Draining() {
			return 0, ErrServerClosed
		}
		if !passing(err) {
			return 0, err
		}
		if failures == 0 { // the error of an earlier reply, most likely
			continue
		}
		pause := min(5*time.Millisecond<<min(failures-1, 10), time.Second)
		s.logf("read from %s: %v; trying again in %v", k.pc.LocalAddr(), err, pause)
		select {
		case <-time.After(pause):
		case <-s.done:
		}
	}
}

// passing reports whether a socket may be read again after err. Errors that ICMP
// brought for something we had sent are reported to whoever uses the socket
// next.
func passing(err error) bool {
	if errors.Is(err, net.ErrClosed) || errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, io.EOF) {
		return false
	}
	var errno syscall.Errno
	if !errors.As(err, &errno) {
		t, ok := err.(interface{ Temporary() bool })
		return ok && t.Temporary()
	}
	switch errno {
	case syscall.EBADF, syscall.EINVAL, syscall.EFAULT, syscall.ENOTSOCK, syscall.EOPNOTSUPP:
		return false
	}
	return true
}

// take returns the i-th datagram that was read, which held counts, or nil if
// it is not for a handler.
func (s *PacketServer) take(k *packetSocket, i int) *Packet {
	p, why := k.io.take(i)
	if p == nil {
		why.Add(1)
		k.release(1)
		return nil
	}
	if s.Verify != nil && !s.verify(p) {
		s.counts.refused.Add(1)
		p.release()
		return nil
	}
	return p
}

// verify calls Verify; what it panics over is refused.
func (s *PacketServer) verify(p *Packet) (ok bool) {
	defer func() {
		if v := recover(); v != nil {
			s.fault(p, newPanicError(v))
			ok = false
		}
	}()
	return s.Verify(p)
}

// handle has p handled, and then sends its reply and releases it.
func (s *PacketServer) handle(p *Packet, box *outbox) {
	box.before()
	defer s.returned(p, box)
	if s.Model.kind == process {
		s.handleInChild(p)
		return
	}
	s.Handler(p)
}

// returned is deferred by handle.
func (s *PacketServer) returned(p *Packet, box *outbox) {
	if v := recover(); v != nil {
		p.dropOut()
		s.counts.failed.Add(1)
		s.fault(p, newPanicError(v))
	}
	s.counts.handled.Add(1)
	if p.out != nil {
		box.add(p)
		return
	}
	p.release()
}

func newPanicError(v any) *PanicError {
	stack := make([]byte, 64<<10)
	return &PanicError{Value: v, Stack: stack[:runtime.Stack(stack, false)]}
}

// fault says that something went wrong with p.
func (s *PacketServer) fault(p *Packet, err error) {
	if s.OnError != nil {
		defer func() {
			if v := recover(); v != nil {
				s.logf("OnError: %v", newPanicError(v))
			}
		}()
		s.OnError(p, err)
		return
	}
	from := "a socket without a name"
	if a := p.RemoteAddr(); a != nil {
		from = a.String()
	}
	var pe *PanicError
	if errors.As(err, &pe) {
		s.logf("datagram from %s: %v\n%s", from, err, pe.Stack)
		return
	}
	s.logf("datagram from %s: %v", from, err)
}

// discard releases a datagram that no handler will see.
func (s *PacketServer) discard(p *Packet) {
	s.counts.discarded.Add(1)
	p.release()
}
