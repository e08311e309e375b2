package wiretest_test

import (
	"errors"
	"net"
	"runtime"
	"syscall"
	"testing"
	"time"

	"freshet/internal/wiretest"
)

// A closed listener whose descriptor somebody else has a moment longer is waited
// for.
func TestListenAgain(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("no descriptor is handed down")
	}
	l, err := net.Listen("tcp", wiretest.Reserve(t))
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	child, err := l.(*net.TCPListener).File()
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	if l, err := net.Listen("tcp", addr); !errors.Is(err, syscall.EADDRINUSE) {
		if err == nil {
			l.Close()
		}
		t.Errorf("while the descriptor is there: %v", err)
	}
	time.AfterFunc(20*time.Millisecond, func() { child.Close() })
	again, err := wiretest.ListenAgain(addr)
	if err != nil {
		t.Fatal(err)
	}
	again.Close()
}
