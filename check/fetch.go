package check

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"
)

// A probe is a request to be sent.
type probe struct {
	method string // "" for GET
	url    *url.URL
	header http.Header // in place of the usual fields of the same names; nil values leave one out
	http10 bool        // say HTTP/1.0
	close  bool        // say Connection: close, and wait for the end of the connection
	http2  bool        // over HTTP/2
	noHost bool        // without Host
}

// A reply is what came back: the exchange, and what it says of the connection.
type reply struct {
	Exchange
	whole  bool              // the body came to its end, and all of it is kept
	sum    [sha256.Size]byte // of the body as far as it came
	early  int               // interim answers before
	reused bool              // the connection had answered before
	missed bool              // one that had answered before was closed meanwhile
	kept   bool              // the connection can be used again
	chunks bool              // Transfer-Encoding: chunked
	extra  int               // bytes behind the answer
	ended  bool              // the server ended the connection, as Connection: close asks
	faults []fault           // of syntax
}

// A fault is something that is wrong with how an answer is written.
type fault struct {
	note   string
	detail string
}

// client asks servers. It adds nothing to requests and takes nothing from
// answers; it knows no cookies. It is safe for use by many goroutines.
type client struct {
	*Options
	mu    sync.Mutex
	idle  map[string][]*connection // by scheme and host:port
	alpn  map[string]string        // what the server of a host:port chose
	stays map[string]bool          // origins that do not close connections
	h2    *http.Transport
}

// A connection is one that HTTP/1 is spoken on.
type connection struct {
	net.Conn
	used bool
}

func newClient(o *Options) *client {
	c := &client{Options: o, idle: map[string][]*connection{}, alpn: map[string]string{}, stays: map[string]bool{}}
	c.h2 = c.newHTTP2()
	return c
}

// close closes what is idle.
func (c *client) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, list := range c.idle {
		for _, conn := range list {
			conn.Close()
		}
	}
	clear(c.idle)
	c.h2.CloseIdleConnections()
}

// do sends a probe and reads what comes, within the timeout. Its error is one
// line for people.
func (c *client) do(ctx context.Context, p probe) (*reply, error) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout())
	defer cancel()
	var r *reply
	err := ctx.Err()
	switch {
	case err != nil:
	case p.http2:
		r, err = c.doHTTP2(ctx, p)
	default:
		r, err = c.doHTTP1(ctx, p)
	}
	if err != nil {
		return nil, c.explain(p.url, err)
	}
	return r, nil
}

// fields returns the fields of the request, but for Host and Connection.
func (c *client) fields(p *probe) http.Header {
	h := usual.Clone()
	maps.Copy(h, c.Header)
	maps.Copy(h, p.header)
	maps.DeleteFunc(h, func(_ string, v []string) bool { return v == nil })
	for _, name := range []string{"Host", "Connection", "Content-Length", "Transfer-Encoding"} {
		delete(h, name)
	}
	return h
}

func (c *client) doHTTP1(ctx context.Context, p probe) (*reply, error) {
	for missed := false; ; missed = true {
		conn, err := c.connect(ctx, p.url, p.close)
		if err != nil {
			return nil, err
		}
		reused := conn.used
		r, err := c.ask(ctx, conn, p)
		if err == nil {
			r.reused, r.missed = reused, missed
			if r.kept && !p.close {
				c.putBack(p.url, conn)
			} else {
				conn.Close()
			}
			return r, nil
		}
		conn.Close()
		// A connection that was idle may have been closed while the
		// request was on its way.
		if !reused || !errors.Is(err, errNoAnswer) {
			return nil, err
		}
	}
}

func (c *client) putBack(u *url.URL, conn *connection) {
	conn.used = true
	c.mu.Lock()
	defer c.mu.Unlock()
	key := originOf(u)
	c.idle[key] = append(c.idle[key], conn)
}

// errNoAnswer is the end of a connection before the first byte of an answer.
var errNoAnswer = errors.New("the connection was closed without an answer")

// ask sends a request on a connection and reads its answer.
func (c *client) ask(ctx context.Context, conn *connection, p probe) (*reply, error) {
	deadline, _ := ctx.Deadline()
	if err := conn.SetDeadline(deadline); err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	if p.method == "" {
		p.method = "GET"
	}
	r := &reply{}
	r.Method, r.URL, r.RequestHeader = p.method, p.url.String(), c.fields(&p)
	if !p.noHost {
		r.RequestHeader["Host"] = []string{p.url.Host}
	}
	if p.close {
		r.RequestHeader["Connection"] = []string{"close"}
	}
	if _, err := conn.Write(appendRequest(nil, &p, r.RequestHeader)); err != nil {
		return nil, fmt.Errorf("%w (%w)", errNoAnswer, err)
	}
	m := &message{conn: conn, probe: &p, reply: r, most: c.maxBody(), sum: sha256.New(), linger: c.linger(p.url)}
	if err := m.read(); err != nil {
		return nil, err
	}
	m.sum.Sum(r.sum[:0])
	if p.close && r.whole && !r.ended {
		c.mu.Lock()
		c.stays[originOf(p.url)] = true
		c.mu.Unlock()
	}
	return r, nil
}

// linger returns how long the end of a connection is waited for.
func (c *client) linger(u *url.URL) time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.stays[originOf(u)] {
		return lingeringAgain
	}
	return lingering
}

// appendRequest appends a request as it is sent.
func appendRequest(b []byte, p *probe, h http.Header) []byte {
	b = append(b, p.method...)
	b = append(b, ' ')
	b = append(b, p.url.RequestURI()...)
	if p.http10 {
		b = append(b, " HTTP/1.0\r\n"...)
	} else {
		b = append(b, " HTTP/1.1\r\n"...)
	}
	if !p.noHost {
		b = append(append(append(b, "Host: "...), p.url.Host...), "\r\n"...)
	}
	for _, name := range slices.Sorted(maps.Keys(h)) {
		if name == "Host" {
			continue
		}
		for _, v := range h[name] {
			b = append(append(append(append(b, name...), ": "...), v...), "\r\n"...)
		}
	}
	return append(b, "\r\n"...)
}
