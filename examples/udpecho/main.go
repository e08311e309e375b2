// Program udpecho sends each datagram back to who sent it:
//
//	udpecho -model pool 127.0.0.1:7007
//	udpecho unixgram:/tmp/echo.sock
//
// It shows the models of a datagram server: who runs the handler is one word.
// With -model process each datagram is handled by a process of its own.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log"
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
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err = server.ServeContext(ctx, socket)
	fmt.Printf("%+v\n", server.Stats())
	return err
}
