// Program udpecho sends each datagram back to who sent it:
//
//	udpecho -model pool 127.0.0.1:7007
//	udpecho unixgram:/tmp/echo.sock
//
// It shows the models of a datagram server: who runs the handler is one word.
// With -model process each datagram is handled by a process of its own.
//
// A sender can forge another echo's address, or that of a service that answers
// whatever it gets; two such would go on answering each other for ever. So what
// comes from a port of such services, or from this program's own number, gets no
// answer.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"net/netip"
	"os"
	"os/signal"
	"syscall"

	"freshet/socketserver"
)

func main() {
	server := &socketserver.PacketServer{Name: "echo", Handler: echo}
	if socketserver.InChild(server) {
		return
	}
	model := flag.String("model", "goroutines", "who runs the handler: inline, pool, goroutines, process")
	flag.Parse()
	if err := run(server, *model, flag.Arg(0)); err != nil {
		log.Fatal(err)
	}
}

// echo reads what was sent, as from a connection, and writes it back.
func echo(p *socketserver.Packet) {
	io.Copy(p, p)
}

func run(server *socketserver.PacketServer, model, addr string) error {
	switch model {
	case "inline":
		server.Model = socketserver.Inline
	case "pool":
		server.Model = socketserver.Pool(4)
	case "process":
		server.Model = socketserver.Process
	case "goroutines":
	default:
		return fmt.Errorf("no model %q", model)
	}
	socket, err := socketserver.ListenPacket(addr, false)
	if err != nil {
		return err
	}
	fmt.Println("echo on", socket.LocalAddr())
	own := 0
	if a, ok := socket.LocalAddr().(*net.UDPAddr); ok {
		own = a.Port
	}
	server.Verify = func(p *socketserver.Packet) bool { return mayAnswer(p.From, own) }
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err = server.ServeContext(ctx, socket)
	fmt.Printf("%+v\n", server.Stats())
	return err
}

// mayAnswer reports whether what comes from an address is a client's; those of
// Unix sockets have none.
func mayAnswer(from netip.AddrPort, own int) bool {
	port := int(from.Port())
	return !from.IsValid() || port >= 1024 && port != own
}
