package client

import (
	"errors"
	"fmt"
	"io"
	"net/http"

	"freshet/internal/coding"
	"freshet/internal/field"
)

// acceptable is what Decode asks for.
const acceptable = "zstd, br, gzip"

// maxCodings is how many codings an answer may have on top of each other.
const maxCodings = 4

// ErrExpands is how the body of a decoded answer ends that becomes so much
// longer than it came that it must have been made to use up memory or disk.
var ErrExpands = errors.New("client: a body becomes too much of too little")

const (
	// expandsFree is how much is decoded without a look at what came for it.
	expandsFree = 16 << 20
	// expandsMost is how many times longer than what came it may be beyond that.
	// Logs and tables become 10 to 50 times shorter.
	expandsMost = 250
)

// decode undoes the codings of an answer. What it does not know, and a part of
// what was coded (RFC 9110 §14.2), stay as they are.
func decode(resp *http.Response) {
	if resp.Body == http.NoBody || resp.StatusCode == http.StatusPartialContent ||
		resp.Request != nil && resp.Request.Method == http.MethodHead {
		return
	}
	var codings []field.Coding
	for name := range field.Elements(resp.Header["Content-Encoding"]) {
		c, known := field.CodingNamed(name)
		if !known {
			return
		}
		if c != field.Identity {
			codings = append(codings, c)
		}
	}
	switch {
	case len(codings) == 0:
		return
	case len(codings) > maxCodings:
		resp.Body.Close()
		resp.Body = io.NopCloser(failing{fmt.Errorf("client: %d content codings on top of each other: %w", len(codings), ErrExpands)})
		return
	}
	body := &decodedBody{came: resp.Body}
	body.Reader = &body.counted
	body.counted.from = resp.Body
	for i := len(codings) - 1; i >= 0; i-- {
		r, err := coding.NewReader(codings[i], body.Reader)
		if err != nil {
			return // it is none of those that are named above
		}
		body.Reader = r
		body.readers = append(body.readers, r)
	}
	resp.Body = body
	resp.Header.Del("Content-Encoding")
	resp.Header.Del("Content-Length")
	resp.ContentLength, resp.Uncompressed = -1, true
}

// decodedBody is a body whose codings are undone.
type decodedBody struct {
	io.Reader
	counted counted
	out     int64
	readers []io.ReadCloser
	came    io.ReadCloser
	err     error
}

// counted counts what came.
type counted struct {
	from io.Reader
	n    int64
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.from.Read(p)
	c.n += int64(n)
	return n, err
}

// Read implements io.Reader.
func (b *decodedBody) Read(p []byte) (int, error) {
	if b.err != nil {
		return 0, b.err
	}
	n, err := b.Reader.Read(p)
	b.out += int64(n)
	switch {
	case err == io.EOF:
		// A decoder may stop where its stream does; the answer may not.
		if extra, err := io.Copy(io.Discard, io.LimitReader(b.came, 1)); err != nil {
			b.err = err
		} else if extra > 0 {
			b.err = errors.New("client: something follows the end of what was coded")
		} else {
			b.err = io.EOF
		}
	case err != nil:
		b.err = err
	case b.out > expandsFree && b.out/expandsMost > b.counted.n:
		n, b.err = 0, fmt.Errorf("%d bytes of %d: %w", b.out, b.counted.n, ErrExpands)
	}
	return n, b.err
}

// Close implements io.Closer.
func (b *decodedBody) Close() error {
	err := b.came.Close()
	for i := len(b.readers) - 1; i >= 0; i-- {
		b.readers[i].Close()
	}
	return err
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }
