package httpd_test

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"freshet/httpd"
	"freshet/internal/rule"
	"freshet/socketserver"
)

// page2K answers with a body of 2 KiB.
type page2K struct{}

var body2K = bytes.Repeat([]byte("x"), 2<<10)

func (page2K) ServeHot(q *httpd.Head, a *httpd.Answer) bool {
	a.Status = 200
	a.Head = fmt.Appendf(a.Scratch, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n", len(body2K))
	a.Body = body2K
	return true
}

// Requests that have arrived before their connection is accepted are answered
// in full, though the kernel does not take the answers at once.
func TestEarlyRequestsAndASmallSendBuffer(t *testing.T) {
	l, err := socketserver.Listen("127.0.0.1:0", 0)
	if err != nil {
		t.Fatal(err)
	}
	rc, err := l.(syscall.Conn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	rc.Control(func(fd uintptr) { syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_SNDBUF, 4096) })
	sink := newRecords()
	srv := &httpd.Server{Hot: page2K{}, Sink: sink}
	const n = 20
	nc, err := (&net.Dialer{Control: func(_, _ string, c syscall.RawConn) error {
		return c.Control(func(fd uintptr) { syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUF, 4096) })
	}}).Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	io.WriteString(nc, strings.Repeat(get, n))
	go srv.Serve(l)
	defer srv.Close()
	nc.SetDeadline(time.Now().Add(patience))
	got := 0
	b := make([]byte, 4096)
	for got < n*len(body2K) {
		m, err := nc.Read(b)
		if err != nil {
			t.Fatalf("%v after %d of %d bytes", err, got, n*len(body2K))
		}
		got += bytes.Count(b[:m], []byte("x"))
	}
	if r := sink.wait(t, n-1); r.Rule != 0 {
		t.Errorf("the last record says %v", r.Rule)
	}
}

// A client that is gone before its answer could be written leaves a record.
func TestEarlyClientGone(t *testing.T) {
	l, err := socketserver.Listen("127.0.0.1:0", 0)
	if err != nil {
		t.Fatal(err)
	}
	reset := make(chan struct{})
	sink := newRecords()
	srv := &httpd.Server{Hot: waitHot{reset}, Sink: sink}
	nc, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	io.WriteString(nc, get)
	go srv.Serve(l)
	defer srv.Close()
	<-reset
	nc.(*net.TCPConn).SetLinger(0)
	nc.Close()
	reset <- struct{}{}
	if r := sink.wait(t, 0); r.Rule != rule.ClientGone {
		t.Errorf("the record says %v", r.Rule)
	}
}

// waitHot says when it is asked, and answers when told to.
type waitHot struct{ c chan struct{} }

func (h waitHot) ServeHot(q *httpd.Head, a *httpd.Answer) bool {
	h.c <- struct{}{}
	<-h.c
	return page2K{}.ServeHot(q, a)
}

// A hot handler that takes long for some connections (a file system that
// hangs) does not keep others from being accepted.
func TestSlowHotAnswersDoNotStopAccepting(t *testing.T) {
	l, err := socketserver.Listen("127.0.0.1:0", 0)
	if err != nil {
		t.Fatal(err)
	}
	h := stuckHot{make(chan struct{})}
	srv := &httpd.Server{Hot: h}
	for range runtime.GOMAXPROCS(0) + 1 {
		nc, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer nc.Close()
		io.WriteString(nc, "GET /stuck HTTP/1.1\r\nHost: x\r\n\r\n")
	}
	go srv.Serve(l)
	defer srv.Close()
	defer close(h.release)
	c := dial(t, l.Addr().String())
	io.WriteString(c, get)
	if status, _, err := c.answer(); status != 200 || err != nil {
		t.Errorf("%d, %v", status, err)
	}
}

type stuckHot struct{ release chan struct{} }

func (h stuckHot) ServeHot(q *httpd.Head, a *httpd.Answer) bool {
	if q.Path == "/stuck" {
		<-h.release
	}
	return page2K{}.ServeHot(q, a)
}
