package socketserver

import (
	"io"
	"net"
	"testing"
	"time"
)

// A server without connections has nobody look at deadlines; the next connection
// has it begin again.
func TestSweepRests(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &Server{SweepEvery: time.Millisecond, Handler: func(c *Conn) {
		c.Arm(Clock(time.Now()), time.Millisecond)
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
	sweeps := func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.sweeping
	}
	for range 3 {
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		if b, err := io.ReadAll(c); err != nil || string(b) != "late" {
			t.Fatalf("%q, %v", b, err)
		}
		c.Close()
		for end := time.Now().Add(time.Minute); sweeps(); time.Sleep(time.Millisecond) {
			if time.Now().After(end) {
				t.Fatal("deadlines of no connection are looked at")
			}
		}
	}
}
