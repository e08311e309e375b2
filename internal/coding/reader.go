package coding

import (
	"fmt"
	"io"

	"freshet/internal/field"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// NewReader returns a reader that undoes a coding of src as it comes: what is
// decoded is given out when src has no more for the moment, as far as the coding
// has it. It starts no goroutine and reads src on that of its caller, not before
// its first Read. A source that is cut off is an error, and so is a zstd window
// above 8 MiB. How much comes out is for the caller to bound. Close gives back
// what it holds; it does not close src.
func NewReader(c field.Coding, src io.Reader) (io.ReadCloser, error) {
	r := &reader{c: c, src: src}
	switch c {
	case field.Identity, field.Gzip, field.Brotli, field.Zstd:
		return r, nil
	}
	return nil, fmt.Errorf("decode: no such content coding")
}

type reader struct {
	c    field.Coding
	src  io.Reader
	in   counter
	r    io.Reader // nil before the first Read
	zstd *zstd.Decoder
	err  error
}

// counter counts what came, for an empty source is no coding of anything.
type counter struct {
	r    io.Reader
	some bool
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.some = c.some || n > 0
	return n, err
}

// Read implements io.Reader.
func (r *reader) Read(p []byte) (int, error) {
	if r.err != nil {
		return 0, r.err
	}
	if r.r == nil {
		if r.err = r.open(); r.err != nil {
			return 0, r.err
		}
	}
	n, err := r.r.Read(p)
	switch {
	case err == io.EOF && !r.in.some && r.c != field.Identity:
		err = fmt.Errorf("decode %v: it is empty", r.c)
	case err != nil && err != io.EOF:
		err = fmt.Errorf("decode %v: %w", r.c, err)
	}
	r.err = err
	return n, err
}

func (r *reader) open() error {
	r.in.r = r.src
	switch r.c {
	case field.Gzip:
		z, err := gzip.NewReader(&r.in)
		if err != nil {
			return fmt.Errorf("decode gzip: %w", noEOF(err))
		}
		r.r = z
	case field.Brotli:
		r.r = brotli.NewReader(&r.in)
	case field.Zstd:
		z, err := zstd.NewReader(&r.in, zstd.WithDecoderMaxWindow(maxWindow), zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true))
		if err != nil {
			return fmt.Errorf("decode zstd: %w", err)
		}
		r.r, r.zstd = z, z
	default:
		r.r = &r.in
	}
	return nil
}

// Close implements io.Closer. Nothing can be read after it.
func (r *reader) Close() error {
	if r.zstd != nil {
		r.zstd.Close()
		r.zstd = nil
	}
	if r.err == nil {
		r.err = errClosed
	}
	return nil
}
