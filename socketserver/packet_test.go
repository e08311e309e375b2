package socketserver_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"freshet/socketserver"
)

// listenPacket opens a socket of a kind: "udp", "unixgram" or "abstract".
func listenPacket(t *testing.T, kind string) net.PacketConn {
	t.Helper()
	var addr string
	switch kind {
	case "udp":
		addr = "127.0.0.1:0"
	case "abstract":
		addr = "unixgram:@freshet-test-" + filepath.Base(t.TempDir())
	default:
		addr = "unixgram:" + filepath.Join(t.TempDir(), "s")
	}
	pc, err := socketserver.ListenPacket(addr, false)
	if err != nil {
		t.Fatal(err)
	}
	return pc
}

// packetKinds are the kinds of sockets of this system.
func packetKinds() []string {
	switch runtime.GOOS {
	case "windows":
		return []string{"udp"}
	case "linux":
		return []string{"udp", "unixgram", "abstract"}
	}
	return []string{"udp", "unixgram"}
}

// servePackets serves pc until the test ends.
func servePackets(t *testing.T, s *socketserver.PacketServer, pc net.PacketConn) {
	t.Helper()
	if s.ErrorLog == nil {
		s.ErrorLog = log.New(t.Output(), "", 0)
	}
	served := make(chan error, 1)
	go func() { served <- s.Serve(pc) }()
	t.Cleanup(func() {
		s.Close()
		if err := <-served; err != socketserver.ErrServerClosed {
			t.Errorf("Serve: %v", err)
		}
		// Close does not wait for handlers, which may still log something here.
		eventually(t, "no handler runs", func() bool { return s.Stats().Running == 0 })
	})
}

// packetClient is a client of one server.
type packetClient struct {
	t *testing.T
	net.Conn
}

// dialPacket makes a client of the server at addr, which has an address itself.
func dialPacket(t *testing.T, addr net.Addr) packetClient {
	t.Helper()
	var c net.Conn
	var err error
	if u, ok := addr.(*net.UnixAddr); ok {
		own := &net.UnixAddr{Net: "unixgram", Name: filepath.Join(t.TempDir(), "c")}
		c, err = net.DialUnix("unixgram", own, u)
	} else {
		c, err = net.Dial("udp", addr.String())
	}
	if err != nil {
		t.Fatal(err)
	}
	c.SetDeadline(time.Now().Add(patience))
	t.Cleanup(func() { c.Close() })
	return packetClient{t, c}
}

func (c packetClient) send(b string) {
	c.t.Helper()
	if _, err := io.WriteString(c, b); err != nil {
		c.t.Fatal(err)
	}
}

func (c packetClient) receive() string {
	c.t.Helper()
	b := make([]byte, 1<<17)
	n, err := c.Read(b)
	if err != nil {
		c.t.Fatal(err)
	}
	return string(b[:n])
}

func (c packetClient) ask(b string) string {
	c.t.Helper()
	c.send(b)
	return c.receive()
}

func echoPacket(p *socketserver.Packet) { io.Copy(p, p) }

// eventually polls a condition that nobody signals: counts, what the kernel says.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for late := time.Now().Add(patience); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(late) {
			t.Fatalf("never: %s", what)
		}
	}
}

// everyPacketModel are the models, for handlers that do not mind.
var everyPacketModel = []socketserver.Model{socketserver.Inline, socketserver.Pool(3), socketserver.PerConnection}

// plainPackets hides what kind of socket it is, so that it is read by its
// methods alone.
type plainPackets struct{ net.PacketConn }

