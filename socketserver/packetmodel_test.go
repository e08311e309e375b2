package socketserver_test

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"freshet/socketserver"
)

// gate is a handler that tells when it begins and waits to be let go.
type gate struct {
	began chan string
	open  chan struct{}
	now   atomic.Int32
	most  atomic.Int32
}

func newGate() *gate {
	return &gate{began: make(chan string, 1000), open: make(chan struct{})}
}

func (g *gate) handle(p *socketserver.Packet) {
	n := g.now.Add(1)
	for m := g.most.Load(); n > m && !g.most.CompareAndSwap(m, n); m = g.most.Load() {
	}
	g.began <- string(p.Data)
	<-g.open
	g.now.Add(-1)
	p.Write(p.Data)
}

// Each model runs as many handlers at once as it says, and no more: the others
// wait and come later, in order.
func TestPacketModelsAtOnce(t *testing.T) {
	for _, c := range []struct {
		model socketserver.Model
		most  int
	}{{socketserver.Inline, 1}, {socketserver.Pool(3), 3}, {socketserver.PerConnection, 5}} {
		t.Run(c.model.String(), func(t *testing.T) {
			pc := listenPacket(t, "udp")
			g := newGate()
			s := &socketserver.PacketServer{Model: c.model, MaxHandlers: 5, Handler: g.handle}
			servePackets(t, s, pc)
			client := dialPacket(t, pc.LocalAddr())
			const all = 10
			for i := range all {
				client.send(strconv.Itoa(i))
			}
			for range c.most {
				<-g.began
			}
			if c.model != socketserver.Inline {
				eventually(t, "the others wait", func() bool { st := s.Stats(); return st.Waiting == all-c.most && st.Running == c.most })
			}
			close(g.open)
			for range all {
				client.receive()
			}
			if int(g.most.Load()) != c.most {
				t.Errorf("%d at once", g.most.Load())
			}
		})
	}
}

// One handler that takes long keeps no other datagram waiting, except Inline's,
// which keeps all of them.
func TestPacketSlowHandler(t *testing.T) {
	for _, m := range everyPacketModel {
		t.Run(m.String(), func(t *testing.T) {
			pc := listenPacket(t, "udp")
			began, done := make(chan struct{}), make(chan struct{})
			var after atomic.Int32
			s := &socketserver.PacketServer{Model: m, Handler: func(p *socketserver.Packet) {
				if string(p.Data) == "slow" {
					close(began)
					<-done
				} else {
					after.Add(1)
				}
				p.Write(p.Data)
			}}
			servePackets(t, s, pc)
			c := dialPacket(t, pc.LocalAddr())
			c.send("slow")
			<-began
			if m == socketserver.Inline {
				c.send("quick")
				if after.Load() != 0 {
					t.Error("two handlers at once")
				}
				close(done)
				if a, b := c.receive(), c.receive(); a != "slow" || b != "quick" {
					t.Errorf("%q before %q", a, b)
				}
				return
			}
			for range 50 {
				if got := c.ask("quick"); got != "quick" {
					t.Errorf("%q", got)
				}
			}
			close(done)
			if got := c.receive(); got != "slow" {
				t.Errorf("%q", got)
			}
		})
	}
}

// A reply that waits to be sent with others does not wait for a handler that
// takes long.
func TestPacketReplyBeforeSlowHandler(t *testing.T) {
	for _, m := range []socketserver.Model{socketserver.Inline, socketserver.Pool(1)} {
		t.Run(m.String(), func(t *testing.T) {
			pc := listenPacket(t, "udp")
			c := dialPacket(t, pc.LocalAddr())
			c.send("quick")
			c.send("slow") // is read together with the first
			done := make(chan struct{})
			servePackets(t, &socketserver.PacketServer{Model: m, Handler: func(p *socketserver.Packet) {
				p.Write(p.Data)
				if string(p.Data) == "slow" {
					<-done
				}
			}}, pc)
			if got := c.receive(); got != "quick" {
				t.Errorf("%q", got)
			}
			close(done)
			if got := c.receive(); got != "slow" {
				t.Errorf("%q", got)
			}
		})
	}
}

// lostBeforeSockets counts what this machine's processors had no room for
// before it was known which socket it was for. Other programs' datagrams count.
func lostBeforeSockets() (n int) {
	b, _ := os.ReadFile("/proc/net/softnet_stat")
	for line := range strings.Lines(string(b)) {
		if f := strings.Fields(line); len(f) > 1 {
			d, _ := strconv.ParseUint(f[1], 16, 32)
			n += int(d)
		}
	}
	return n
}

