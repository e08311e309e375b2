package socketserver_test

import (
	"io"
	"net"
	"testing"
	"time"

	"freshet/socketserver"
)

// A server without connections has nobody look at deadlines; the next connection
// has it begin again.
func TestSweepRests(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &socketserver.Server{SweepEvery: time.Millisecond, Handler: func(c *socketserver.Conn) {
		c.Arm(socketserver.Clock(time.Now()), time.Millisecond)
		_, _ = c.Read(make([]byte, 1))
		if c.Overdue() {
			c.Forgive()
			_, _ = io.WriteString(c, "late")
		}
	}}
	served := make(chan error, 1)
	go func() { served <- s.Serve(l) }()
	defer func() {
		s.Close()
		<-served
	}()
	for range 3 {
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		if b, err := io.ReadAll(c); err != nil || string(b) != "late" {
			t.Fatalf("%q, %v", b, err)
		}
		c.Close()
		eventually(t, "deadlines of no connection are left alone", func() bool { return !s.Sweeping() })
	}
}
