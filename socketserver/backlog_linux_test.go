package socketserver_test

import (
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"freshet/socketserver"
)

func TestBacklog(t *testing.T) {
	l, err := socketserver.Listen("127.0.0.1:0", 7)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	raw, err := l.(syscall.Conn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	raw.Control(func(fd uintptr) {
		info, err := unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO)
		if err != nil {
			t.Fatal(err)
		}
		if info.Sacked != 7 { // of a listener: the length of its queue
			t.Errorf("backlog %d, want 7", info.Sacked)
		}
	})
}
