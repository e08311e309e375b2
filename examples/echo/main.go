// Program echo sends back what it is sent (RFC 862), on all addresses that its
// arguments name:
//
//	echo 127.0.0.1:7007 unix:/tmp/echo.sock
//	echo -model process 127.0.0.1:7007
//
// It shows how to serve with each of the models, and how to end: on SIGINT or
// SIGTERM clients have ten seconds to finish.
package main

import (
	"context"
	"flag"
	"io"
	"log"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"freshet/socketserver"
)

func main() {
	server := &socketserver.Server{Name: "echo", Handler: echo, Grace: 10 * time.Second}
	if socketserver.InChild(server) { // first: with -model process, this is what a child does
		return
	}
	model := flag.String("model", "connection", "inline, pool, connection or process")
	flag.Parse()
	models := map[string]socketserver.Model{
		"inline":     socketserver.Inline,
		"pool":       socketserver.Pool(8),
		"connection": socketserver.PerConnection,
		"process":    socketserver.Process,
	}
	server.Model = models[*model]
	server.Queue = true // beyond MaxConns clients wait

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var all sync.WaitGroup
	for _, addr := range flag.Args() {
		l, err := socketserver.Listen(addr, 0)
		if err != nil {
			log.Fatal(err)
		}
		log.Printf("listening on %s", l.Addr())
		all.Go(func() {
			if err := server.ServeContext(ctx, l); err != nil && err != socketserver.ErrServerClosed {
				log.Print(err)
			}
		})
	}
	all.Wait()
}

// echo copies until the client ends its side.
func echo(c *socketserver.Conn) {
	if _, err := io.Copy(c, c); err != nil {
		c.Report(err)
	}
}
