//go:build unix

package cgi_test

import (
	"bufio"
	"crypto/sha256"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"freshet/cgi"
	"freshet/httpd"
)

// room is what a socket has, about: with much less Linux sends a little at a time,
// with pauses.
const room = 64 << 10

// narrow has little room in the sockets of connections.
type narrow struct{ net.Listener }

func (l narrow) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err == nil {
		c.(*net.TCPConn).SetWriteBuffer(room)
	}
	return c, err
}

// serveNarrow serves h over sockets with little room.
func serveNarrow(t *testing.T, h http.Handler) *server {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	s := &server{t: t, addr: l.Addr().String(), records: records{make(chan httpd.Record, 4096)}}
	srv := &httpd.Server{Handler: h, Sink: &s.records, ErrorLog: log.New(io.Discard, "", 0)}
	served := make(chan struct{})
	go func() { defer close(served); srv.Serve(narrow{l}) }()
	t.Cleanup(func() { srv.Close(); <-served })
	return s
}

// slowClient asks for a path, and reads nothing yet.
func (s *server) slowClient(path string) (net.Conn, *bufio.Reader) {
	s.t.Helper()
	c, br := s.dial()
	c.(*net.TCPConn).SetReadBuffer(room)
	fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", path)
	return c, br
}

// takes reads the answer, and returns its length and hash.
func takes(t *testing.T, br *bufio.Reader) (n int64, sum string) {
	t.Helper()
	res, err := http.ReadResponse(br, nil)
	must(t, err)
	defer res.Body.Close()
	h := sha256.New()
	n, err = io.Copy(h, res.Body)
	if err != nil || res.StatusCode != 200 {
		t.Errorf("%v after %d octets of a %s", err, n, res.Status)
	}
	return n, fmt.Sprintf("%x", h.Sum(nil))
}

// TestSlowClients has clients that do not read keep no turn.
func TestSlowClients(t *testing.T) {
	all := make([]byte, 1<<20)
	for i := range all {
		all[i] = byte(i * i >> 7)
	}
	sum := fmt.Sprintf("%x", sha256.Sum256(all))
	const length = `printf 'Content-Length: 1048576\n'`
	for _, tt := range []struct {
		name, program string
	}{
		{"without a length", sh(`printf 'Content-Type: a/b\n\n'`, `exec cat body.txt`)},
		{"with one", sh(length, `printf 'Content-Type: a/b\n\n'`, `exec cat body.txt`)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := folder(t, "prog", tt.program, "hello", hello, "body.txt", string(all))
			h := newHandler(t, cgi.Options{Dir: dir, Running: 1, SpoolDir: t.TempDir()})
			s := serveNarrow(t, h)
			var clients []*bufio.Reader
			for range 3 {
				_, br := s.slowClient("/prog")
				clients = append(clients, br)
			}
			eventually(t, "all are read ahead", func() bool { return h.Ahead().Answers == 3 })
			if a := s.get("/hello"); a.StatusCode != 200 || a.body != "hello\n" {
				t.Errorf("%v %q %v", a.Status, a.body, a.err)
			}
			eventually(t, "no program runs", func() bool { return len(h.Board().Runs()) == 0 }) // the last one's answer is there before
			if a := h.Ahead(); a.Answers != 3 || a.Held != 0 || a.Begun != 3 {
				t.Errorf("%+v", a)
			}
			for _, br := range clients {
				if n, got := takes(t, br); got != sum {
					t.Errorf("%d octets that are not the program's", n)
				}
			}
			eventually(t, "nothing is kept", func() bool { return h.Ahead().Answers == 0 })
		})
	}
}

