package forward

import (
	"errors"
	"io"
	"iter"

	"freshet/internal/coding"
	"freshet/internal/field"
	"freshet/internal/rewrite"
)

// decoder is a writer that undoes a content coding: decoders read, and answers
// are written. The decoder runs on a coroutine, so that all happens on the
// goroutine of who writes, and nothing is held but what the decoder holds.
type decoder struct {
	in   []byte // what was written, as far as it was not read
	end  bool   // nothing follows
	err  error  // the decoder ended with it
	next func() (struct{}, bool)
	stop func()
}

// newDecoder returns one that writes to w what becomes of a coding. Close, or
// drop, it.
func newDecoder(w io.Writer, name string) (*decoder, error) {
	c, ok := field.CodingNamed(name)
	if !ok || c == field.Identity {
		return nil, errors.New("no such content coding: " + name)
	}
	d := &decoder{}
	d.next, d.stop = iter.Pull(func(yield func(struct{}) bool) { d.err = d.run(w, c, yield) })
	return d, nil
}

// run decodes until the end, and yields when it needs more.
func (d *decoder) run(w io.Writer, c field.Coding, yield func(struct{}) bool) error {
	var bound rewrite.Bound
	var opened io.Closer
	r, err := bound.Reader(pulled{d, yield}, func(src io.Reader) (io.Reader, error) {
		r, err := coding.NewReader(c, src)
		opened = r
		return r, err
	})
	if err != nil {
		return err
	}
	defer opened.Close()
	buf := make([]byte, 16<<10)
	for {
		n, err := r.Read(buf)
		if n > 0 {
			if _, err := w.Write(buf[:n]); err != nil {
				return err
			}
		}
		switch {
		case err == io.EOF:
			return nil
		case err != nil:
			return err
		}
	}
}

// pulled is where the decoder reads.
type pulled struct {
	d     *decoder
	yield func(struct{}) bool
}

var errDropped = errors.New("the body is given up")

func (p pulled) Read(b []byte) (int, error) {
	for len(p.d.in) == 0 {
		if p.d.end {
			return 0, io.EOF
		}
		if !p.yield(struct{}{}) {
			return 0, errDropped
		}
	}
	n := copy(b, p.d.in)
	p.d.in = p.d.in[n:]
	return n, nil
}

// Write decodes p: when it returns, all that could be told by now was written.
func (d *decoder) Write(p []byte) (int, error) {
	d.in = p
	if _, more := d.next(); !more {
		switch {
		case d.err != nil:
			return 0, d.err
		case len(d.in) > 0:
			return 0, errors.New("something follows the end of a coded body")
		}
	}
	return len(p), nil
}

// Close says that the body is whole. Its error says that it is not.
func (d *decoder) Close() error {
	d.end = true
	d.next()
	return d.err
}

// drop gives the body up.
func (d *decoder) drop() { d.stop() }
