package fastcgi_test

import (
	"bufio"
	"crypto/sha256"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"freshet/fastcgi"
	"freshet/httpd"
)

// room is what a socket has, about: with much less Linux sends a little at a time,
// with pauses.
const room = 64 << 10

// narrow has little room in the sockets of connections.
type narrow struct{ net.Listener }

func (l narrow) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err == nil {
		c.(*net.TCPConn).SetWriteBuffer(room)
	}
	return c, err
}

// serveNarrow serves h over sockets with little room, and returns its address.
func serveNarrow(t *testing.T, h http.Handler) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	srv := &httpd.Server{Handler: h, ErrorLog: discardLog, MaxBodyBytes: -1}
	done := make(chan struct{})
	go func() { defer close(done); srv.Serve(narrow{l}) }()
	t.Cleanup(func() { srv.Close(); <-done })
	return l.Addr().String()
}

// slowClient asks for a path, and reads nothing yet.
func slowClient(t *testing.T, addr, path string) (net.Conn, *bufio.Reader) {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(patience))
	c.(*net.TCPConn).SetReadBuffer(room)
	fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", path)
	return c, bufio.NewReader(c)
}

// takes reads the answer, and returns its length and hash, and how it ended.
func takes(t *testing.T, br *bufio.Reader) (n int64, sum string, err error) {
	t.Helper()
	res, err := http.ReadResponse(br, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	h := sha256.New()
	n, err = io.Copy(h, res.Body)
	return n, fmt.Sprintf("%x", h.Sum(nil)), err
}

// much is a backend that prints a MiB on /much, and a word elsewhere.
func much(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/much" {
		w.Write(muchOctets())
		return
	}
	io.WriteString(w, "hello")
}

func muchOctets() []byte {
	all := make([]byte, 1<<20)
	for i := range all {
		all[i] = byte(i * i >> 7)
	}
	return all
}

// TestSlowClients has clients that do not read keep no connection.
func TestSlowClients(t *testing.T) {
	sum := fmt.Sprintf("%x", sha256.Sum256(muchOctets()))
	for _, network := range []string{"tcp", "unix"} {
		t.Run(network, func(t *testing.T) {
			h := newHandler(t, fastcgi.Options{Address: goBackend(t, network, much), Conns: 1, SpoolDir: t.TempDir()})
			addr := serveNarrow(t, h)
			var clients []*bufio.Reader
			for range 3 {
				_, br := slowClient(t, addr, "/much")
				clients = append(clients, br)
			}
			eventually(t, "all are read ahead", func() bool { r, _ := h.Load(); return h.Ahead().Begun == 3 && r == 0 })
			_, br := slowClient(t, addr, "/hello")
			if n, _, err := takes(t, br); n != 5 || err != nil {
				t.Errorf("%d octets, %v", n, err)
			}
			eventually(t, "nothing runs", func() bool { return len(h.Board().Runs()) == 0 }) // the last answer is there before
			if a, p := h.Ahead(), h.Pool(); a.Answers != 3 || a.Held != 0 || p.Open != 1 {
				t.Errorf("%+v, %+v", a, p)
			}
			for _, br := range clients {
				if n, got, err := takes(t, br); got != sum || err != nil {
					t.Errorf("%d octets that are not the backend's, %v", n, err)
				}
			}
			eventually(t, "nothing is kept", func() bool { return h.Ahead().Answers == 0 })
		})
	}
}

// TestSlowClientBeyondRoom has a backend wait for its client when there is no
// room, and what was begun be whole.
func TestSlowClientBeyondRoom(t *testing.T) {
	for _, full := range []bool{false, true} {
		spool := t.TempDir()
		h := newHandler(t, fastcgi.Options{Address: goBackend(t, "unix", much), Conns: 1, MaxSpool: 100 << 10, SpoolDir: spool})
		if full {
			os.Remove(spool) // no file can be made in it
		}
		addr := serveNarrow(t, h)
		_, br := slowClient(t, addr, "/much")
		eventually(t, "the backend waits", func() bool { r, _ := h.Load(); return h.Ahead().Held == 1 && r == 1 })
		if n, _, err := takes(t, br); n != 1<<20 || err != nil {
			t.Errorf("%d octets, %v", n, err)
		}
		eventually(t, "its turn is given back", func() bool { r, _ := h.Load(); return h.Ahead().Answers == 0 && r == 0 })
	}
}

// TestSlowClientLeaves has a client that leaves end what waits for it, and leave
// alone what has another client by then.
func TestSlowClientLeaves(t *testing.T) {
	for _, most := range []int64{100 << 10, 10 << 20} {
		h := newHandler(t, fastcgi.Options{Address: goBackend(t, "unix", much), Conns: 1, MaxSpool: most, SpoolDir: t.TempDir()})
		addr := serveNarrow(t, h)
		gone, _ := slowClient(t, addr, "/much")
		eventually(t, "it is read ahead", func() bool { r, _ := h.Load(); a := h.Ahead(); return a.Held == 1 || a.Answers == 1 && r == 0 })
		held := h.Ahead().Held == 1
		var br *bufio.Reader
		if !held {
			_, br = slowClient(t, addr, "/much")
			eventually(t, "the next one is, too", func() bool { return h.Ahead().Begun == 2 })
		}
		gone.Close()
		if held {
			_, br = slowClient(t, addr, "/much")
		}
		if n, _, err := takes(t, br); n != 1<<20 || err != nil {
			t.Errorf("%d octets, %v", n, err)
		}
		eventually(t, "nothing is kept", func() bool { r, _ := h.Load(); return h.Ahead().Answers == 0 && r == 0 })
	}
}

// TestSlowClientOfPart has a client get what came before the backend broke off,
// and be cut then.
func TestSlowClientOfPart(t *testing.T) {
	part := strings.Repeat(stdout(strings.Repeat("x", 50_000)), 20)
	address := fake(t, "unix", func(s *session) {
		if a, err := s.request(); err == nil && a.vars["DOCUMENT_URI"] != "/hello" {
			io.WriteString(s, stdout(head)+part)
		} else {
			io.WriteString(s, whole("hello"))
		}
	})
	h := newHandler(t, fastcgi.Options{Address: address, Conns: 1, SpoolDir: t.TempDir()})
	addr := serveNarrow(t, h)
	_, br := slowClient(t, addr, "/part")
	eventually(t, "it is read ahead", func() bool { r, _ := h.Load(); return h.Ahead().Answers == 1 && r == 0 })
	_, other := slowClient(t, addr, "/hello")
	if n, _, err := takes(t, other); n != 5 || err != nil {
		t.Errorf("%d octets, %v", n, err)
	}
	if n, _, err := takes(t, br); n != 1_000_000 || err == nil {
		t.Errorf("%d octets, %v", n, err)
	}
}
