package socketserver

import (
	"context"
)

// Draining reports whether Shutdown or Close was called.
func (s *PacketServer) Draining() bool { return s.draining.Load() }

// Shutdown stops reading, and waits until what was read before has been
// handled and answered, or ctx is done; then it does what Close does and
// returns ctx's error. What is still in a socket's buffer is lost.
func (s *PacketServer) Shutdown(ctx context.Context) error {
	for _, k := range s.stopReading() {
		select {
		case <-k.idle:
		case <-ctx.Done():
			s.Close()
			return ctx.Err()
		}
	}
	return s.Close()
}

// Close stops reading, and throws away what waits for a handler. Serve returns
// without waiting for handlers, and closes its socket: those that still run go
// on, but their replies fail. Children of the model Process are sent SIGTERM,
// and SIGKILL after Fork.KillAfter. (With Inline it is Serve that runs the
// handler, which it finishes.)
func (s *PacketServer) Close() error {
	s.stopReading()
	s.mu.Lock()
	select {
	case <-s.done:
		s.mu.Unlock()
		return nil
	default:
	}
	close(s.done)
	s.mu.Unlock()
	s.memory.close()
	s.queue.close()
	return nil
}

// isCut reports whether Close was called.
func (s *PacketServer) isCut() bool {
	select {
	case <-s.done:
		return true
	default:
		return false
	}
}

// stopReading wakes the readers and returns their sockets.
func (s *PacketServer) stopReading() []*packetSocket {
	s.init()
	s.draining.Store(true)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	sockets := make([]*packetSocket, 0, len(s.sockets))
	for k := range s.sockets {
		k.pc.SetReadDeadline(longAgo)
		sockets = append(sockets, k)
	}
	return sockets
}
