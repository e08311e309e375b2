//go:build unix

package socketserver_test

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"freshet/socketserver"
)

// packetProgram is what children of this test program run.
func packetProgram() *socketserver.PacketServer {
	return &socketserver.PacketServer{Name: "tests", Model: socketserver.Process, Handler: func(p *socketserver.Packet) {
		switch string(p.Data) {
		case "exit":
			os.Exit(7)
		case "panic":
			panic("on purpose")
		case "hang":
			p.Reply([]byte("hanging"))
			io.Copy(io.Discard, os.Stdin)
			select {}
		case "pid":
			fmt.Fprint(p, os.Getpid())
		case "addr":
			fmt.Fprintf(p, "%v to %v", p.RemoteAddr(), p.To)
		default:
			p.Reply([]byte("first"))
			p.Write(p.Data)
		}
	}}
}

// init is main for children, which are this program with other work.
func init() {
	if strings.HasPrefix(os.Getenv("SOCKETSERVER_CHILD"), "packet:") && socketserver.InChild(packetProgram()) {
		os.Exit(0)
	}
}

func TestPacketProcess(t *testing.T) {
	for _, kind := range packetKinds() {
		t.Run(kind, func(t *testing.T) {
			pc := listenPacket(t, kind)
			s := packetProgram()
			told := make(chan error, 10)
			s.OnError = func(_ *socketserver.Packet, err error) { told <- err }
			servePackets(t, s, pc)
			c := dialPacket(t, pc.LocalAddr())
			long := strings.Repeat("long ", 12000)
			for _, want := range []string{"hello", "", long} {
				if a, b := c.ask(want), c.receive(); a != "first" || b != want {
					t.Errorf("%.20q, %.20q", a, b)
				}
			}
			one, two := c.ask("pid"), c.ask("pid")
			if one == two || one == fmt.Sprint(os.Getpid()) {
				t.Errorf("processes %s and %s", one, two)
			}
			if got := c.ask("addr"); !strings.HasPrefix(got, c.LocalAddr().String()) {
				t.Errorf("from %q, not %v", got, c.LocalAddr())
			}
			// What breaks breaks alone.
			for _, b := range []string{"exit", "panic"} {
				c.send(b)
				var ce *socketserver.ChildError
				if err := <-told; !errors.As(err, &ce) || ce.State == nil || ce.State.Success() {
					t.Errorf("%s: %v", b, err)
				}
				c.ask("well")
				c.receive()
			}
			eventually(t, "all have ended", func() bool { st := s.Stats(); return st.Handled == 10 && st.Running == 0 })
			if st := s.Stats(); st.Failed != 2 {
				t.Errorf("%+v", st)
			}
		})
	}
}

// On a socket with all addresses a child answers from the right one.
func TestPacketProcessReplyAddress(t *testing.T) {
	pc, err := socketserver.ListenPacket(":0", false)
	if err != nil {
		t.Fatal(err)
	}
	servePackets(t, packetProgram(), pc)
	_, port, _ := strings.Cut(strings.TrimPrefix(pc.LocalAddr().String(), "[::]"), ":")
	c := dialPacket(t, addrString("127.0.0.1:"+port))
	if got := c.ask("addr"); !strings.HasPrefix(got, c.LocalAddr().String()+" to ") {
		t.Errorf("%q", got)
	}
}

type addrString string

func (a addrString) Network() string { return "udp" }
func (a addrString) String() string  { return string(a) }

// A child that hangs keeps nobody else waiting, and ends with the server.
func TestPacketProcessHangs(t *testing.T) {
	pc := listenPacket(t, "udp")
	s := packetProgram()
	s.Fork.KillAfter = time.Millisecond
	s.OnError = func(_ *socketserver.Packet, err error) { t.Error(err) }
	servePackets(t, s, pc)
	c := dialPacket(t, pc.LocalAddr())
	if got := c.ask("hang"); got != "hanging" {
		t.Errorf("%q", got)
	}
	c.ask("pid")
	s.Close()
	eventually(t, "the children have ended", func() bool { st := s.Stats(); return st.Handled == 2 && st.Running == 0 })
}

// The default for children is far below that for goroutines.
func TestPacketProcessBound(t *testing.T) {
	pc := listenPacket(t, "udp")
	s := packetProgram()
	s.MaxHandlers = 2
	s.Fork.KillAfter = -1
	servePackets(t, s, pc)
	c := dialPacket(t, pc.LocalAddr())
	for range 4 {
		c.send("hang")
	}
	c.receive()
	c.receive()
	eventually(t, "two run and two wait", func() bool { st := s.Stats(); return st.Running == 2 && st.Waiting == 2 })
	s.Close()
	eventually(t, "the children have ended", func() bool { st := s.Stats(); return st.Handled == 2 && st.Discarded == 2 })
}

func TestPacketProcessNeedsADescriptor(t *testing.T) {
	pc := listenPacket(t, "udp")
	if err := packetProgram().Serve(plainPackets{pc}); err == nil || !strings.Contains(err.Error(), "no descriptor") {
		t.Error(err)
	}
}

func TestPacketProcessHandleRequest(t *testing.T) {
	pc := listenPacket(t, "udp")
	defer pc.Close()
	c := dialPacket(t, pc.LocalAddr())
	c.send("pid")
	if err := packetProgram().HandleRequest(pc); err != nil {
		t.Error(err)
	}
	if got := c.receive(); got == fmt.Sprint(os.Getpid()) {
		t.Error("in this process")
	}
}
