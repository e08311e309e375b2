package app

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"

	"freshet/client"
	"freshet/internal/outbound"
)

// getOld sends requests of HTTP/1.0, each on a connection of its own.
type getOld struct {
	way  *outbound.Transport
	tls  *tls.Config
	talk *getTalk
	o    client.DialOptions
}

var errNoLength = errors.New("HTTP/1.0 has no body of unknown length; give a file")

// RoundTrip implements http.RoundTripper. Through a proxy it asks for a tunnel,
// for http, too.
func (w *getOld) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Body != nil {
		defer req.Body.Close()
	}
	if req.ContentLength < 0 {
		return nil, &getFault{getSendError, errNoLength}
	}
	ctx := req.Context()
	nc, err := w.dial(req)
	if err != nil {
		return nil, err
	}
	conn := client.NewConn(nc, req.URL.Host, w.o)
	if trace := httptrace.ContextClientTrace(ctx); trace != nil && trace.GotConn != nil {
		trace.GotConn(httptrace.GotConnInfo{Conn: nc})
	}
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	reply, err := w.exchange(conn, req)
	if err != nil {
		stop()
		conn.Close()
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		return nil, connFault(req, err)
	}
	resp := &http.Response{
		StatusCode: reply.Status, Status: http.StatusText(reply.Status), Proto: reply.Version, ProtoMajor: 1,
		Header: reply.Header(), ContentLength: reply.Length, Request: req, TLS: conn.TLS(),
	}
	resp.Status = getStatusText(resp)
	resp.ProtoMajor, resp.ProtoMinor, _ = http.ParseHTTPVersion(reply.Version)
	resp.Body = &oldBody{reply.Body, conn, req, stop}
	return resp, nil
}

// dial connects as req says, with TLS for https.
func (w *getOld) dial(req *http.Request) (net.Conn, error) {
	nc, err := w.way.Tunnel(req.Context(), outbound.HostPort(req.URL))
	if err != nil || req.URL.Scheme != "https" {
		return nc, err
	}
	cfg := w.tls.Clone()
	cfg.ServerName = req.URL.Hostname()
	cfg.NextProtos = []string{"http/1.1"}
	ctx, cancel := context.WithTimeout(req.Context(), w.way.TLSTimeout)
	defer cancel()
	tc := tls.Client(outbound.WatchEnd(nc), cfg)
	if err := tc.HandshakeContext(ctx); err != nil {
		nc.Close()
		return nil, &outbound.Error{Op: "TLS handshake", Kind: outbound.TLSKind(err), Peer: outbound.HostPort(req.URL), Err: err}
	}
	return tc, nil
}

// exchange puts the request and gets the reply.
func (w *getOld) exchange(conn *client.Conn, req *http.Request) (*client.Reply, error) {
	header := req.Header.Clone()
	if req.Host != "" && req.Host != req.URL.Host {
		header.Set("Host", req.Host)
	}
	var body io.Reader
	if req.Body != nil && req.Body != http.NoBody {
		body = sizedBody{req.Body, int(req.ContentLength)}
	} else if req.Method == http.MethodPost || req.Method == http.MethodPut || req.Method == http.MethodPatch {
		header.Set("Content-Length", "0")
	}
	if err := conn.Request(req.Method, req.URL.RequestURI(), header, body); err != nil {
		return nil, err
	}
	return conn.GetReply()
}

// sizedBody tells its length.
type sizedBody struct {
	io.Reader
	length int
}

// Len returns it.
func (b sizedBody) Len() int { return b.length }

// connFault makes the error of a connection one of the transport.
func connFault(req *http.Request, err error) error {
	var failed *client.ConnError
	if !errors.As(err, &failed) || failed.Kind == "" {
		return err
	}
	return &outbound.Error{Op: failed.Op, Kind: outbound.Kind(failed.Kind), Peer: outbound.HostPort(req.URL), Err: failed.Err}
}

// oldBody is the body of a reply, with which its connection ends.
type oldBody struct {
	io.Reader
	conn *client.Conn
	req  *http.Request
	stop func() bool
}

// Read implements io.Reader.
func (b *oldBody) Read(p []byte) (int, error) {
	n, err := b.Reader.Read(p)
	if err != nil && err != io.EOF && b.req.Context().Err() != nil {
		err = context.Cause(b.req.Context())
	}
	return n, err
}

// Close implements io.Closer.
func (b *oldBody) Close() error {
	b.stop()
	return b.conn.Close()
}
