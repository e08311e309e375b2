package check

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"time"

	"freshet/internal/outbound"
)

// originOf returns the scheme, host and port of a URL, the port always written.
func originOf(u *url.URL) string { return u.Scheme + "://" + outbound.HostPort(u) }

// connect returns a connection for HTTP/1, an idle one unless a fresh one is
// asked for.
func (c *client) connect(ctx context.Context, u *url.URL, fresh bool) (*connection, error) {
	if !fresh {
		if conn := c.takeIdle(originOf(u)); conn != nil {
			return conn, nil
		}
	}
	conn, err := c.dial(ctx, outbound.HostPort(u))
	if err != nil {
		return nil, err
	}
	if u.Scheme != "https" {
		return &connection{Conn: conn}, nil
	}
	secure, err := c.handshake(ctx, conn, u.Hostname(), "http/1.1")
	if err != nil {
		return nil, err
	}
	return &connection{Conn: secure}, nil
}

// takeIdle takes an idle connection, the one used last; nil without one.
func (c *client) takeIdle(origin string) *connection {
	c.mu.Lock()
	defer c.mu.Unlock()
	list := c.idle[origin]
	if len(list) == 0 {
		return nil
	}
	last := list[len(list)-1]
	c.idle[origin] = list[:len(list)-1]
	return last
}

// handshake makes a connection a TLS one; it closes it when that fails.
func (c *client) handshake(ctx context.Context, conn net.Conn, name string, protocols ...string) (*tls.Conn, error) {
	secure := tls.Client(conn, &tls.Config{ServerName: name, RootCAs: c.RootCAs, InsecureSkipVerify: c.Insecure, NextProtos: protocols})
	if err := secure.HandshakeContext(ctx); err != nil {
		conn.Close()
		return nil, err
	}
	return secure, nil
}

// speaksHTTP2 reports whether the server of an https URL chooses HTTP/2 when
// it is offered beside HTTP/1.1. It asks once for each host.
func (c *client) speaksHTTP2(ctx context.Context, u *url.URL) (bool, error) {
	if u.Scheme != "https" {
		return false, nil
	}
	key := outbound.HostPort(u)
	c.mu.Lock()
	chosen, known := c.alpn[key]
	c.mu.Unlock()
	if known {
		return chosen == "h2", nil
	}
	ctx, cancel := context.WithTimeout(ctx, c.timeout())
	defer cancel()
	conn, err := c.dial(ctx, key)
	if err != nil {
		return false, c.explain(u, err)
	}
	secure, err := c.handshake(ctx, conn, u.Hostname(), "h2", "http/1.1")
	if err != nil {
		return false, c.explain(u, err)
	}
	chosen = secure.ConnectionState().NegotiatedProtocol
	secure.Close()
	c.mu.Lock()
	c.alpn[key] = chosen
	c.mu.Unlock()
	return chosen == "h2", nil
}

// newHTTP2 returns what speaks HTTP/2, and nothing else.
func (c *client) newHTTP2() *http.Transport {
	t := &http.Transport{DisableCompression: true, MaxResponseHeaderBytes: maxHead, Protocols: new(http.Protocols)}
	t.Protocols.SetHTTP2(true)
	t.DialTLSContext = func(ctx context.Context, _, hostport string) (net.Conn, error) {
		conn, err := c.dial(ctx, hostport)
		if err != nil {
			return nil, err
		}
		host, _, _ := net.SplitHostPort(hostport)
		return c.handshake(ctx, conn, host, "h2")
	}
	return t
}

func (c *client) doHTTP2(ctx context.Context, p probe) (*reply, error) {
	if p.method == "" {
		p.method = "GET"
	}
	req, err := http.NewRequestWithContext(ctx, p.method, p.url.String(), nil)
	if err != nil {
		return nil, err
	}
	req.Header = c.fields(&p)
	if req.Header["User-Agent"] == nil {
		req.Header["User-Agent"] = []string{""} // or net/http adds its own
	}
	resp, err := c.h2.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	r := &reply{whole: true}
	r.Method, r.URL, r.RequestHeader = p.method, p.url.String(), req.Header
	r.Proto, r.Status, r.Header, r.Received = resp.Proto, resp.StatusCode, resp.Header, time.Now().Unix()*second
	m := &message{reply: r, most: c.maxBody(), sum: sha256.New()}
	var b [16 << 10]byte
	for more := !r.endless(); more; {
		n, err := resp.Body.Read(b[:])
		more = m.keep(b[:n])
		switch {
		case errors.Is(err, io.EOF):
			more = false
		case ctx.Err() != nil:
			return nil, fmt.Errorf("%w: %w", errSlow, ctx.Err())
		case err != nil:
			more, r.whole = false, false
			m.fault("body-cut-off", err.Error())
		}
	}
	m.sum.Sum(r.sum[:0])
	r.Trailer = resp.Trailer
	return r, nil
}

// A brokenError says that an answer cannot be read.
type brokenError struct{ what string }

func (e *brokenError) Error() string { return e.what }

func isTimeout(err error) bool {
	var timeout net.Error
	return errors.As(err, &timeout) && timeout.Timeout() || errors.Is(err, context.DeadlineExceeded)
}

// A fetchError says in one line for people why there is no answer.
type fetchError struct {
	text  string
	cause error
}

func (e *fetchError) Error() string { return e.text }
func (e *fetchError) Unwrap() error { return e.cause }

// explain makes one clear line of what failed.
func (c *client) explain(u *url.URL, err error) error {
	text := err.Error()
	var (
		refused  *addressError
		broken   *brokenError
		name     *net.DNSError
		verify   *tls.CertificateVerificationError
		unknown  x509.UnknownAuthorityError
		notTLS   tls.RecordHeaderError
		alert    tls.AlertError
		from     = "connect to " + outbound.HostPort(u) + ": "
		insecure = "; --insecure checks without looking at it"
	)
	switch {
	case errors.As(err, &refused):
		text = refused.Error()
	case errors.As(err, &broken):
		text = outbound.HostPort(u) + " does not answer in HTTP: " + broken.what
	case errors.As(err, &name) && name.IsNotFound:
		text = "no host has the name " + name.Name
	case errors.As(err, &name):
		text = "look up " + name.Name + ": " + name.Err
	case errors.As(err, &unknown):
		text = "the certificate of " + outbound.HostPort(u) + " is signed by nobody who is trusted" + insecure
	case errors.As(err, &verify):
		text = "the certificate of " + outbound.HostPort(u) + " does not hold: " + strings.TrimPrefix(verify.Err.Error(), "x509: ") + insecure
	case errors.As(err, &notTLS):
		text = outbound.HostPort(u) + " does not speak TLS; is it http://?"
	case errors.As(err, &alert):
		text = from + alert.Error()
	case errors.Is(err, context.Canceled):
		text = "stopped before " + outbound.HostPort(u) + " answered"
	case errors.Is(err, errSlow):
		text = fmt.Sprintf("the answer of %s does not end within %v", outbound.HostPort(u), c.timeout())
	case isTimeout(err):
		text = fmt.Sprintf("no answer from %s within %v", outbound.HostPort(u), c.timeout())
	case errors.Is(err, syscall.ECONNREFUSED):
		text = from + "nobody listens there (connection refused)"
	case errors.Is(err, syscall.ECONNRESET):
		text = outbound.HostPort(u) + " cut the connection"
	case errors.Is(err, errNoAnswer):
		text = outbound.HostPort(u) + " closed the connection without an answer"
	}
	return &fetchError{text, err}
}
