package client_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"

	"freshet/client"
	"freshet/httpd"
)

// Two requests are put on one connection before the first reply is read.
func ExampleConn() {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	server := &httpd.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "this is %s", r.URL.Path)
	})}
	go server.Serve(l)
	defer server.Close()

	conn, err := client.Dial(context.Background(), "http://"+l.Addr().String(), client.DialOptions{})
	if err != nil {
		log.Fatal(err)
	}
	defer conn.Close()
	for _, target := range []string{"/a", "/b"} {
		conn.PutRequest("GET", target)
		conn.PutHeader("Accept", "text/plain")
		if err := conn.EndHeaders(); err != nil {
			log.Fatal(err)
		}
	}
	fmt.Println(len(conn.Unanswered()), "requests wait")
	for range 2 {
		reply, err := conn.GetReply()
		if err != nil {
			log.Fatal(err)
		}
		body, err := io.ReadAll(reply.Body)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%s: %d %s, %q\n", reply.Request.Target, reply.Status, reply.Reason, body)
	}
	// Output:
	// 2 requests wait
	// /a: 200 OK, "this is /a"
	// /b: 200 OK, "this is /b"
}
