package socketserver_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"time"

	"freshet/socketserver"
)

// A server whose handler is a function, and its end.
func ExampleServer() {
	s := &socketserver.Server{Handler: func(c *socketserver.Conn) { io.Copy(c, c) }}
	l, err := socketserver.Listen("127.0.0.1:0", 0)
	if err != nil {
		log.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error)
	go func() { served <- s.ServeContext(ctx, l) }()

	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		log.Fatal(err)
	}
	fmt.Fprint(c, "hello")
	c.(*net.TCPConn).CloseWrite()
	answer, _ := io.ReadAll(c)
	c.Close()
	fmt.Printf("%s\n", answer)

	cancel()
	fmt.Println(<-served)
	// Output:
	// hello
	// <nil>
}

// A line protocol with limits, for ten clients at once.
func ExampleStreamFunc() {
	limits := socketserver.StreamOptions{IdleTimeout: time.Minute, ReadTimeout: time.Second, MaxLine: 512}
	s := &socketserver.Server{
		Model: socketserver.Pool(10),
		Handler: socketserver.StreamFunc(limits, func(s *socketserver.Stream) error {
			for {
				line, err := s.ReadLine()
				if err != nil {
					return err // io.EOF, a limit, a drain
				}
				fmt.Fprintf(s, "%d bytes\n", len(line))
			}
		}),
	}
	l, err := socketserver.Listen("127.0.0.1:0", 0)
	if err != nil {
		log.Fatal(err)
	}
	go s.Serve(l)
	defer s.Close()

	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		log.Fatal(err)
	}
	fmt.Fprint(c, "one\nthree\n")
	c.(*net.TCPConn).CloseWrite()
	answer, _ := io.ReadAll(c)
	c.Close()
	fmt.Printf("%s", answer)
	// Output:
	// 3 bytes
	// 5 bytes
}

// greeter is a handler with something of its own.
type greeter struct {
	socketserver.Stream
	greeting string
}

func (g *greeter) Handle() error {
	name, err := g.ReadLine()
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(g, "%s, %s!\n", g.greeting, name)
	return err // Finish, the Stream's, sends what is buffered
}

// A handler in three steps, and exactly one request.
func ExampleRequests() {
	s := &socketserver.Server{
		Timeout: time.Minute,
		Handler: socketserver.Requests(func(c *socketserver.Conn) socketserver.RequestHandler {
			return &greeter{socketserver.Stream{Conn: c}, "Hello"}
		}),
	}
	defer s.Close()
	l, err := socketserver.Listen("127.0.0.1:0", 0)
	if err != nil {
		log.Fatal(err)
	}
	defer l.Close()

	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()
	fmt.Fprintln(c, "Ann")
	if err := s.HandleRequest(l); err != nil {
		log.Fatal(err)
	}
	answer, _ := io.ReadAll(c)
	fmt.Printf("%s", answer)
	// Output: Hello, Ann!
}

// The main of a program that gives each connection a process.
func ExampleInChild() {
	server := &socketserver.Server{
		Name:     "risky",
		Model:    socketserver.Process,
		Handler:  func(c *socketserver.Conn) { fmt.Fprintln(c, "whatever this breaks is broken for one client") },
		MaxConns: 20,
		Queue:    true, // the 21st waits
		OnError:  func(c *socketserver.Conn, err error) { log.Print(c.RemoteAddr(), ": ", err) },
	}
	if socketserver.InChild(server) {
		return
	}
	l, err := socketserver.Listen("127.0.0.1:0", 0)
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()
	go server.Serve(l)
}
