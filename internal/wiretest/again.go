package wiretest

import (
	"errors"
	"net"
	"syscall"
	"time"
)

// ListenAgain listens at an address where this process did before, in a test
// that starts programs, or beside one. A child that is about to execute its
// program has our descriptors until it does, also of a listener that was closed
// a moment ago: meanwhile the address is in use.
func ListenAgain(addr string) (net.Listener, error) {
	for late := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
		l, err := net.Listen("tcp", addr)
		if !errors.Is(err, syscall.EADDRINUSE) || time.Now().After(late) {
			return l, err
		}
	}
}