// TestSlowClientBeyondRoom has a program wait for its client when there is no
// room, and keep its turn.
func TestSlowClientBeyondRoom(t *testing.T) {
	for _, tt := range []struct {
		name string
		most int64
		full bool
	}{
		{"in one file", 200 << 10, false},
		{"on the disk", 0, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := folder(t, "prog", sh(`printf 'Content-Type: a/b\n\n'`, `exec head -c 2000000 /dev/zero`), "hello", hello)
			spool := t.TempDir()
			h := newHandler(t, cgi.Options{Dir: dir, Running: 1, MaxSpool: tt.most, SpoolDir: spool, QueueTime: soon})
			if tt.full {
				must(t, os.Remove(spool)) // no file can be made in it
			}
			s := serveNarrow(t, h)
			_, br := s.slowClient("/prog")
			eventually(t, "the program waits", func() bool { return h.Ahead().Held == 1 })
			next := make(chan answer, 1)
			go func() { next <- s.get("/hello") }()
			eventually(t, "the next one waits for its turn", func() bool { r, w := h.Load(); return r == 1 && w == 1 })
			if n, _ := takes(t, br); n != 2000000 {
				t.Errorf("%d octets", n)
			}
			if a := <-next; a.StatusCode != 200 {
				t.Errorf("%v, %v", a.Status, a.err)
			}
			if a := h.Ahead(); a.Waited != 1 || a.Held != 0 {
				t.Errorf("%+v", a)
			}
		})
	}
}

// TestSlowClientLeaves has nothing stay of what was kept for a client that left,
// whether its program is gone or waits.
func TestSlowClientLeaves(t *testing.T) {
	for _, most := range []int64{100 << 10, 10 << 20} {
		dir := folder(t, "prog", sh(`printf 'Content-Type: a/b\n\n'`, `exec head -c 2000000 /dev/zero`))
		spool := t.TempDir()
		h := newHandler(t, cgi.Options{Dir: dir, Running: 1, MaxSpool: most, SpoolDir: spool})
		s := serveNarrow(t, h)
		c, _ := s.slowClient("/prog")
		eventually(t, "the program is gone, or waits", func() bool {
			a := h.Ahead()
			return a.Answers == 1 && (a.Held == 1 || len(h.Board().Runs()) == 0)
		})
		if n := openIn(spool); n != 1 && runtime.GOOS == "linux" {
			t.Errorf("%d files are kept", n)
		}
		c.Close()
		eventually(t, "nothing is kept", func() bool { return h.Ahead().Answers == 0 && len(h.Board().Runs()) == 0 })
		eventually(t, "nobody has a turn", func() bool { r, w := h.Load(); return r == 0 && w == 0 })
		eventually(t, "the file is gone", func() bool { return openIn(spool) == 0 })
	}
}

// openIn counts the files of a folder that are open, with or without a name.
func openIn(dir string) (n int) {
	all, _ := filepath.Glob("/proc/self/fd/*")
	for _, fd := range all {
		to, _ := os.Readlink(fd)
		if strings.HasPrefix(to, dir+"/") {
			n++
		}
	}
	return n
}

// TestSlowClientOfMuch has a program that printed too much, or died, be heard of
// after what it printed before.
func TestSlowClientOfMuch(t *testing.T) {
	for _, tt := range []struct {
		name, end string
		most      int64
	}{
		{"too much", `exec head -c 1000000 /dev/zero`, 1000000},
		{"killed", `kill -9 $$`, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := folder(t, "prog", sh(`printf 'Content-Type: a/b\n\n'`, `head -c 1000000 /dev/zero`, tt.end), "hello", hello)
			h := newHandler(t, cgi.Options{Dir: dir, Running: 1, MaxOutput: tt.most, SpoolDir: t.TempDir(), Grace: 50 * time.Millisecond})
			s := serveNarrow(t, h)
			_, br := s.slowClient("/prog")
			eventually(t, "the program is gone", func() bool { return h.Ahead().Answers == 1 && len(h.Board().Runs()) == 0 })
			if a := s.get("/hello"); a.StatusCode != 200 {
				t.Errorf("%v, %v", a.Status, a.err)
			}
			res, err := http.ReadResponse(br, nil)
			must(t, err)
			n, err := io.Copy(io.Discard, res.Body)
			res.Body.Close()
			if want := int64(900_000); err == nil || n < want || n > 1_000_000 {
				t.Errorf("%d octets, %v", n, err)
			}
		})
	}
}
