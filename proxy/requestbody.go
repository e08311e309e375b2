package proxy

import (
	"io"
	"net/http"
	"sync"

	"freshet/internal/wire"
)

// requestBody is a client's body as one attempt sends it. The transport may
// read it on a goroutine of its own, and may still try to after the attempt is
// over: then it gets an error and the client's body stays untouched.
type requestBody struct {
	x       *exchange
	trailer http.Header // what is sent after the body; filled at its end
	ended   func()      // called once, at the end of the body

	mu  sync.Mutex // held while reading; guards err
	err error      // what ended the body

	dead bool // the attempt has ended; guarded by x.mu
}

// Read implements io.Reader.
func (b *requestBody) Read(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	x := b.x
	if b.err != nil {
		return 0, b.err
	}
	if !x.startBody(b) {
		return 0, http.ErrBodyReadAfterClose
	}
	n, err := x.r.Body.Read(p)
	b.err = err
	switch {
	case err == io.EOF:
		b.complete()
	case err != nil:
		x.mu.Lock()
		x.bodyErr = err
		x.mu.Unlock()
	}
	return n, err
}

// complete is called at the end of the body: the trailers have come.
func (b *requestBody) complete() {
	for name, values := range b.x.r.Trailer {
		if trailerAllowed(name) && len(values) > 0 {
			b.trailer[name] = values
		}
	}
	b.ended()
}

// Close implements io.Closer; the client's body is the server's to close.
func (b *requestBody) Close() error { return nil }

// startBody says that the client's body is about to be read for b. It is false
// when the answer has begun without it, or the attempt has ended.
func (x *exchange) startBody(b *requestBody) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	if b.dead {
		return false
	}
	if x.bodyStarted {
		return true
	}
	if x.begun {
		return false
	}
	x.takeBody()
	return true
}

// takeBody makes the client's body readable while the answer is written: the
// origin may answer before it has read everything. This also asks a client
// that waits for 100 Continue to go on. x.mu is held.
func (x *exchange) takeBody() {
	x.bodyStarted = true
	x.rc.EnableFullDuplex() // an error means that the server cannot: no harm
}

// trailerAllowed reports whether a field may follow a body: not what frames,
// routes or ends here (RFC 9110 §6.5.1).
func trailerAllowed(name string) bool {
	switch name {
	case "Content-Length", "Host", "Content-Encoding", "Content-Type", "Content-Range",
		"Forwarded", "Via", "Cdn-Loop", "Authorization", "Cookie", "Set-Cookie", "Max-Forwards", "Expect":
		return false
	}
	for _, hop := range wire.HopByHop {
		if name == hop {
			return false
		}
	}
	return wire.ValidFieldName(name)
}