// A flood costs no more goroutines and memory than the limits say. Each
// datagram is handled or the kernel has counted it as dropped.
func TestPacketFlood(t *testing.T) {
	for _, m := range everyPacketModel {
		t.Run(m.String(), func(t *testing.T) {
			pc := listenPacket(t, "udp")
			const sent = 20000
			var handled, most atomic.Int64
			before := runtime.NumGoroutine()
			s := &socketserver.PacketServer{Model: m, MaxHandlers: 20, Queue: 100, Handler: func(p *socketserver.Packet) {
				if n := handled.Add(1); n%64 == 0 {
					if g := int64(runtime.NumGoroutine()); g > most.Load() {
						most.Store(g)
					}
					runtime.Gosched() // the flood is faster
				}
				p.Write(p.Data)
			}}
			servePackets(t, s, pc)
			c := dialPacket(t, pc.LocalAddr())
			var m0, m1 runtime.MemStats
			runtime.ReadMemStats(&m0)
			b := make([]byte, 512)
			defer func() { t.Logf("%+v", s.Stats()) }()
			lost := lostBeforeSockets()
			for i := range sent {
				b[0] = byte(i)
				if _, err := c.Write(b); err != nil {
					t.Fatal(err)
				}
				if i%500 != 499 { // more at once may not come as far as the socket
					continue
				}
				eventually(t, "all are accounted for", func() bool {
					st := s.Stats()
					missing := i + 1 - int(st.Handled+st.Dropped)
					return st.Handled == st.Received && (missing <= lostBeforeSockets()-lost || runtime.GOOS != "linux")
				})
			}
			runtime.ReadMemStats(&m1)
			if extra := int(most.Load()) - before; extra > 20+10 {
				t.Errorf("%d more goroutines", extra)
			}
			if grown := int64(m1.HeapInuse+m1.StackInuse) - int64(m0.HeapInuse+m0.StackInuse); grown > 16<<20 {
				t.Errorf("%d more bytes", grown)
			}
		})
	}
}

// Long datagrams share a bounded memory, and all have their turn.
func TestPacketMemory(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("without Unix datagrams")
	}
	for _, m := range everyPacketModel {
		t.Run(m.String(), func(t *testing.T) {
			pc := listenPacket(t, "unixgram")
			var at, most atomic.Int64
			s := &socketserver.PacketServer{Model: m, Memory: 1, Handler: func(p *socketserver.Packet) {
				if n := at.Add(1); n > most.Load() {
					most.Store(n)
				}
				runtime.Gosched()
				at.Add(-1)
				p.Reply([]byte{p.Data[0]})
			}, ReplyTimeout: 20 * time.Second}
			servePackets(t, s, pc)
			c := dialPacket(t, pc.LocalAddr())
			go func() {
				b := make([]byte, 60000)
				for i := range 200 {
					b[0] = byte(i)
					c.Write(b)
				}
			}()
			for range 200 {
				c.receive()
			}
			if most.Load() > 2 {
				t.Errorf("%d of 64 KiB at once", most.Load())
			}
		})
	}
}

// A receiver that does not read costs its own replies, after a time.
func TestPacketDeafClient(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("without Unix datagrams")
	}
	pc := listenPacket(t, "unixgram")
	var mu sync.Mutex
	var told []error
	s := &socketserver.PacketServer{Model: socketserver.Inline, Handler: echoPacket, ReplyTimeout: time.Millisecond,
		OnError: func(_ *socketserver.Packet, err error) {
			mu.Lock()
			defer mu.Unlock()
			told = append(told, err)
		}}
	servePackets(t, s, pc)
	deaf, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Net: "unixgram", Name: filepath.Join(t.TempDir(), "deaf")})
	if err != nil {
		t.Fatal(err)
	}
	defer deaf.Close()
	for s.Stats().Unsent < 3 {
		deaf.WriteTo([]byte("is there anybody"), pc.LocalAddr())
	}
	well := dialPacket(t, pc.LocalAddr())
	if got := well.ask("here"); got != "here" {
		t.Errorf("%q", got)
	}
	s.Close()
	mu.Lock()
	defer mu.Unlock()
	var oe *net.OpError
	if len(told) < 3 || !errors.As(told[0], &oe) || oe.Addr == nil || oe.Addr.String() != deaf.LocalAddr().String() {
		t.Errorf("%v", told)
	}
}

// Who has no address gets no answer, and others still do.
func TestPacketWithoutSender(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("without Unix datagrams")
	}
	pc := listenPacket(t, "unixgram")
	told := make(chan error, 2)
	servePackets(t, &socketserver.PacketServer{Handler: func(p *socketserver.Packet) {
		if string(p.Data) == "nameless" {
			if a := p.RemoteAddr(); a != nil {
				t.Errorf("from %v", a)
			}
			told <- p.Reply(nil)
		}
		p.Write(p.Data)
	}, OnError: func(_ *socketserver.Packet, err error) { told <- err }}, pc)
	nameless, err := net.Dial("unixgram", pc.LocalAddr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer nameless.Close()
	nameless.Write([]byte("nameless"))
	for range 2 {
		if err := <-told; !errors.Is(err, socketserver.ErrNoSender) {
			t.Errorf("%v", err)
		}
	}
	if got := dialPacket(t, pc.LocalAddr()).ask("named"); got != "named" {
		t.Errorf("%q", got)
	}
}

