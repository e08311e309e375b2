package outbound

import (
	"errors"
	"io"
	"net/http"
	"sync"

	"freshet/internal/wire"
)

// body is the body of an answer. It may be closed while it is read.
type body struct {
	mu    sync.Mutex // held by Read, and by Close when nobody reads
	resp  *http.Response
	in    BodyReader
	whole bool  // the connection can be used again when the body has ended
	err   error // why nothing more is read; io.EOF at the end

	own sync.Mutex // held to give the connection back, or to cut it off
	c   *conn      // nil when it was given back
	cut bool
}

var errBodyClosed = errors.New("outbound: read of a closed body")

// Read implements io.Reader. The error of a body that ends too early is io.ErrUnexpectedEOF
// inside an *Error; the last bytes come together with io.EOF.
func (b *body) Read(p []byte) (n int, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.err != nil {
		return 0, b.err
	}
	if len(p) == 0 {
		return 0, nil
	}
	n, err = b.in.Read(b.c, p)
	if err != nil {
		b.finish(err)
		return n, b.err
	}
	return n, nil
}

// Buffered, Use, More, Direct and CutOff are those of a Source.
func (c *conn) Buffered() []byte { return c.s.in[c.r:c.w] }
func (c *conn) Use(n int)        { c.r += n }
func (c *conn) CutOff() bool     { return c.cutOff() }
func (c *conn) More() error {
	c.readBefore(c.t.times.read)
	return c.read()
}
func (c *conn) Direct(p []byte) (int, error) {
	c.readBefore(c.t.times.read)
	return c.nc.Read(p)
}

const readBody = "read response body"

// finish ends the body for the reason err and gives the connection back.
func (b *body) finish(err error) {
	c := b.c
	fault, isFault := err.(*Fault)
	switch {
	case err == io.EOF:
		b.setTrailer()
	case isFault:
		failed := c.fault(fault.Rule)
		failed.Op = readBody
		err = failed
	case err != errBodyClosed:
		kind := ConnectionTerminated
		switch {
		case isTimeout(err):
			kind = ConnectionReadTimeout
		case errors.Is(err, io.ErrUnexpectedEOF):
			kind = ResponseIncomplete
		}
		err = c.failed(readBody, kind, err)
	}
	b.own.Lock()
	b.c = nil
	cut := b.cut
	b.own.Unlock()
	b.err = err
	c.end(b.whole && err == io.EOF && !cut)
}

// setTrailer gives the response the trailer fields that came.
func (b *body) setTrailer() {
	for _, f := range b.in.Chunks.Trailer {
		if b.resp.Trailer == nil {
			b.resp.Trailer = http.Header{}
		}
		name := wire.CanonicalName(f.Name)
		b.resp.Trailer[name] = append(b.resp.Trailer[name], f.Value)
	}
	b.resp = nil
}

// Close implements io.Closer. What was not read is not read any more: the
// connection is used again only if all of it had come already.
func (b *body) Close() error {
	if !b.mu.TryLock() {
		b.own.Lock()
		if b.cut = b.c != nil; b.cut {
			b.c.abort()
		}
		b.own.Unlock()
		b.mu.Lock()
	}
	defer b.mu.Unlock()
	if b.c != nil {
		b.skip()
	}
	if b.c != nil {
		b.finish(errBodyClosed)
	}
	if b.err == io.EOF {
		b.err = errBodyClosed
	}
	return nil
}

// skip ends the body properly if its rest is in the input.
func (b *body) skip() {
	c := b.c
	if b.in.Framing == wire.SizedBody && int64(c.w-c.r) >= b.in.Left {
		c.r += int(b.in.Left)
		b.finish(io.EOF)
	}
}