func TestPacketEcho(t *testing.T) {
	for _, kind := range packetKinds() {
		for _, m := range everyPacketModel {
			for _, plain := range []bool{false, true} {
				t.Run(fmt.Sprint(kind, m, plain), func(t *testing.T) {
					pc := listenPacket(t, kind)
					addr := pc.LocalAddr()
					if plain {
						pc = plainPackets{pc}
					}
					s := &socketserver.PacketServer{Model: m, Handler: echoPacket, ReplyTimeout: 10 * time.Second}
					servePackets(t, s, pc)
					c := dialPacket(t, addr)
					long := strings.Repeat("0123456789", 6000)
					for _, want := range []string{"one", "two", long[:2048], long[:2049], long[:4097], long, "three"} {
						if got := c.ask(want); got != want {
							t.Fatalf("sent %d bytes, got %d: %.20q", len(want), len(got), got)
						}
					}
					eventually(t, "all are counted", func() bool {
						st := s.Stats()
						return st.Received == 7 && st.Handled == 7 && st.Replies == 7 && st.Unsent == 0 && st.Running == 0
					})
				})
			}
		}
	}
}

// A broadcast is answered from an address of the server.
func TestPacketBroadcast(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux tells which address a datagram was sent to")
	}
	for _, host := range []string{"0.0.0.0", "[::]"} {
		pc, err := socketserver.ListenPacket(host+":0", false)
		if err != nil {
			t.Skip(err)
		}
		to := make(chan string, 1)
		servePackets(t, &socketserver.PacketServer{Handler: func(p *socketserver.Packet) {
			to <- p.To.String()
			p.Write(p.Data)
		}}, pc)
		client, err := net.ListenPacket("udp4", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer client.Close()
		client.SetDeadline(time.Now().Add(patience))
		port := pc.LocalAddr().(*net.UDPAddr).Port
		if _, err := client.WriteTo([]byte("all"), &net.UDPAddr{IP: net.IPv4(127, 255, 255, 255), Port: port}); err != nil {
			t.Skip(err)
		}
		b := make([]byte, 10)
		n, from, err := client.ReadFrom(b)
		if err != nil || string(b[:n]) != "all" || from.String() != fmt.Sprintf("127.0.0.1:%d", port) {
			t.Errorf("%q from %v, %v", b[:n], from, err)
		}
		if got := <-to; got != "127.255.255.255" {
			t.Errorf("to %s", got)
		}
	}
}

// What a client hears comes from the address that it spoke to, also when the
// server's socket has all addresses.
func TestPacketReplyAddress(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux tells which address a datagram was sent to")
	}
	for _, c := range []struct{ listen, to string }{
		{"0.0.0.0", "127.0.0.1"}, {"0.0.0.0", "127.0.0.2"},
		{"", "127.0.0.1"}, {"", "127.0.0.2"}, {"", "::1"},
		{"[::]", "127.0.0.2"}, {"[::]", "::1"}, {"127.0.0.2", "127.0.0.2"}, {"[::1]", "::1"},
	} {
		t.Run(c.listen+" "+c.to, func(t *testing.T) {
			pc, err := socketserver.ListenPacket(c.listen+":0", false)
			if err != nil {
				t.Skip(err)
			}
			said := make(chan netip.Addr, 1)
			servePackets(t, &socketserver.PacketServer{Handler: func(p *socketserver.Packet) {
				said <- p.To
				if p.From.Addr().Is4In6() {
					t.Errorf("from %v", p.From)
				}
				p.Reply([]byte("at once"))
				p.Write([]byte("then"))
			}}, pc)
			to := netip.MustParseAddr(c.to)
			// An unconnected client, which sees who answers.
			client, err := net.ListenPacket("udp", net.JoinHostPort(c.to, "0"))
			if err != nil {
				t.Skip(err)
			}
			defer client.Close()
			client.SetDeadline(time.Now().Add(patience))
			port := uint16(pc.LocalAddr().(*net.UDPAddr).Port)
			if _, err := client.WriteTo([]byte("x"), net.UDPAddrFromAddrPort(netip.AddrPortFrom(to, port))); err != nil {
				t.Skip(err)
			}
			for _, want := range []string{"at once", "then"} {
				b := make([]byte, 100)
				n, from, err := client.ReadFrom(b)
				if err != nil {
					t.Fatal(err)
				}
				if got := from.(*net.UDPAddr).AddrPort(); string(b[:n]) != want || got.Addr().Unmap() != to || got.Port() != port {
					t.Errorf("%q from %v", b[:n], got)
				}
			}
			if got := <-said; got != to {
				t.Errorf("To is %v", got)
			}
		})
	}
}