// A client that has gone (ICMP says so) stops nothing.
func TestPacketClientGone(t *testing.T) {
	for _, m := range everyPacketModel {
		pc := listenPacket(t, "udp")
		began, open := make(chan struct{}), make(chan struct{})
		servePackets(t, &socketserver.PacketServer{Model: m, Handler: func(p *socketserver.Packet) {
			if string(p.Data) == "gone" {
				close(began)
				<-open
				for range 10 {
					p.Reply(p.Data)
				}
			}
			p.Write(p.Data)
		}}, pc)
		c := dialPacket(t, pc.LocalAddr())
		c.send("gone")
		<-began
		c.Close()
		close(open)
		next := dialPacket(t, pc.LocalAddr())
		for range 20 {
			if got := next.ask("here"); got != "here" {
				t.Errorf("%q", got)
			}
		}
	}
}

func TestPacketHandleRequest(t *testing.T) {
	for _, kind := range packetKinds() {
		t.Run(kind, func(t *testing.T) {
			pc := listenPacket(t, kind)
			defer pc.Close()
			timeouts := 0
			s := &socketserver.PacketServer{Handler: echoPacket, Timeout: 5 * time.Millisecond, OnTimeout: func() { timeouts++ },
				Verify: func(p *socketserver.Packet) bool { return string(p.Data) != "refused" }}
			if err := s.HandleRequest(pc); !errors.Is(err, os.ErrDeadlineExceeded) || timeouts != 1 {
				t.Errorf("nothing came: %v, %d times", err, timeouts)
			}
			s = &socketserver.PacketServer{Handler: echoPacket, Verify: s.Verify}
			c := dialPacket(t, pc.LocalAddr())
			for _, b := range []string{"one", "refused", "two", "three"} {
				c.send(b)
			}
			for _, want := range []string{"one", "refused", "two"} { // one at a time: "three" stays in the socket
				if err := s.HandleRequest(pc); (want == "refused") != errors.Is(err, socketserver.ErrRefused) {
					t.Errorf("%s: %v", want, err)
				}
			}
			if a, b := c.receive(), c.receive(); a != "one" || b != "two" {
				t.Errorf("%q, %q", a, b)
			}
			b := make([]byte, 10)
			if n, _, err := pc.ReadFrom(b); err != nil || string(b[:n]) != "three" {
				t.Errorf("left in the socket: %q, %v", b[:n], err)
			}
			ended := make(chan error, 1)
			go func() { ended <- s.HandleRequest(pc) }()
			s.Shutdown(context.Background())
			if err := <-ended; err != socketserver.ErrServerClosed {
				t.Errorf("shut down while it waits: %v", err)
			}
		})
	}
}

func TestPacketReceiveBuffer(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("systems differ in what they grant")
	}
	pc := listenPacket(t, "udp")
	g := newGate()
	s := &socketserver.PacketServer{Model: socketserver.Inline, Batch: 1, ReceiveBuffer: 8 << 10, Handler: g.handle}
	servePackets(t, s, pc)
	c := dialPacket(t, pc.LocalAddr())
	c.send("first")
	<-g.began
	b := make([]byte, 1000)
	for range 200 {
		c.Write(b)
	}
	// While nothing is read. The default has room for about 90; what was sent
	// is on its way for a moment where the machine is busy.
	eventually(t, "170 of 200 are dropped", func() bool { return s.Stats().Dropped >= 170 })
	close(g.open)
}

// What the kernel dropped is still known when the server is closed.
func TestPacketDroppedAfterClose(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux tells")
	}
	pc := listenPacket(t, "udp")
	g := newGate()
	s := &socketserver.PacketServer{Model: socketserver.Inline, Batch: 1, ReceiveBuffer: 8 << 10, Handler: g.handle, OnError: func(*socketserver.Packet, error) {}}
	served := make(chan error, 1)
	go func() { served <- s.Serve(pc) }()
	c := dialPacket(t, pc.LocalAddr())
	c.send("first")
	<-g.began
	for range 200 {
		c.Write(make([]byte, 1000))
	}
	s.Close()
	close(g.open)
	<-served
	if st := s.Stats(); st.Dropped < 170 || st.Unsent != 1 {
		t.Errorf("%+v", st)
	}
}

// Two sockets of one server, one of them a file's.
func TestPacketTwoSockets(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("without Unix datagrams")
	}
	path := filepath.Join(t.TempDir(), "s")
	s := &socketserver.PacketServer{Model: socketserver.Pool(1), Handler: echoPacket}
	served := make(chan error, 2)
	udp := listenPacket(t, "udp")
	go func() { served <- s.Serve(udp) }()
	go func() { served <- s.ListenAndServe("unixgram:" + path) }()
	eventually(t, "it listens", func() bool { _, err := os.Lstat(path); return err == nil })
	a := dialPacket(t, udp.LocalAddr())
	b := dialPacket(t, &net.UnixAddr{Net: "unixgram", Name: path})
	for range 100 {
		a.send("udp")
		if got := b.ask("unix"); got != "unix" {
			t.Errorf("%q", got)
		}
		if got := a.receive(); got != "udp" {
			t.Errorf("%q", got)
		}
	}
	s.Close()
	<-served
	<-served
	if _, err := os.Lstat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the file stays: %v", err)
	}
}
