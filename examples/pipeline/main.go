// Program pipeline asks a server for several things at once, over one
// connection: it puts all requests before it reads the first reply, and prints
// the replies in the order in which they come, which is that of the requests:
//
//	pipeline http://127.0.0.1:8000 / /robots.txt /favicon.svg
//
// It shows client.Conn, and what to do with requests that stay without a reply:
// those that may be sent again are sent on another connection.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"os"

	"freshet/client"
)

func main() {
	verbose := flag.Bool("v", false, "print the heads, without secrets")
	flag.Parse()
	if flag.NArg() < 2 {
		fmt.Fprintln(os.Stderr, "usage: pipeline [-v] http://host:port target...")
		os.Exit(2)
	}
	o := client.DialOptions{}
	if *verbose {
		o.Trace = printHeads
	}
	targets := flag.Args()[1:]
	for len(targets) > 0 {
		left, err := ask(flag.Arg(0), targets, o)
		if err != nil {
			log.Fatal(err)
		}
		if len(left) == len(targets) {
			log.Fatal("the server answers nothing")
		}
		targets = left
	}
}

// ask puts a request for each target, and then reads what comes. It returns the
// targets that got no reply and may be asked for again.
func ask(server string, targets []string, o client.DialOptions) (left []string, err error) {
	conn, err := client.Dial(context.Background(), server, o)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	for _, target := range targets {
		conn.PutRequest("GET", target)
		conn.PutHeader("Accept", "*/*")
		if err := conn.EndHeaders(); errors.Is(err, client.ErrUnsafe) {
			return nil, err
		} else if err != nil {
			break // the server has closed; what it answered before can still be read
		}
	}
	for range targets {
		reply, err := conn.GetReply()
		var lost *client.UnansweredError
		if errors.As(err, &lost) {
			break
		}
		if err != nil {
			return nil, err
		}
		n, err := io.Copy(io.Discard, reply.Body)
		if err != nil {
			return nil, fmt.Errorf("%s was cut off: %w", reply.Request.Target, err)
		}
		fmt.Printf("%d %s: %d %s, %d bytes\n", reply.Request.Number, reply.Request.Target, reply.Status, reply.Reason, n)
		targets = targets[1:]
	}
	return targets, nil // GET may always be sent again
}

// printHeads prints what is said, as other clients do with -v.
func printHeads(e client.Event) {
	switch e.Kind {
	case client.Note:
		fmt.Fprintf(os.Stderr, "* %s\n", e.Data)
	case client.SentHead:
		fmt.Fprintf(os.Stderr, "> %q\n", e.Masked())
	case client.GotHead:
		fmt.Fprintf(os.Stderr, "< %q\n", e.Masked())
	}
}
