package outbound

import (
	"io"

	"freshet/internal/wire"
)

// Source is the input of a connection.
type Source interface {
	// Buffered returns what has been read and not yet used, a view that is
	// valid until More is called.
	Buffered() []byte
	// Use says that n octets of that are used.
	Use(n int)
	// More reads more into what is buffered, and waits for it.
	More() error
	// Direct reads past the buffer, which is empty, straight to p.
	Direct(p []byte) (int, error)
	// CutOff reports whether the end that was read was not that of TLS.
	CutOff() bool
}

// BodyReader finds the end of an answer's body by its framing. Whoever makes
// one sets Framing and, for a SizedBody, Left; Chunks may get its Limits.
type BodyReader struct {
	Framing wire.Framing
	Left    int64
	Chunks  wire.Chunked // has the trailer in the end
	chunk   []byte       // decoded and not yet read, a view of the input
}

// Read reads from src to p, which is not empty. The last octets may come
// together with io.EOF. The error of a body that ends too early is
// io.ErrUnexpectedEOF, that of broken chunks a *Fault; others are of src.
func (b *BodyReader) Read(src Source, p []byte) (n int, err error) {
	switch b.Framing {
	case wire.ChunkedBody:
		return b.readChunked(src, p)
	case wire.SizedBody:
		if int64(len(p)) > b.Left {
			p = p[:b.Left]
		}
		n, err = readPlain(src, p)
		if b.Left -= int64(n); b.Left == 0 {
			return n, io.EOF
		}
		return n, unexpected(err)
	}
	n, err = readPlain(src, p)
	if err == io.EOF && src.CutOff() {
		err = io.ErrUnexpectedEOF // RFC 9112 §9.8
	}
	return n, err
}

// readPlain reads octets that have no framing: what there is in the input, else
// straight from the connection.
func readPlain(src Source, p []byte) (int, error) {
	if in := src.Buffered(); len(in) > 0 {
		n := copy(p, in)
		src.Use(n)
		return n, nil
	}
	return src.Direct(p)
}

// readChunked fills p from chunks, waiting only as long as it is empty.
func (b *BodyReader) readChunked(src Source, p []byte) (n int, err error) {
	for {
		k := copy(p[n:], b.chunk)
		b.chunk = b.chunk[k:]
		n += k
		if len(b.chunk) > 0 {
			return n, nil
		}
		in := src.Buffered()
		data, used, done, broken := b.Chunks.Decode(in)
		src.Use(used)
		switch {
		case broken != 0:
			return n, &Fault{wire.ResponseFault(broken)}
		case len(data) > 0:
			b.chunk = data
			continue
		case done:
			return n, io.EOF
		case used > 0 && used < len(in):
			continue
		case n > 0:
			return n, nil
		}
		if left := b.Chunks.Left(); left >= directBytes && len(p) >= directBytes {
			n, err = src.Direct(p[:min(int64(len(p)), left)])
			b.Chunks.Took(n)
			return n, unexpected(err)
		}
		if err := src.More(); err != nil {
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
