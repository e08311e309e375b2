//go:build unix

package cgi_test

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// larger is a body that is copied while the program runs, and more than a pipe
// takes.
const larger = 80_000

// behindNetHTTP serves a handler by net/http, and returns a connection to it.
func behindNetHTTP(t *testing.T, h http.Handler) (net.Conn, *bufio.Reader) {
	t.Helper()
	std := httptest.NewUnstartedServer(h)
	std.Config.ErrorLog = log.New(io.Discard, "", 0)
	std.Start()
	t.Cleanup(std.Close)
	c, err := net.Dial("tcp", std.Listener.Addr().String())
	must(t, err)
	t.Cleanup(func() { c.Close() })
	return c, bufio.NewReader(c)
}

// hereAlready is a body that is here already, and tells when it was read to its end.
type hereAlready struct {
	data []byte
	told func()
}

func (b *hereAlready) Read(p []byte) (n int, err error) {
	n = copy(p, b.data)
	if b.data = b.data[n:]; len(b.data) == 0 {
		b.told()
		err = io.EOF
	}
	return n, err
}

func (b *hereAlready) Close() error { return nil }

// readDeadlines notes whether any was set.
type readDeadlines struct {
	http.ResponseWriter
	set bool
}

func (d *readDeadlines) Unwrap() http.ResponseWriter { return d.ResponseWriter }

func (d *readDeadlines) SetReadDeadline(at time.Time) error {
	d.set = true
	return http.NewResponseController(d.ResponseWriter).SetReadDeadline(at)
}

// TestConnectionOutlivesBody: a program that has answered and goes on, while what
// was read of its body is in no pipe yet, leaves the connection fit for the next
// request, whose client is there.
func TestConnectionOutlivesBody(t *testing.T) {
	dir := folder(t, "prog", sh(`until [ -e go.txt ]; do sleep 0.01; done`, `printf 'Content-Type: text/plain\nContent-Length: 6\n\nhello\n'`, `exec sleep 600`))
	h := newHandler(t, optionsOf(dir))
	c, br := behindNetHTTP(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/next" {
			fmt.Fprint(w, r.Context().Err())
			return
		}
		all, err := io.ReadAll(r.Body) // net/http begins to wait for the client's end
		if err != nil {
			t.Error(err)
		}
		r.Body = &hereAlready{all, func() { write(t, filepath.Join(dir, "go.txt"), "") }}
		d := &readDeadlines{ResponseWriter: w}
		h.ServeHTTP(d, r)
		if d.set {
			t.Error("a read deadline was set, which net/http takes for the client's end")
		}
	}))
	fmt.Fprintf(c, "POST /prog HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n%s", larger, strings.Repeat("x", larger))
	if b := answerOf(t, br); b != "hello\n" {
		t.Fatalf("%q", b)
	}
	fmt.Fprint(c, "GET /next HTTP/1.1\r\nHost: a\r\n\r\n")
	if b := answerOf(t, br); b != "<nil>" {
		t.Errorf("the next request's context: %s", b)
	}
}

func answerOf(t *testing.T, br *bufio.Reader) string {
	t.Helper()
	resp, err := http.ReadResponse(br, nil)
	must(t, err)
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	must(t, err)
	return string(b)
}

// TestUnreadBodyIsNoRequest: what is left of a body when the program has answered
// is not taken for requests.
func TestUnreadBodyIsNoRequest(t *testing.T) {
	h := newHandler(t, optionsOf(folder(t, "prog", hello)))
	c, br := behindNetHTTP(t, h)
	fmt.Fprintf(c, "POST /prog HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n", larger)
	resp, err := http.ReadResponse(br, nil)
	must(t, err)
	b, err := io.ReadAll(resp.Body)
	if err != nil || string(b) != "hello\n" || !resp.Close {
		t.Errorf("%q %v, the connection is closed: %v", b, err, resp.Close)
	}
	io.WriteString(c, strings.Repeat("GET /prog HTTP/1.1\r\nHost: a\r\n\r\n", larger/31+1)) // it may be closed
	rest, err := io.ReadAll(br)
	if len(rest) > 0 || errors.Is(err, os.ErrDeadlineExceeded) || bytes.Contains(rest, []byte("HTTP/1.1")) {
		t.Errorf("%d octets more: %.40q %v", len(rest), rest, err)
	}
}
