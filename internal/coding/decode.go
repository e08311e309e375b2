package coding

import (
	"bytes"
	"fmt"
	"io"

	"freshet/internal/field"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// maxWindow is the largest window of zstd in HTTP (RFC 9659 §3).
const maxWindow = 8 << 20

// Decode undoes a coding of src, which is all of it. What is decoded may have
// most bytes; more is an error, and so is what is cut off, what follows the
// end of a brotli stream, and a zstd window above 8 MiB.
func Decode(c field.Coding, src []byte, most int64) ([]byte, error) {
	in := bytes.NewReader(src)
	var r io.Reader
	switch c {
	case field.Identity:
		r = in
	case field.Gzip:
		z, err := gzip.NewReader(in)
		if err != nil {
			return nil, fmt.Errorf("decode gzip: %w", noEOF(err))
		}
		r = z
	case field.Brotli:
		r = brotli.NewReader(in)
	case field.Zstd:
		z, err := zstd.NewReader(in, zstd.WithDecoderMaxWindow(maxWindow), zstd.WithDecoderConcurrency(1))
		if err != nil {
			return nil, fmt.Errorf("decode zstd: %w", err)
		}
		defer z.Close()
		r = z
	default:
		return nil, fmt.Errorf("decode: no such content coding")
	}
	content, err := io.ReadAll(io.LimitReader(r, most+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("decode %v: %w", c, noEOF(err))
	case int64(len(content)) > most:
		return nil, fmt.Errorf("decode %v: it becomes more than %d bytes", c, most)
	case len(src) == 0 && c != field.Identity:
		return nil, fmt.Errorf("decode %v: it is empty", c)
	}
	return content, nil
}

// noEOF makes the end of what is to be decoded an error of its own.
func noEOF(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}
