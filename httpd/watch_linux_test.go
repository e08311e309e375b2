package httpd_test

import (
	"io"
	"net"
	"net/http"
	"syscall"
	"testing"

	"freshet/httpd"
	"freshet/socketserver"
)

// keepsAlive reports whether probes are on for a connection.
func keepsAlive(t *testing.T, c syscall.Conn) bool {
	t.Helper()
	rc, err := c.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	on := 0
	rc.Control(func(fd uintptr) { on, err = syscall.GetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_KEEPALIVE) })
	if err != nil {
		t.Fatal(err)
	}
	return on != 0
}

// A handler that asks for its context does not change the connection.
func TestWatchingLeavesTheSocketAlone(t *testing.T) {
	l, err := socketserver.Listen("127.0.0.1:0", 0)
	if err != nil {
		t.Fatal(err)
	}
	conns := make(chan net.Conn, 1)
	srv := &httpd.Server{
		ConnState: func(c net.Conn, st http.ConnState) {
			if st == http.StateNew {
				conns <- c
			}
		},
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			r.Context().Done()
			io.WriteString(w, "x")
		})}
	go srv.Serve(l)
	defer srv.Close()
	c := dial(t, l.Addr().String())
	nc := (<-conns).(syscall.Conn)
	before := keepsAlive(t, nc)
	io.WriteString(c, get)
	if status, _, err := c.answer(); status != 200 || err != nil {
		t.Fatal(status, err)
	}
	if after := keepsAlive(t, nc); after != before {
		t.Errorf("keep-alive probes were %v and are %v", before, after)
	}
}
