package socketserver_test

import (
	"net"
	"syscall"
	"testing"
	"time"

	"freshet/socketserver"
)

// The descriptor of a connection that its owner uses directly is not closed by
// anybody else: the number could be somebody else's connection a moment later.
func TestCloseLeavesAnEarlyDescriptorToItsOwner(t *testing.T) {
	l := listen(t, "127.0.0.1:0")
	type early interface {
		EarlyFD() (uintptr, bool)
	}
	began, closed, still := make(chan struct{}), make(chan struct{}), make(chan bool, 1)
	s := &socketserver.Server{Handler: func(c *socketserver.Conn) {
		e, ok := c.Conn.(early)
		if !ok {
			still <- true
			close(began)
			return
		}
		fd, _ := e.EarlyFD()
		close(began)
		<-closed
		time.Sleep(20 * time.Millisecond)
		var st syscall.Stat_t
		err := syscall.Fstat(int(fd), &st)
		still <- err == nil
	}}
	served := make(chan error, 1)
	go func() { served <- s.Serve(l) }()
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	<-began
	c.(*net.TCPConn).SetLinger(0)
	c.Close() // a reset: shutdown(2) says ENOTCONN from now on
	time.Sleep(10 * time.Millisecond)
	s.Close()
	close(closed)
	if !<-still {
		t.Error("the descriptor was closed while its owner used it")
	}
	<-served
}
