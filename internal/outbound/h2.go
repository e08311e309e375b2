package outbound

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"sync/atomic"
)

// maxH2s bounds the origins that are remembered to take HTTP/2. Beyond it all
// are forgotten, which costs each a look at its next handshake.
const maxH2s = 1024

// offerKey is the key of the context value by which a connection that has been
// made gets to where the standard library would make one.
type offerKey struct{}

type offer = atomic.Pointer[tls.Conn]

var errNotH2 = errors.New("the origin does not take HTTP/2 any more")

// newH2 makes what has the connections by HTTP/2 by one way.
func (t *Transport) newH2(via *Parent) *http.Transport {
	protocols := new(http.Protocols)
	protocols.SetHTTP2(true)
	return &http.Transport{
		DialTLSContext: func(ctx context.Context, _, addr string) (net.Conn, error) {
			return t.dialH2(ctx, via, addr)
		},
		Protocols:              protocols,
		DisableCompression:     true,
		IdleConnTimeout:        t.times.idle,
		ResponseHeaderTimeout:  t.times.head,
		MaxResponseHeaderBytes: int64(t.limits.MaxHeadBytes),
		HTTP2:                  &http.HTTP2Config{SendPingTimeout: t.times.read, WriteByteTimeout: t.times.write},
	}
}

// h2By returns what speaks HTTP/2 by a way.
func (t *Transport) h2By(via *Parent) *http.Transport {
	if via == nil {
		return t.h2
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	h2 := t.h2Ways[via]
	if h2 == nil {
		if t.h2Ways == nil || len(t.h2Ways) >= maxParents {
			for _, old := range t.h2Ways {
				go old.CloseIdleConnections()
			}
			t.h2Ways = make(map[*Parent]*http.Transport)
		}
		h2 = t.newH2(via)
		t.h2Ways[via] = h2
	}
	return h2
}

// speaksH2 reports whether the origin has chosen HTTP/2 before.
func (t *Transport) speaksH2(key hostKey) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	_, ok := t.h2s[key]
	return ok
}

func (t *Transport) setH2(key hostKey, speaks bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !speaks {
		delete(t.h2s, key)
		return
	}
	if len(t.h2s) >= maxH2s {
		clear(t.h2s)
	}
	t.h2s[key] = struct{}{}
}

// dialH2 returns the connection that is offered, or makes one.
func (t *Transport) dialH2(ctx context.Context, via *Parent, addr string) (net.Conn, error) {
	if o, ok := ctx.Value(offerKey{}).(*offer); ok {
		if tc := o.Swap(nil); tc != nil {
			return tc, nil
		}
	}
	h := t.newHost(hostKey{scheme: "https", host: addr, via: via})
	nc, base, err := t.open(ctx, h)
	if err != nil {
		return nil, err
	}
	if tc, ok := nc.(*tls.Conn); !ok || tc.ConnectionState().NegotiatedProtocol != "h2" {
		base.Close()
		return nil, errNotH2
	}
	return nc, nil
}

// roundTripH2 is RoundTrip by HTTP/2; tc is a connection for it, if there is
// one.
func (t *Transport) roundTripH2(req *http.Request, key hostKey, tc *tls.Conn) (*http.Response, error) {
	ctx := req.Context()
	out := *req
	if tc != nil {
		t.setH2(key, true)
		o := new(offer)
		o.Store(tc)
		defer func() {
			if tc := o.Swap(nil); tc != nil { // another was used
				tc.Close()
			}
		}()
		out = *req.WithContext(context.WithValue(ctx, offerKey{}, o))
	}
	if _, ok := req.Header["User-Agent"]; !ok {
		out.Header = maps.Clone(req.Header)
		if out.Header == nil {
			out.Header = http.Header{}
		}
		out.Header["User-Agent"] = nil // or the standard library sends its own
	}
	resp, err := t.h2By(key.via).RoundTrip(&out)
	if err != nil {
		if errors.Is(err, errNotH2) {
			t.setH2(key, false)
			if !hasBody(req) {
				return t.roundTrip(req, key, false)
			}
		}
		return nil, h2Error(ctx, key, "HTTP/2 exchange", err)
	}
	resp.Request = req
	resp.Body = &h2Body{resp.Body, ctx, key}
	return resp, nil
}

// h2Error makes an *Error of what the standard library's HTTP/2 returned.
func h2Error(ctx context.Context, key hostKey, op string, err error) error {
	var ours *Error
	if errors.As(err, &ours) {
		return ours
	}
	failed := &Error{Op: op, Kind: ProtocolError, Peer: key.host, Remote: true, Err: err}
	switch {
	case ctx.Err() != nil:
		failed.Kind, failed.Remote, failed.Err = Canceled, false, context.Cause(ctx)
	case isTimeout(err):
		failed.Kind = ResponseTimeout
	case isEnd(err):
		failed.Kind = ConnectionTerminated
	}
	return failed
}

// h2Body is the body of an answer that came by HTTP/2, with our errors.
type h2Body struct {
	io.ReadCloser
	ctx context.Context
	key hostKey
}

// Read implements io.Reader.
func (b *h2Body) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err == nil || err == io.EOF {
		return n, err
	}
	if !errors.Is(err, io.ErrUnexpectedEOF) {
		err = fmt.Errorf("%w: %w", io.ErrUnexpectedEOF, err)
	}
	err = h2Error(b.ctx, b.key, readBody, err)
	if failed := err.(*Error); failed.Kind == ConnectionTerminated {
		failed.Kind = ResponseIncomplete
	}
	return n, err
}
