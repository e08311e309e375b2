package rewrite

import (
	"errors"
	"io"
)

// Bounds on what may come of a coded body: as long as it is short, anything;
// then not more than so many times what was sent. Documents become ten times as
// long, seldom a hundred times; what is made to exhaust somebody, a thousand
// times and more.
const (
	DefaultRatio = 200
	DefaultFree  = 8 << 20
)

// ErrBomb means that a body decodes to more than its bounds.
var ErrBomb = errors.New("the body becomes far longer than what was sent: a decompression bomb")

// Bound undoes a content coding with bounds. The zero value has the defaults.
// It is for one body.
type Bound struct {
	Ratio int64 // decoded bytes for each that came. Default DefaultRatio
	Free  int64 // decoded bytes that are always allowed. Default DefaultFree

	in, out int64
}

// Reader decodes src with what decode makes of a reader, which is that of a coding.
// Its errors are those of the decoder, and ErrBomb.
func (b *Bound) Reader(src io.Reader, decode func(io.Reader) (io.Reader, error)) (io.Reader, error) {
	if b.Ratio <= 0 {
		b.Ratio = DefaultRatio
	}
	if b.Free <= 0 {
		b.Free = DefaultFree
	}
	r, err := decode(counted{src, &b.in})
	if err != nil {
		return nil, err
	}
	return &bounded{r, b}, nil
}

type counted struct {
	r io.Reader
	n *int64
}

func (c counted) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	*c.n += int64(n)
	return n, err
}

type bounded struct {
	r io.Reader
	b *Bound
}

func (r *bounded) Read(p []byte) (int, error) {
	n, err := r.r.Read(p)
	r.b.out += int64(n)
	if r.b.out > r.b.Free+r.b.Ratio*r.b.in {
		return 0, ErrBomb
	}
	return n, err
}
