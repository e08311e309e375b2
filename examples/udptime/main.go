// Program udptime answers each datagram with the date and time of day, whatever
// the datagram says (RFC 867):
//
//	udptime 127.0.0.1:1313
//
// An answer that is longer than the question can be turned against somebody
// else, whose address a sender forges; so who asks more often than four times a
// second gets none, and that is decided before a handler runs.
package main

import (
	"context"
	"fmt"
	"log"
	"net/netip"
	"os"
	"os/signal"
	"syscall"
	"time"

	"freshet/socketserver"
)

func main() {
	if len(os.Args) != 2 {
		log.Fatal("usage: udptime ADDRESS")
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := serve(ctx, os.Args[1]); err != nil {
		log.Fatal(err)
	}
}

func serve(ctx context.Context, addr string) error {
	socket, err := socketserver.ListenPacket(addr, false)
	if err != nil {
		return err
	}
	fmt.Println("time of day on", socket.LocalAddr())
	asked := limits{each: 4}
	server := &socketserver.PacketServer{
		Model:       socketserver.Inline, // it is quick
		MaxDatagram: 64,
		Verify:      func(p *socketserver.Packet) bool { return asked.allow(p.From.Addr(), time.Now()) },
		Handler: func(p *socketserver.Packet) {
			p.Write(time.Now().UTC().AppendFormat(nil, "Monday, January 2, 2006 15:04:05-MST\r\n"))
		},
	}
	return server.ServeContext(ctx, socket)
}

// limits counts who has asked in this second. It is for one goroutine: that
// which reads.
type limits struct {
	each   int // answers for one address
	second time.Time
	count  map[netip.Addr]int
}

// allow reports whether from may have another answer. In one second no more
// than 100,000 addresses are told apart; further ones have to wait.
func (l *limits) allow(from netip.Addr, now time.Time) bool {
	if s := now.Truncate(time.Second); !s.Equal(l.second) {
		l.second, l.count = s, make(map[netip.Addr]int)
	}
	if l.count[from] >= l.each || len(l.count) >= 100_000 {
		return false
	}
	l.count[from]++
	return true
}
