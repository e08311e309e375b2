// Program daytime tells the time of day to who connects (RFC 867), on the address
// that its argument names:
//
//	daytime 127.0.0.1:7013
//
// Its handler is so quick that it runs inline: there is one goroutine for all
// clients, and those who come at once wait in the kernel's queue.
package main

import (
	"fmt"
	"log"
	"net"
	"os"
	"time"

	"freshet/socketserver"
)

func main() {
	l, err := socketserver.Listen(os.Args[1], 0)
	if err != nil {
		log.Fatal(err)
	}
	log.Printf("listening on %s", l.Addr())
	server := &socketserver.Server{
		Model:   socketserver.Inline,
		Handler: socketserver.StreamFunc(socketserver.StreamOptions{WriteTimeout: time.Second}, tell),
		Verify:  func(nc net.Conn) bool { return socketserver.RemoteOf(nc).Addr().Unmap().IsLoopback() },
	}
	log.Fatal(server.Serve(l))
}

// tell writes one line; what the client sends is not read.
func tell(s *socketserver.Stream) error {
	_, err := fmt.Fprintf(s, "%s\r\n", time.Now().Format("Monday, January 2, 2006 15:04:05-MST"))
	return err
}
