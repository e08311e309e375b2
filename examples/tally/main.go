// Program tally counts what its clients tell it to, in a protocol of lines, on
// the address that its argument names:
//
//	tally unix:/tmp/tally.sock
//
// A client says "add NAME", "get NAME" or "quit", and gets a number or a
// complaint for each. The program shows a handler in three steps that shares
// something with others, and the limits of a stream.
package main

import (
	"errors"
	"fmt"
	"log"
	"os"
	"strings"
	"sync"
	"time"

	"freshet/socketserver"
)

// tally is what all connections share.
type tally struct {
	mu     sync.Mutex
	counts map[string]int
}

// client is one connection. Setup and Finish are those of the Stream.
type client struct {
	socketserver.Stream
	tally *tally
}

var limits = socketserver.StreamOptions{
	IdleTimeout:  5 * time.Minute,
	ReadTimeout:  10 * time.Second,
	WriteTimeout: 10 * time.Second,
	MaxLine:      256,
}

func main() {
	t := &tally{counts: map[string]int{}}
	server := &socketserver.Server{
		Model: socketserver.Pool(100),
		Handler: socketserver.Requests(func(c *socketserver.Conn) socketserver.RequestHandler {
			return &client{socketserver.Stream{Conn: c, StreamOptions: limits}, t}
		}),
	}
	l, err := (&socketserver.ListenConfig{Mode: 0o600}).Listen(os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	log.Printf("listening on %s", l.Addr())
	log.Fatal(server.Serve(l))
}

// Handle answers lines until the client quits, leaves or breaks a limit.
func (c *client) Handle() error {
	for {
		line, err := c.ReadLine()
		switch {
		case errors.Is(err, socketserver.ErrTimeout), errors.Is(err, socketserver.ErrLineTooLong):
			fmt.Fprintln(c, "goodbye:", err)
			return nil
		case err != nil:
			return err
		}
		word, name, _ := strings.Cut(string(line), " ")
		switch word {
		case "add":
			fmt.Fprintln(c, c.tally.add(name, 1))
		case "get":
			fmt.Fprintln(c, c.tally.add(name, 0))
		case "quit":
			return nil
		default:
			fmt.Fprintf(c, "what is %q?\n", word)
		}
	}
}

// add adds n to a count and returns it.
func (t *tally) add(name string, n int) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	if n == 0 {
		return t.counts[name]
	}
	t.counts[name] += n
	return t.counts[name]
}