func TestPacketTooLong(t *testing.T) {
	for _, most := range []int{100, 3000} {
		for _, plain := range []bool{false, true} {
			t.Run(fmt.Sprint(most, plain), func(t *testing.T) {
				pc := listenPacket(t, "udp")
				addr := pc.LocalAddr()
				if plain {
					pc = plainPackets{pc}
				}
				s := &socketserver.PacketServer{Handler: echoPacket, MaxDatagram: most, Model: socketserver.Inline}
				servePackets(t, s, pc)
				c := dialPacket(t, addr)
				c.send(strings.Repeat("l", most+1))
				c.send(strings.Repeat("l", 3*most))
				want := strings.Repeat("w", most)
				if got := c.ask(want); got != want {
					t.Errorf("got %d bytes: %.10q", len(got), got)
				}
				if st := s.Stats(); st.Truncated != 2 || st.Received != 3 || st.Handled != 1 {
					t.Errorf("%+v", st)
				}
			})
		}
	}
}

func TestPacketOfNothing(t *testing.T) {
	pc := listenPacket(t, "udp")
	servePackets(t, &socketserver.PacketServer{Handler: func(p *socketserver.Packet) {
		if n, err := p.Read(make([]byte, 1)); n != 0 || err != io.EOF {
			t.Errorf("read %d, %v", n, err)
		}
		if n, err := p.Read(nil); n != 0 || err != nil {
			t.Errorf("read of nothing %d, %v", n, err)
		}
		io.Copy(p, p)
	}}, pc)
	if got := dialPacket(t, pc.LocalAddr()).ask(""); got != "" {
		t.Errorf("%q", got)
	}
}

func TestPacketReadWriteReply(t *testing.T) {
	pc := listenPacket(t, "udp")
	s := &socketserver.PacketServer{Model: socketserver.Inline}
	s.Handler = func(p *socketserver.Packet) {
		if p.Server() != s {
			t.Error("another server")
		}
		if !strings.HasPrefix(p.RemoteAddr().String(), "127.0.0.1:") || p.RemoteAddr().String() != p.From.String() {
			t.Errorf("from %v, %v", p.RemoteAddr(), p.From)
		}
		head := make([]byte, 2)
		io.ReadFull(p, head)
		rest, _ := io.ReadAll(p)
		p.Write(rest)
		p.Reply(head)
		if _, err := p.Write(make([]byte, 65535)); err != socketserver.ErrTooLong {
			t.Errorf("more than a datagram: %v", err)
		}
		p.Write([]byte("!"))
	}
	servePackets(t, s, pc)
	c := dialPacket(t, pc.LocalAddr())
	if got := c.ask("abcde"); got != "ab" {
		t.Errorf("reply %q", got)
	}
	if got := c.receive(); got != "cde!" {
		t.Errorf("written %q", got)
	}
}

func TestPacketVerify(t *testing.T) {
	pc := listenPacket(t, "udp")
	var told []error
	s := &socketserver.PacketServer{Handler: echoPacket, Model: socketserver.Inline,
		Verify: func(p *socketserver.Packet) bool {
			if string(p.Data) == "panic" {
				panic("verify")
			}
			return p.Data[0] != 'n'
		},
		OnError: func(_ *socketserver.Packet, err error) { told = append(told, err) }}
	servePackets(t, s, pc)
	c := dialPacket(t, pc.LocalAddr())
	c.send("no")
	c.send("panic")
	if got := c.ask("yes"); got != "yes" {
		t.Errorf("%q", got)
	}
	if st := s.Stats(); st.Refused != 2 || st.Handled != 1 {
		t.Errorf("%+v", st)
	}
	var pe *socketserver.PanicError
	if len(told) != 1 || !errors.As(told[0], &pe) || pe.Value != "verify" {
		t.Errorf("%v", told)
	}
}

