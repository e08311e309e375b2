package keepalive

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestGetKeepsTheConnection(t *testing.T) {
	remotes := map[string]bool{}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		remotes[r.RemoteAddr] = true
		io.WriteString(w, strings.Repeat("x", 9000))
	}))
	defer s.Close()
	c, err := Dial(s.Listener.Addr().String(), "/a")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	buf := bufio.NewReader(nil)
	for range 3 {
		if n, err := c.Get(buf); err != nil || n != 9000 {
			t.Fatalf("got %d bytes, %v", n, err)
		}
	}
	if len(remotes) != 1 {
		t.Errorf("the requests came from %v, want one connection", remotes)
	}
}

func TestGetRefuses(t *testing.T) {
	for name, answer := range map[string]string{
		"status":        "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
		"close":         "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
		"cut off":       "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc",
		"too much":      "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nabc",
		"no answer":     "",
		"not an answer": "hello\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			go func() {
				c, err := l.Accept()
				if err != nil {
					return
				}
				defer c.Close()
				if _, err := http.ReadRequest(bufio.NewReader(c)); err == nil {
					io.WriteString(c, answer)
				}
			}()
			c, err := Dial(l.Addr().String(), "/")
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			if n, err := c.Get(bufio.NewReader(nil)); err == nil {
				t.Errorf("took %q as an answer of %d bytes", answer, n)
			}
		})
	}
}
