package coding

import (
	"errors"
	"io"
	"sync"

	"freshet/internal/field"
)

var errClosed = errors.New("encode: the stream is closed")

// Writer codes what is written to it as it passes, at the Quick effort: gzip
// 5, brotli 5, zstd's default; brotli and zstd with a window of 256 KiB. It is
// for one goroutine.
//
// Its encoder comes from a pool and goes back at Close or Discard; a Writer
// that is simply dropped costs the pool one encoder and nothing else.
type Writer struct {
	e    encoder // nil once closed
	pool *sync.Pool
}

// NewWriter returns a Writer of coding c to w. It panics when c is not in All.
func NewWriter(w io.Writer, c field.Coding) *Writer {
	p := poolOf(c, Quick, 0)
	if p == nil {
		panic("coding: NewWriter: " + errUnknown.Error())
	}
	e := p.Get().(encoder)
	e.Reset(w)
	return &Writer{e, p}
}

// Write codes p; what comes out may wait for more, for Flush or for Close.
func (w *Writer) Write(p []byte) (int, error) {
	if w.e == nil {
		return 0, errClosed
	}
	return w.e.Write(p)
}

// Flush writes enough for a decoder to give out all that was written so far.
// It costs some bytes each time.
func (w *Writer) Flush() error {
	if w.e == nil {
		return errClosed
	}
	return w.e.Flush()
}

// Close writes the end of the stream. It does not close what is underneath. A
// second Close does nothing.
func (w *Writer) Close() error {
	if w.e == nil {
		return nil
	}
	err := w.e.Close()
	w.Discard()
	return err
}

// Discard ends the Writer without an end of the stream, so that a decoder
// sees that it was cut off.
func (w *Writer) Discard() {
	if w.e == nil {
		return
	}
	release(w.pool, w.e)
	w.e = nil
}
