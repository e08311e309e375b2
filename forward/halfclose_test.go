package forward_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"freshet/forward"
)

// A client that ends its side of a tunnel gets all that the server has to say,
// which sees that end: whether it did so before there was a tunnel or inside.
func TestHalfClosedTunnel(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	answer := strings.Repeat("answer ", 1<<16)
	addr := start(t, forward.Options{AllowPrivate: true, Ports: []int{l.Addr().(*net.TCPAddr).Port}})
	for _, inside := range []bool{false, true} {
		served := make(chan error, 1)
		go func() {
			served <- func() error {
				c, err := l.Accept()
				if err != nil {
					return err
				}
				defer c.Close()
				asked, err := io.ReadAll(c) // to the end of what the client sends
				if err != nil || string(asked) != "all there is" {
					return fmt.Errorf("the server got %q, %v", asked, err)
				}
				_, err = io.WriteString(c, answer)
				return err
			}()
		}()
		c, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		br := bufio.NewReader(c)
		fmt.Fprintf(c, "CONNECT %s HTTP/1.1\r\nHost: %[1]s\r\n\r\n", l.Addr())
		if inside {
			if resp, err := http.ReadResponse(br, &http.Request{Method: "CONNECT"}); err != nil || resp.StatusCode != 200 {
				t.Fatal(resp, err)
			}
		}
		io.WriteString(c, "all there is")
		c.(*net.TCPConn).CloseWrite()
		if !inside {
			if resp, err := http.ReadResponse(br, &http.Request{Method: "CONNECT"}); err != nil || resp.StatusCode != 200 {
				l.Close() // which ends the wait for a connection
				t.Fatal(resp, err)
			}
		}
		all, err := io.ReadAll(br)
		if err != nil || string(all) != answer {
			t.Errorf("inside %v: the client got %d octets, %.60q, %v", inside, len(all), all, err)
		}
		if err := <-served; err != nil {
			t.Errorf("inside %v: %v", inside, err)
		}
	}
}
