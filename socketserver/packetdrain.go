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

// Close stops reading, closes the sockets that Serve reads, and throws away what
// waits for a handler. It does not wait for handlers, nor does Serve then: they
// go on, but their replies fail. Children of the model Process are sent SIGTERM,
// and SIGKILL after Fork.KillAfter.
func (s *PacketServer) Close() error {
	sockets := s.stopReading()
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
	for _, k := range sockets {
		if k.ours {
			k.io.dropped() // for the last time
			k.pc.Close()
		}
	}
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
