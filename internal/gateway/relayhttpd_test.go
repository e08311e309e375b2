package gateway_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"

	"freshet/httpd"
	"freshet/internal/gateway"
	"freshet/internal/rule"
)

// program is a handler whose answer is what the test writes into a pipe.
type program struct {
	in     *os.File // of the pipe of the latest request
	begun  chan struct{}
	faults chan *gateway.Fault
}

func (p *program) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	out, in, err := os.Pipe()
	if err != nil {
		panic(err)
	}
	defer out.Close()
	p.in = in
	p.begun <- struct{}{}
	o := gateway.NewOutput(out)
	defer o.Release()
	h, f := o.ReadHead(false, 0)
	if f == nil {
		f = gateway.Relay(w, r, h, o, gateway.RelayOptions{Most: 1 << 20})
	}
	p.faults <- f
	if f != nil {
		gateway.Cut(w)
	}
}

// engine starts a server of p and returns a connection to it.
func engine(t *testing.T, p *program) net.Conn {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	srv := &httpd.Server{Handler: p, ErrorLog: log.New(io.Discard, "", 0)}
	served := make(chan error, 1)
	go func() { served <- srv.Serve(l) }()
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		c.Close()
		srv.Shutdown(context.Background())
		<-served
	})
	return c
}

func newProgram() *program {
	return &program{begun: make(chan struct{}, 1), faults: make(chan *gateway.Fault, 1)}
}

// TestEngineEvents has each event reach the client before the next is made.
func TestEngineEvents(t *testing.T) {
	for _, kind := range []string{"text/event-stream", "text/plain"} {
		p := newProgram()
		c := engine(t, p)
		fmt.Fprint(c, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
		<-p.begun
		fmt.Fprintf(p.in, "Content-Type: %s\n\n", kind)
		// The head comes while the program has printed nothing more.
		res, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewReader(res.Body)
		for n := range 5 {
			fmt.Fprintf(p.in, "data: %d\n", n)
			if line, err := lines.ReadString('\n'); err != nil || line != fmt.Sprintf("data: %d\n", n) {
				t.Fatalf("%s: %q, %v", kind, line, err)
			}
		}
		p.in.Close()
		if f := <-p.faults; f != nil {
			t.Error(f)
		}
		if rest, err := io.ReadAll(lines); len(rest) > 0 || err != nil {
			t.Errorf("%q, %v", rest, err)
		}
		res.Body.Close()
	}
}

func TestEngineAnswers(t *testing.T) {
	for _, tt := range []struct {
		name, method, out string
		fault             rule.ID
		has, hasNot       string // of the answer, as it is on the wire
		cut               bool
	}{
		{"a document", "GET", "Content-Type: a/b\n\nbody", 0, "body", "nothing", false},
		{"of known length", "GET", "Content-Type: a/b\nContent-Length: 4\n\nbody", 0, "Content-Length: 4\r\n", "chunked", false},
		{"too short", "GET", "Content-Type: a/b\nContent-Length: 9\n\nbody", rule.ScriptIncomplete, "Content-Length: 9\r\n", "\r\n0\r\n", true},
		{"too long", "GET", "Content-Type: a/b\nContent-Length: 2\n\nbody", 0, "Content-Length: 2\r\n", "body", false},
		{"too much", "GET", "Content-Type: a/b\n\n" + strings.Repeat("x", 1<<20+1), rule.ScriptOutputTooLarge, "a/b", "\r\n0\r\n\r\n", true},
		{"HEAD", "HEAD", "Content-Type: a/b\nContent-Length: 4\n\nbody", 0, "Content-Length: 4\r\n", "body", false},
		{"204", "GET", "Status: 204\nContent-Length: 4\n\nbody", 0, "HTTP/1.1 204 ", "Content-Length", false},
		{"304", "GET", "Status: 304\nETag: \"x\"\n\nbody", 0, "ETag: \"x\"", "body", false},
		{"no type", "GET", "Status: 200\n\n<html>", 0, "<html>", "Content-Type", false},
		{"a client redirect", "GET", "Location: http://b/\n\n", 0, "302 Found\r\n", "nothing", false},
		{"a status of its own", "GET", "Status: 299 Whatever\n\n", 0, "HTTP/1.1 299 ", "nothing", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := newProgram()
			c := engine(t, p)
			fmt.Fprintf(c, "%s / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", tt.method)
			<-p.begun
			// All of this at once: a system that is short of memory lets a socket
			// hold less than the answer, and who is not read from does not read.
			var raw []byte
			var readErr error
			read := make(chan struct{})
			go func() {
				defer close(read)
				raw, readErr = io.ReadAll(c)
			}()
			io.WriteString(p.in, tt.out) // fails when it is too much
			p.in.Close()
			f := <-p.faults
			if (f == nil) != (tt.fault == 0) || f != nil && f.Rule != tt.fault {
				t.Errorf("%v, want %v", f, tt.fault)
			}
			<-read
			got := string(raw)
			if !strings.Contains(got, tt.has) || strings.Contains(got, tt.hasNot) {
				t.Errorf("%.200q", got)
			}
			res, err := http.ReadResponse(bufio.NewReader(strings.NewReader(got)), &http.Request{Method: tt.method})
			if err != nil {
				t.Fatalf("%v: %.200q", err, got)
			}
			_, err = io.ReadAll(res.Body)
			res.Body.Close()
			if cut := err != nil || readErr != nil; cut != tt.cut {
				t.Errorf("cut: %v, %v; want %v", err, readErr, tt.cut)
			}
		})
	}
}

// TestEngineClientGone has a program whose client is gone be ended by its next
// words.
func TestEngineClientGone(t *testing.T) {
	p := newProgram()
	c := engine(t, p)
	fmt.Fprint(c, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	<-p.begun
	fmt.Fprint(p.in, "Content-Type: text/event-stream\n\n")
	if _, err := c.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	c.(*net.TCPConn).SetLinger(0)
	c.Close()
	for {
		if _, err := p.in.WriteString("data: x\n\n"); err != nil {
			break
		}
	}
	p.in.Close()
	if f := <-p.faults; f == nil || f.Rule != rule.ScriptClientGone {
		t.Errorf("%v", f)
	}
}
