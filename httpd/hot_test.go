package httpd_test

import (
	"bytes"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"freshet/httpd"
	"freshet/internal/alloctest"
)

// hotPages answers a few paths, and declines the rest.
type hotPages struct {
	file     *os.File
	released chan struct{}
}

var hotHead = []byte("HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Type: text/plain\r\n")

func (h hotPages) ServeHot(q *httpd.Head, a *httpd.Answer) bool {
	switch q.Path {
	case "/hot":
		a.Status, a.Head, a.Body = 200, hotHead, hotBody
	case "/big":
		a.Status = 200
		a.Head = append(a.Scratch, "HTTP/1.1 200 OK\r\nContent-Length: 300000\r\n"...)
		a.Body = bigBody
	case "/file":
		a.Status = 200
		a.Head = append(a.Scratch, "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n"...)
		a.File, a.Offset, a.Size, a.Done = h.file, 10, 100_000, h
	default:
		return false
	}
	return true
}

func (h hotPages) Release() { h.released <- struct{}{} }

var bigBody = bytes.Repeat([]byte("b"), 300_000)

var hotBody = []byte("hot")

// strip removes what may differ between two answers.
func strip(s string) string {
	lines := strings.SplitAfter(s, "\r\n")
	out := lines[:0]
	for _, l := range lines {
		if !strings.HasPrefix(l, "Date: ") {
			out = append(out, l)
		}
	}
	return strings.Join(out, "")
}

func TestHotAnswers(t *testing.T) {
	f, err := os.Create(filepath.Join(t.TempDir(), "f"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	f.Write(bytes.Repeat([]byte("0123456789"), 20_000))
	h := hotPages{f, make(chan struct{}, 10)}
	addr := start(t, &httpd.Server{Handler: http.HandlerFunc(hello), Hot: h})
	end := "Server: freshet\r\n"
	hot := "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Type: text/plain\r\n" + end
	file := strings.Repeat("0123456789", 10_000)
	cold := "HTTP/1.1 200 OK\r\nContent-Length: 11\r\nContent-Type: text/plain; charset=utf-8\r\n" + end
	req := func(path, fields string) string { return "GET " + path + " HTTP/1.1\r\nHost: x\r\n" + fields + "\r\n" }
	tests := []struct{ name, raw, want string }{
		{"one", req("/hot", ""), hot + "\r\nhot"},
		{"closing", req("/hot", "Connection: close\r\n") + "GET", hot + "Connection: close\r\n\r\nhot"},
		{"HEAD", "HEAD /hot HTTP/1.1\r\nHost: x\r\n\r\n", hot + "\r\n"},
		{"HTTP/1.0", "GET /hot HTTP/1.0\r\n\r\n", hot + "Connection: close\r\n\r\nhot"},
		{"HTTP/1.0 kept", "GET /hot HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", hot + "Connection: keep-alive\r\n\r\nhot"},
		{"pipelined", strings.Repeat(req("/hot", ""), 100), strings.Repeat(hot+"\r\nhot", 100)},
		{"mixed", req("/hot", "") + req("/cold", "") + req("/hot", ""), hot + "\r\nhot" + cold + "\r\nhello /cold" + hot + "\r\nhot"},
		{"body by reference", req("/big", "") + req("/hot", ""), "HTTP/1.1 200 OK\r\nContent-Length: 300000\r\n" + end + "\r\n" + string(bigBody) + hot + "\r\nhot"},
		{"file", req("/file", "") + req("/hot", ""), "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n" + end + "\r\n" + file + hot + "\r\nhot"},
		{"HEAD of a file", "HEAD /file HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n" + end + "\r\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := strip(talk(t, addr, tt.raw)); got != tt.want {
				t.Errorf("got %.300q (%d bytes)\nwant %.300q (%d bytes)", got, len(got), tt.want, len(tt.want))
			}
		})
	}
	for range 2 {
		select {
		case <-h.released:
		case <-time.After(patience):
			t.Fatal("the file was not released")
		}
	}
	if len(h.released) > 0 {
		t.Error("the file was released twice")
	}
}

// A client that ends its side right behind a later request is noticed though
// the engine saves the read that would tell at once.
func TestHalfCloseIsNoticed(t *testing.T) {
	addr := start(t, &httpd.Server{Hot: hotPages{}, IdleTimeout: time.Hour})
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(patience))
	r := "GET /hot HTTP/1.1\r\nHost: x\r\n\r\n"
	one := make([]byte, 1)
	for range 3 {
		io.WriteString(c, r)
		for tail := ""; !strings.HasSuffix(tail, "\r\n\r\nhot"); tail += string(one) {
			if _, err := io.ReadFull(c, one); err != nil {
				t.Fatal(err)
			}
		}
	}
	io.WriteString(c, r)
	c.(*net.TCPConn).CloseWrite()
	if b, err := io.ReadAll(c); err != nil || !strings.HasSuffix(string(b), "hot") {
		t.Errorf("%q, %v", b, err)
	}
}

// Answers that are gathered arrive in few pieces.
func TestPipelinedAnswersAreOneWrite(t *testing.T) {
	addr := start(t, &httpd.Server{Hot: hotPages{}})
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	io.WriteString(c, strings.Repeat("GET /hot HTTP/1.1\r\nHost: x\r\n\r\n", 16))
	b := make([]byte, 1<<20)
	n, err := c.Read(b)
	if err != nil || strings.Count(string(b[:n]), "\r\n\r\nhot") != 16 {
		t.Errorf("the first read has %d answers, %v", strings.Count(string(b[:n]), "\r\n\r\nhot"), err)
	}
}

// A hot hit allocates nothing.
func TestHotAllocations(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	addr := start(t, &httpd.Server{Hot: hotPages{}})
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	req := []byte("GET /hot HTTP/1.1\r\nHost: x\r\n\r\n")
	buf := make([]byte, 4096)
	allocs := alloctest.PerRun(2000, func() {
		if _, err := c.Write(req); err != nil {
			t.Fatal(err)
		}
		if _, err := c.Read(buf); err != nil {
			t.Fatal(err)
		}
	})
	// Once a second a new Date is made: over the run that rounds to nothing.
	if allocs > 0 {
		t.Errorf("%v allocations for a hit", allocs)
	}
}

// remotePages answers with the client's address.
type remotePages struct{}

func (remotePages) ServeHot(q *httpd.Head, a *httpd.Answer) bool {
	a.Status = 200
	a.Head = append(a.Scratch, "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nX-Remote: "+a.Remote().String()+"\r\nContent-Length: 0\r\n"...)
	return true
}

// A hot handler can know who asks.
func TestHotRemote(t *testing.T) {
	s := &httpd.Server{Handler: http.NotFoundHandler(), Hot: remotePages{}}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() { defer close(done); s.Serve(l) }()
	defer func() { s.Close(); <-done }()
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	io.WriteString(c, "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
	answer, err := io.ReadAll(c)
	if want := "X-Remote: " + c.LocalAddr().String() + "\r\n"; err != nil || !strings.Contains(string(answer), want) {
		t.Errorf("no %q in %q, %v", want, answer, err)
	}
	if a := (&httpd.Answer{}).Remote(); a.IsValid() {
		t.Errorf("an answer of nobody is for %v", a)
	}
}
