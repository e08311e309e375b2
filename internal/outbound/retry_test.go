package outbound

import (
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
)

const ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

// dies makes an origin whose first connection answers one request and then
// does something else to the second, and whose others answer.
func dies(t *testing.T, second func(p *peer)) *origin {
	return newOrigin(t, func(p *peer) {
		for i := 0; p.head() != ""; i++ {
			if p.number == 1 && i == 1 {
				second(p)
				return
			}
			p.say(ok)
		}
	})
}

// reset makes the connection end in a reset.
func (p *peer) reset() {
	p.Conn.(*net.TCPConn).SetLinger(0)
	p.Conn.Close()
}

func TestRetry(t *testing.T) {
	hang := func(p *peer) {}
	for _, c := range []struct {
		name, method string
		body         io.Reader
		second       func(p *peer)
		again        bool
	}{
		{"GET", "GET", nil, hang, true},
		{"HEAD", "HEAD", nil, hang, true},
		{"reset", "GET", nil, (*peer).reset, true},
		{"DELETE", "DELETE", nil, hang, true},
		{"OPTIONS", "OPTIONS", nil, hang, true},
		{"POST", "POST", nil, hang, false},
		{"PATCH", "PATCH", nil, hang, false},
		{"an unknown method", "BREW", nil, hang, false},
		{"POST with a body that can be had again", "POST", strings.NewReader("x"), hang, false},
		{"PUT with a body that can be had again", "PUT", strings.NewReader("x"), hang, true},
		{"PUT with a body that cannot", "PUT", io.MultiReader(strings.NewReader("x")), hang, false},
		{"an answer that has begun", "GET", nil, func(p *peer) { p.say("H") }, false},
		{"an interim answer", "GET", nil, func(p *peer) { p.say("HTTP/1.1 100 x\r\n\r\n") }, false},
		{"an answer that is none", "GET", nil, func(p *peer) { p.say("Oops, no HTTP\r\n") }, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := dies(t, c.second)
			tr := newTransport(t)
			if _, _, err := get(t, tr, o.url); err != nil {
				t.Fatal(err)
			}
			req, _ := http.NewRequest(c.method, o.url, c.body)
			resp, err := tr.RoundTrip(req)
			if err == nil {
				resp.Body.Close()
			}
			if (err == nil) != c.again || (o.conns.Load() == 2) != c.again {
				t.Errorf("%v, %d connections", err, o.conns.Load())
			}
		})
	}
}

// A second attempt that dies as well is not followed by a third, and a fresh
// connection that dies not by a second.
func TestRetryOnce(t *testing.T) {
	o := newOrigin(t, func(p *peer) {
		if p.head(); p.number == 1 {
			p.say(ok)
			p.head()
		}
	})
	tr := newTransport(t)
	if _, _, err := get(t, tr, o.url); err != nil {
		t.Fatal(err)
	}
	_, _, err := get(t, tr, o.url)
	want(t, err, ConnectionTerminated, true)
	if o.conns.Load() != 2 {
		t.Errorf("%d connections", o.conns.Load())
	}
	_, _, err = get(t, tr, o.url)
	want(t, err, ConnectionTerminated, true)
	if o.conns.Load() != 3 {
		t.Errorf("%d connections", o.conns.Load())
	}
}

// An idle connection that the origin has closed, or on which it has said
// something, is not used; even a POST then succeeds.
func TestIdleConnectionLooked(t *testing.T) {
	for _, late := range []string{"", "HTTP/1.1 408 Timeout\r\nContent-Length: 0\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"} {
		said := make(chan struct{})
		after := make(chan struct{})
		o := newOrigin(t, func(p *peer) {
			p.head()
			p.say(ok)
			if p.number == 1 {
				<-after
				p.say(late)
				if late == "" {
					p.Conn.Close()
				}
				close(said)
			}
			p.gone()
		})
		tr := newTransport(t)
		if _, _, err := get(t, tr, o.url); err != nil {
			t.Fatal(err)
		}
		close(after)
		<-said
		req, _ := http.NewRequest("POST", o.url, nil)
		if _, body, err := do(tr, req); err != nil || body != "ok" || o.conns.Load() != 2 {
			t.Errorf("%q: %q %v, %d connections", late, body, err, o.conns.Load())
		}
	}
}

// GetBody makes the body of the second attempt, and both bodies are closed.
func TestRetryClosesBodies(t *testing.T) {
	o := dies(t, func(p *peer) {})
	tr := newTransport(t)
	if _, _, err := get(t, tr, o.url); err != nil {
		t.Fatal(err)
	}
	var closed atomic.Int32
	body := func() (io.ReadCloser, error) {
		return closer{strings.NewReader("body"), func() { closed.Add(1) }}, nil
	}
	req, _ := http.NewRequest("PUT", o.url, nil)
	req.Body, _ = body()
	req.GetBody, req.ContentLength = body, 4
	if _, _, err := do(tr, req); err != nil || closed.Load() != 2 {
		t.Errorf("%v, %d bodies closed", err, closed.Load())
	}
	req.Body, _ = body()
	req.GetBody = func() (io.ReadCloser, error) { return nil, errors.New("no") }
	if _, _, err := do(tr, req); err != nil {
		t.Error(err)
	}
}

type closer struct {
	io.Reader
	closed func()
}

func (c closer) Close() error {
	c.closed()
	return nil
}
