package wiretest

import (
	"net"
	"runtime"
	"testing"
)

// A reserved address refuses connections, and can be listened on, again and
// again.
func TestReserve(t *testing.T) {
	addr := Reserve(t)
	if other := Reserve(t); other == addr {
		t.Errorf("both are %s", addr)
	}
	for range 3 {
		if c, err := net.Dial("tcp", addr); err == nil {
			c.Close()
			t.Errorf("somebody listens on %s", addr)
		}
		l, err := net.Listen("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		c, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		served, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		served.Close()
		c.Close()
		l.Close()
	}
	if runtime.GOOS != "linux" {
		return
	}
	for range 2000 { // nobody who asks for any port gets it
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		if l.Addr().String() == addr {
			t.Fatal("it was given to somebody else")
		}
		l.Close()
	}
}
