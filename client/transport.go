package client

import (
	"context"
	"crypto/tls"
	"errors"
	"net/http"
	"strings"
	"sync"
	"time"

	"freshet/internal/outbound"
)

// Transport is an http.RoundTripper with a private cache in it. The zero value
// is ready and has none. Fields must not change after first use; it must not be
// copied. All methods may be called at the same time.
//
// What the cache does shows in the answer: Cache-Status (RFC 9211) says it to
// programs, [From] says why.
//
// An answer's body streams: what the cache stores of it comes from the same
// bytes, in bounded memory. It must be read to its end or closed, as always;
// closed early, it ends the exchange, unless so little is missing that reading
// it is cheaper: then it is still stored.
//
// A body that comes with Content-Digest or Repr-Digest (RFC 9530), in the head or
// in a trailer, is compared with them; it ends in a *[digest.Error] when it is not
// what they say, is not stored, and its last bytes are not given out.
//
// The cache is passed by requests for an upgrade, by CONNECT, and by requests
// whose Host is not that of their URL: what is stored is for what a URL names,
// and here another server answers.
type Transport struct {
	// Base sends what the cache cannot answer; nil means this module's own
	// transport, with HTTP/2 for https. It gets requests with a context of their
	// own, which ends with the exchange and has the values of the caller's.
	Base http.RoundTripper

	// Cache keeps answers; nil means that there is none. Several transports may
	// share one.
	Cache *Cache

	// Offline keeps requests from the network: what is stored answers, stale,
	// too, unless the origin has forbidden that (must-revalidate), else there is
	// a 504 of the cache. What a cache cannot answer, such as a POST, fails with
	// ErrOffline.
	Offline bool

	// Sign, if not nil, is called with a copy of each request before Base gets it,
	// and adds what it has to: the Request method of a [Signer], for all. It is
	// called for what is sent, and for nothing that the cache answers.
	Sign func(*http.Request) error

	// Report, if not nil, is called for each answer with why it is what it is,
	// when it is complete or was given up, and for each error; on a goroutine of
	// the transport's.
	Report func(*http.Request, Why)

	once sync.Once
	own  *outbound.Transport
}

// ErrOffline is why a request fails that only the network could answer.
var ErrOffline = errors.New("client: offline, and the cache cannot answer this")

func (t *Transport) base() http.RoundTripper {
	if t.Base != nil {
		return t.Base
	}
	t.once.Do(func() { t.own = &outbound.Transport{HTTP2: true} })
	return t.own
}

// CloseIdleConnections closes the connections of Base that are not in use.
func (t *Transport) CloseIdleConnections() {
	if c, ok := t.base().(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}

// RoundTrip implements http.RoundTripper. An error of Base is returned as it is,
// unless the cache answers in its place with what is stale (RFC 9111 §4.2.4,
// RFC 5861 §4).
func (t *Transport) RoundTrip(req *http.Request) (*http.Response, error) {
	if t.Cache == nil || passesCache(req) {
		if t.Offline {
			closeBody(req)
			return nil, ErrOffline
		}
		return t.ask(req)
	}
	return t.start(req).response()
}

// passesCache reports whether a request is for a connection more than for an
// answer, or for nothing that a cache can have.
func passesCache(req *http.Request) bool {
	return req.Method == http.MethodConnect || len(req.Header["Upgrade"]) > 0 || req.URL == nil || req.URL.Host == "" ||
		req.Host != "" && !strings.EqualFold(req.Host, req.URL.Host)
}

// start has the cache handle a request, on a goroutine of its own, and returns
// the writer that it answers to.
func (t *Transport) start(req *http.Request) *answer {
	a := newAnswer(t, req)
	ctx, end := context.WithCancel(context.WithValue(req.Context(), answerKey{}, a))
	a.end = end
	r := handled(req, t.Offline).WithContext(ctx)
	a.unwatch = context.AfterFunc(req.Context(), func() { a.giveUp(context.Cause(req.Context())) })
	go a.run(t.Cache.handler, r)
	return a
}

// theirTLS is what a request to an https URL has for the cache: that it is one.
var theirTLS tls.ConnectionState

// handled returns a request as a handler would get it.
func handled(req *http.Request, offline bool) *http.Request {
	r := &http.Request{
		Method: req.Method, URL: req.URL, Host: req.Host, Header: req.Header,
		Body: req.Body, GetBody: req.GetBody, ContentLength: req.ContentLength,
		TransferEncoding: req.TransferEncoding, Trailer: req.Trailer, Close: req.Close,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
	}
	if r.Method == "" {
		r.Method = http.MethodGet
	}
	if r.Host == "" {
		r.Host = req.URL.Host
	}
	if r.Header == nil {
		r.Header = http.Header{}
	}
	if req.URL.Scheme == "https" {
		r.TLS = &theirTLS
	}
	switch {
	case req.Body == nil || req.Body == http.NoBody:
		r.Body, r.ContentLength = http.NoBody, 0
	case req.ContentLength == 0:
		r.ContentLength = -1 // to a client, 0 with a body is an unknown length
	}
	if offline {
		r.Header = r.Header.Clone()
		said := append(r.Header["Cache-Control"], "only-if-cached, max-stale")
		r.Header["Cache-Control"] = []string{strings.Join(said, ", ")}
	}
	return r
}

func closeBody(req *http.Request) {
	if req.Body != nil {
		req.Body.Close()
	}
}

const (
	// closeGrace is how long an exchange goes on whose body was closed early, if
	// its end may be near.
	closeGrace = 100 * time.Millisecond
	// nearEnd is how many bytes from its end a body is worth to be read.
	nearEnd = 256 << 10
)