// A handler that panics, or ends its goroutine, loses its own datagram and
// nothing else.
func TestPacketHandlerBreaks(t *testing.T) {
	for _, m := range everyPacketModel {
		t.Run(m.String(), func(t *testing.T) {
			pc := listenPacket(t, "udp")
			told := make(chan error, 100)
			s := &socketserver.PacketServer{Model: m, Handler: func(p *socketserver.Packet) {
				p.Write(p.Data)
				switch string(p.Data) {
				case "panic":
					panic("on purpose")
				case "exit":
					runtime.Goexit()
				}
			}, OnError: func(p *socketserver.Packet, err error) {
				if string(p.Data) != "panic" {
					t.Errorf("with %q: %v", p.Data, err)
				}
				told <- err
			}}
			servePackets(t, s, pc)
			c := dialPacket(t, pc.LocalAddr())
			for range 5 {
				c.send("panic")
				var pe *socketserver.PanicError
				if err := <-told; !errors.As(err, &pe) || pe.Value != "on purpose" || !bytes.Contains(pe.Stack, []byte("TestPacketHandlerBreaks")) {
					t.Fatal(err)
				}
				if m.String() != "Inline" { // whose goroutine is that of Serve
					if got := c.ask("exit"); got != "exit" {
						t.Errorf("%q", got)
					}
				}
				if got := c.ask("well"); got != "well" {
					t.Errorf("%q", got)
				}
			}
			if st := s.Stats(); st.Failed != 5 {
				t.Errorf("%+v", st)
			}
		})
	}
}

func TestPacketErrorsAreLogged(t *testing.T) {
	pc := listenPacket(t, "udp")
	var b bytes.Buffer
	s := &socketserver.PacketServer{Model: socketserver.Inline, ErrorLog: log.New(&b, "", 0),
		Handler: func(p *socketserver.Packet) {
			if string(p.Data) == "long" {
				p.Write(make([]byte, 65530)) // more than IPv4 has room for
				return
			}
			p.Write(p.Data)
		}}
	servePackets(t, s, pc)
	c := dialPacket(t, pc.LocalAddr())
	c.send("long")
	c.ask("well")
	s.Shutdown(context.Background())
	if st := s.Stats(); st.Unsent != 1 || st.Replies != 1 {
		t.Errorf("%+v", st)
	}
	if !strings.Contains(b.String(), "message too long") && runtime.GOOS != "windows" {
		t.Errorf("log: %q", b.String())
	}
}

func TestListenPacketForms(t *testing.T) {
	if _, err := socketserver.ListenPacket("127.0.0.1:notaport", false); err == nil {
		t.Error("a port that is none")
	}
	if runtime.GOOS == "windows" {
		return
	}
	path := filepath.Join(t.TempDir(), "s")
	pc, err := socketserver.ListenPacket("unixgram:"+path, false)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := socketserver.ListenPacket("unixgram:"+path, false); err == nil {
		t.Error("a socket in use was taken")
	}
	pc.Close()
	if _, err := os.Lstat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the file stays: %v", err)
	}
	stale, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Net: "unixgram", Name: path})
	if err != nil {
		t.Fatal(err)
	}
	stale.Close() // which leaves the file
	if pc, err = socketserver.ListenPacket("unixgram:"+path, false); err != nil {
		t.Fatal(err)
	}
	pc.Close()
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := socketserver.ListenPacket("unixgram:"+path, false); err == nil || !strings.Contains(err.Error(), "not a socket") {
		t.Errorf("a plain file: %v", err)
	}
}

func TestListenPacketReusePort(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Unix systems only")
	}
	a, err := socketserver.ListenPacket("127.0.0.1:0", true)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	b, err := socketserver.ListenPacket(a.LocalAddr().String(), true)
	if err != nil {
		t.Fatal(err)
	}
	b.Close()
	if _, err := socketserver.ListenPacket(a.LocalAddr().String(), false); err == nil {
		t.Error("an address was shared that somebody did not want to share")
	}
}
