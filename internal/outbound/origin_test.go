package outbound

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"freshet/internal/wiretest"
)

// origin is a scripted server: play is called for each connection, and the
// connection is closed when it returns.
type origin struct {
	net.Listener
	url   string
	conns atomic.Int32
}

// peer is an origin's end of a connection.
type peer struct {
	net.Conn
	*bufio.Reader
	number int32 // of the connection, from 1
}

// newOrigin starts an origin on TCP that lasts as long as the test.
func newOrigin(t testing.TB, play func(p *peer)) *origin {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return serve(t, l, "http://"+l.Addr().String(), play)
}

func serve(t testing.TB, l net.Listener, url string, play func(p *peer)) *origin {
	o := &origin{Listener: l, url: url}
	wiretest.Connections(t, l, func(c net.Conn) { play(&peer{c, bufio.NewReader(c), o.conns.Add(1)}) })
	return o
}

// Read and Write are the connection's, the first by way of the buffer.
func (p *peer) Read(b []byte) (int, error)  { return p.Reader.Read(b) }
func (p *peer) Write(b []byte) (int, error) { return p.Conn.Write(b) }

// head reads a request head, "" at the end.
func (p *peer) head() string {
	var b strings.Builder
	for {
		line, err := p.ReadString('\n')
		if err != nil {
			return ""
		}
		b.WriteString(line)
		if line == "\r\n" {
			return b.String()
		}
	}
}

// say writes s.
func (p *peer) say(s string) { io.WriteString(p.Conn, s) }

// gone waits until the client has closed the connection.
func (p *peer) gone() { io.Copy(io.Discard, p.Reader) }

// echo says again what it hears. It does not let the kernel do that (splice),
// for the pipes that takes are kept, and look like left behind.
func (p *peer) echo() { io.Copy(struct{ io.Writer }{p.Conn}, p.Reader) }

// answers makes an origin that answers each request on a connection with text.
func answers(t testing.TB, text string) *origin {
	return newOrigin(t, func(p *peer) {
		for p.head() != "" {
			p.say(text)
		}
	})
}

// newTransport returns a transport whose times are short enough to wait for.
func newTransport(t testing.TB) *Transport {
	tr := &Transport{}
	t.Cleanup(tr.CloseIdleConnections)
	return tr
}

func get(t testing.TB, tr *Transport, url string) (*http.Response, string, error) {
	t.Helper()
	req, err := http.NewRequest("GET", url, nil)
	if err != nil {
		t.Fatal(err)
	}
	return do(tr, req)
}

// do returns the answer with its body; an error is of the exchange or of the
// body.
func do(tr *Transport, req *http.Request) (*http.Response, string, error) {
	resp, err := tr.RoundTrip(req)
	if err != nil {
		return nil, "", err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return resp, string(b), err
}

// want fails unless err is an *Error of that kind.
func want(t testing.TB, err error, kind Kind, remote bool) {
	t.Helper()
	var failed *Error
	if !errors.As(err, &failed) {
		t.Fatalf("%v is no *Error", err)
	}
	if failed.Kind != kind || failed.Remote != remote || failed.Op == "" {
		t.Fatalf("%+v, want %q, remote %v", failed, kind, remote)
	}
}

const patience = time.Minute
