package atrest

import (
	"crypto/cipher"
	"io"
)

// Writer seals as [Ring.Seal] does what comes little by little. Close writes the
// last chunk; without it what was written is the beginning of a file, which only
// [Ring.OpenBeginning] takes.
type Writer struct {
	to     io.Writer
	aead   cipher.AEAD
	head   []byte
	number uint64
	rest   []byte // the chunk that is not full, or may be the last
	sealed []byte
	err    error
}

// NewWriter returns a writer of a file that is sealed by the first key.
func (r *Ring) NewWriter(to io.Writer, what string) *Writer {
	keys := r.current()
	head, aead := newHead(nil, keys, what)
	return &Writer{to: to, head: head, aead: aead}
}

// Write implements io.Writer. After an error nothing more is written.
func (w *Writer) Write(b []byte) (n int, err error) {
	for len(b) > 0 && w.err == nil {
		if len(w.rest) == chunkSize {
			w.flush(false)
		}
		m := min(chunkSize-len(w.rest), len(b))
		w.rest = append(w.rest, b[:m]...)
		n, b = n+m, b[m:]
	}
	return n, w.err
}

// Flushed is how much of what was written is in whole chunks.
func (w *Writer) Flushed() int64 { return int64(w.number) * chunkSize }

func (w *Writer) flush(last bool) {
	w.sealed = w.sealed[:0]
	if w.number == 0 {
		w.sealed = append(w.sealed, w.head...)
	}
	var nonce [nonceSize]byte
	nonceOf(&nonce, w.number, last)
	w.sealed = w.aead.Seal(w.sealed, nonce[:], w.rest, w.head)
	if _, w.err = w.to.Write(w.sealed); w.err == nil {
		w.number++
		w.rest = w.rest[:0]
	}
}

// Close ends the file; it does not close what is written to.
func (w *Writer) Close() error {
	if w.err == nil {
		if w.flush(true); w.err == nil {
			w.err = io.ErrClosedPipe
			return nil
		}
	}
	return w.err
}
