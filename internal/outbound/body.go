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
	mu      sync.Mutex // held by Read, and by Close when nobody reads
	resp    *http.Response
	framing wire.Framing
	left    int64 // of a SizedBody
	dec     wire.Chunked
	chunk   []byte // decoded and not yet read, a view of the input
	whole   bool   // the connection can be used again when the body has ended
	err     error  // why nothing more is read; io.EOF at the end

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
	switch b.framing {
	case wire.ChunkedBody:
		n, err = b.readChunked(p)
	case wire.SizedBody:
		if int64(len(p)) > b.left {
			p = p[:b.left]
		}
		n, err = b.readPlain(p)
		if b.left -= int64(n); b.left == 0 {
			err = io.EOF
		} else {
			err = unexpected(err)
		}
	default:
		n, err = b.readPlain(p)
		if err == io.EOF && b.c.cutOff() {
			err = io.ErrUnexpectedEOF // RFC 9112 §9.8
		}
	}
	if err != nil {
		b.finish(err)
		return n, b.err
	}
	return n, nil
}

// readPlain reads octets that have no framing: what there is in the input, else
// straight from the connection.
func (b *body) readPlain(p []byte) (int, error) {
	c := b.c
	if c.r < c.w {
		n := copy(p, c.s.in[c.r:c.w])
		c.r += n
		return n, nil
	}
	c.readBefore(c.t.times.read)
	return c.nc.Read(p)
}

// readChunked fills p from chunks, waiting only as long as it is empty.
func (b *body) readChunked(p []byte) (n int, err error) {
	c := b.c
	for {
		k := copy(p[n:], b.chunk)
		b.chunk = b.chunk[k:]
		n += k
		if len(b.chunk) > 0 {
			return n, nil
		}
		data, used, done, broken := b.dec.Decode(c.s.in[c.r:c.w])
		c.r += used
		switch {
		case broken != 0:
			failed := c.fault(wire.ResponseFault(broken))
			failed.Op = readBody
			return n, failed
		case len(data) > 0:
			b.chunk = data
			continue
		case done:
			return n, io.EOF
		case used > 0 && c.r < c.w:
			continue
		case n > 0:
			return n, nil
		}
		c.readBefore(c.t.times.read)
		if left := b.dec.Left(); left >= directBytes && len(p) >= directBytes {
			n, err = c.nc.Read(p[:min(int64(len(p)), left)])
			b.dec.Took(n)
			return n, unexpected(err)
		}
		if err := c.read(); err != nil {
			return 0, unexpected(err)
		}
	}
}

// directBytes is from what size on data is read past the input, straight to
// where it is wanted.
const directBytes = 4 << 10

// unexpected returns what an end is where there should be none.
func unexpected(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

const readBody = "read response body"

// finish ends the body for the reason err and gives the connection back.
func (b *body) finish(err error) {
	c := b.c
	if _, ours := err.(*Error); err == io.EOF {
		b.setTrailer()
	} else if !ours && err != errBodyClosed {
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
	for _, f := range b.dec.Trailer {
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
	if b.framing == wire.SizedBody && int64(c.w-c.r) >= b.left {
		c.r += int(b.left)
		b.finish(io.EOF)
	}
}
