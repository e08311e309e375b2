package httpd_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"freshet/httpd"
	"freshet/internal/wiretest"
)

// pipes is a listener of in-memory connections, for tests in a bubble.
type pipes struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func newPipes() *pipes { return &pipes{conns: make(chan net.Conn), closed: make(chan struct{})} }

func (p *pipes) dial() net.Conn {
	c, s := net.Pipe()
	p.conns <- s
	return c
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}
func (p *pipes) Close() error   { p.once.Do(func() { close(p.closed) }); return nil }
func (p *pipes) Addr() net.Addr { return &net.UnixAddr{Name: "pipes", Net: "unix"} }

// The least rate is that of the client: the time in which the handler does not
// read does not count.
func TestRateDoesNotCountTheHandlersTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPipes()
		got := make(chan string, 1)
		srv := &httpd.Server{ReadHeaderTimeout: -1, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			io.ReadFull(r.Body, make([]byte, 10))
			time.Sleep(time.Minute)
			b, err := io.ReadAll(r.Body)
			got <- fmt.Sprint(len(b), err)
		})}
		go srv.Serve(p)
		c := p.dial()
		io.WriteString(c, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 20\r\n\r\n")
		io.WriteString(c, strings.Repeat("x", 20)) // blocks until the handler reads
		go io.Copy(io.Discard, c)
		if s := <-got; s != "10 <nil>" {
			t.Error(s)
		}
		c.Close()
		srv.Close()
		synctest.Wait()
	})
}

// The record of a refusal has the bytes of its page.
func TestRecordOfARefusal(t *testing.T) {
	sink := newRecords()
	got := talk(t, start(t, &httpd.Server{Sink: sink}), "GET / HTTP/1.1\r\n\r\n")
	_, body, _ := strings.Cut(got, "\r\n\r\n")
	if r := sink.wait(t, 0); r.Bytes != int64(len(body)) {
		t.Errorf("%d bytes recorded, %d sent", r.Bytes, len(body))
	}
}

type panics struct{}

func (panics) ServeHot(*httpd.Head, *httpd.Answer) bool { panic("hot") }

// A panic on the hot path costs one connection, not the process.
func TestHotPanicCostsOneConnection(t *testing.T) {
	if os.Getenv("HOT_PANIC") == "" {
		cmd := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$")
		cmd.Env = append(os.Environ(), "HOT_PANIC=1")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%v: %.300s", err, out)
		}
		return
	}
	addr := start(t, &httpd.Server{Hot: panics{}, ErrorLog: log.New(io.Discard, "", 0)})
	tryTalk(addr, get)
	tryTalk(addr, get)
}

// WriteTimeout covers answers of the hot path.
func TestWriteTimeoutOfHotAnswers(t *testing.T) {
	big := make([]byte, 64<<20)
	for _, hot := range []bool{false, true} {
		t.Run(fmt.Sprintf("hot=%v", hot), func(t *testing.T) {
			sink := newRecords()
			srv := &httpd.Server{WriteTimeout: 10 * soon, ReadHeaderTimeout: -1, Sink: sink, SweepEvery: time.Millisecond,
				Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.Write(big) })}
			if hot {
				srv.Hot = bodyHot(big)
			}
			c := dial(t, start(t, srv))
			io.WriteString(c, get)
			n, b := 0, make([]byte, 256<<10)
			for ; n < len(big); time.Sleep(soon / 2) { // slow, but steady: all of it takes ten times the limit
				m, err := c.Read(b)
				n += m
				if err != nil {
					return
				}
			}
			t.Errorf("all %d bytes arrived", n)
		})
	}
}

// Reading and writing at once in full duplex is no race, the 100 Continue
// included.
func TestDuplexContinueRace(t *testing.T) {
	addr := start(t, &httpd.Server{ReadHeaderTimeout: -1, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.NewResponseController(w).EnableFullDuplex()
		read := make(chan struct{})
		go func() {
			defer close(read)
			io.ReadAll(r.Body)
		}()
		for range 100 {
			io.WriteString(w, strings.Repeat("x", 1000))
		}
		<-read
	})})
	for range 20 {
		tryTalk(addr, "POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello")
	}
}

// An answer whose end is the end of the connection, and that is cut, does not
// look whole.
func TestAbortOfAnAnswerWithoutLength(t *testing.T) {
	addr := start(t, &httpd.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "half")
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	})})
	c := dial(t, addr)
	io.WriteString(c, "GET / HTTP/1.0\r\n\r\n")
	if b, err := io.ReadAll(c.br); err == nil {
		t.Errorf("%q looks whole", b)
	}
}

// A client of HTTP/2 that takes nothing is cut.
func TestSendTimeoutHTTP2(t *testing.T) {
	certFile, keyFile := wiretest.WriteKeyPair(t, t.TempDir(), "a")
	failed := make(chan error, 1)
	addr := startTLS(t, &httpd.Server{SendTimeout: soon, SweepEvery: time.Millisecond, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for {
			if _, err := w.Write(make([]byte, 1<<20)); err != nil {
				failed <- err
				return
			}
		}
	})}, certFile, keyFile)
	client := tlsClient("HTTP/2.0")
	defer client.CloseIdleConnections()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	req, _ := http.NewRequestWithContext(ctx, "GET", "https://"+addr, nil)
	if resp, err := client.Do(req); err == nil { // a client that comes late is cut before it has read the head
		defer resp.Body.Close()
	}
	select {
	case <-failed:
	case <-time.After(patience):
		t.Error("no limit")
		cancel()
		<-failed
	}
}
