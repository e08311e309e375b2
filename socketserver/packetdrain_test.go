package socketserver_test

import (
	"context"
	"errors"
	"net"
	"testing"
	"time"

	"freshet/socketserver"
)

func TestPacketShutdownDrains(t *testing.T) {
	for _, m := range everyPacketModel {
		t.Run(m.String(), func(t *testing.T) {
			pc := listenPacket(t, "udp")
			g := newGate()
			s := &socketserver.PacketServer{Model: m, MaxHandlers: 2, Handler: g.handle}
			c := dialPacket(t, pc.LocalAddr())
			for range 20 {
				c.send("wait")
			}
			served := make(chan error, 1)
			go func() { served <- s.Serve(pc) }()
			<-g.began
			eventually(t, "all are read", func() bool { return s.Stats().Received == 20 })
			ended := make(chan error, 1)
			go func() { ended <- s.Shutdown(context.Background()) }()
			eventually(t, "it drains", s.Draining)
			select {
			case err := <-ended:
				t.Fatalf("Shutdown has not waited: %v", err)
			default:
			}
			close(g.open)
			if err := <-ended; err != nil {
				t.Error(err)
			}
			for range 20 {
				c.receive()
			}
			if err := <-served; err != socketserver.ErrServerClosed {
				t.Error(err)
			}
			if st := s.Stats(); st.Handled != 20 || st.Replies != 20 || st.Waiting != 0 {
				t.Errorf("%+v", st)
			}
			// Who has sent the last replies may not have come to its end yet.
			eventually(t, "none runs", func() bool { return s.Stats().Running == 0 })
			if err := s.Serve(listenPacket(t, "udp")); err != socketserver.ErrServerClosed {
				t.Errorf("Serve after that: %v", err)
			}
		})
	}
}

func TestPacketShutdownRunsOut(t *testing.T) {
	for _, close1 := range []bool{true, false} {
		pc := listenPacket(t, "udp")
		g := newGate()
		s := &socketserver.PacketServer{Model: socketserver.Pool(2), Handler: g.handle, OnError: func(*socketserver.Packet, error) {}}
		served := make(chan error, 1)
		go func() { served <- s.Serve(pc) }()
		c := dialPacket(t, pc.LocalAddr())
		for range 10 {
			c.send("wait")
		}
		<-g.began
		<-g.began
		eventually(t, "all are read", func() bool { return s.Stats().Received == 10 })
		if close1 {
			s.Close()
		} else {
			ctx, cancel := context.WithTimeout(context.Background(), time.Millisecond)
			defer cancel()
			if err := s.Shutdown(ctx); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("Shutdown: %v", err)
			}
		}
		if err := <-served; err != socketserver.ErrServerClosed {
			t.Errorf("Serve: %v", err)
		}
		close(g.open)
		eventually(t, "handlers have returned", func() bool {
			st := s.Stats()
			return st.Handled == 2 && st.Discarded == 8 && st.Unsent == 2
		})
	}
}

func TestPacketServeContext(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	s := &socketserver.PacketServer{Handler: echoPacket}
	pc := listenPacket(t, "udp")
	served := make(chan error, 1)
	go func() { served <- s.ServeContext(ctx, pc) }()
	dialPacket(t, pc.LocalAddr()).ask("hello")
	cancel()
	if err := <-served; err != nil {
		t.Error(err)
	}
}

// A socket that fails for good ends Serve.
func TestPacketServeEndsWithSocket(t *testing.T) {
	for _, m := range everyPacketModel {
		pc := listenPacket(t, "udp")
		s := &socketserver.PacketServer{Model: m, Handler: echoPacket}
		served := make(chan error, 1)
		go func() { served <- s.Serve(pc) }()
		dialPacket(t, pc.LocalAddr()).ask("hello")
		pc.Close()
		if err := <-served; !errors.Is(err, net.ErrClosed) {
			t.Errorf("Serve: %v", err)
		}
	}
}

// stuckPackets is a socket without deadlines: only closing it ends a read.
type stuckPackets struct{ net.PacketConn }

func (stuckPackets) SetReadDeadline(time.Time) error { return errors.ErrUnsupported }

func TestPacketCloseEndsRead(t *testing.T) {
	pc := stuckPackets{listenPacket(t, "udp")}
	s := &socketserver.PacketServer{Handler: echoPacket}
	served := make(chan error, 1)
	go func() { served <- s.Serve(pc) }()
	dialPacket(t, pc.LocalAddr()).ask("hello")
	s.Close()
	if err := <-served; err != socketserver.ErrServerClosed {
		t.Error(err)
	}
}
