package coding

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"io"
	"sync"

	"freshet/internal/field"

	"github.com/klauspost/compress/flate"
)

// Part is text that stands in many bodies, and is coded once for all of them. It
// is immutable.
type Part struct {
	text     []byte
	deflated []byte // blocks of RFC 1951, none of them the last, that end with a byte
}

// NewPart codes a part, at the Quick effort. It keeps text.
func NewPart(text []byte) *Part {
	var b bytes.Buffer
	f := newFlate(&b)
	// A buffer takes everything.
	_, _ = f.Write(text)
	_ = f.Flush()
	return &Part{text, b.Bytes()}
}

// Size is what a part takes in memory beside its text, in bytes.
func (p *Part) Size() int { return len(p.deflated) }

// NewPartWriter is NewWriter for bodies with a Part: with gzip it is not coded
// again for each. What stands before a part and what behind it know nothing of
// each other, which costs some bytes.
func NewPartWriter(w io.Writer, c field.Coding) *Writer {
	if c != field.Gzip {
		return NewWriter(w, c)
	}
	e := parting.Get().(*partEncoder)
	e.Reset(w)
	return &Writer{e, &parting}
}

// WritePart writes a part.
func (w *Writer) WritePart(p *Part) error {
	if e, ok := w.e.(*partEncoder); ok {
		return e.writePart(p)
	}
	_, err := w.Write(p.text)
	return err
}

var parting = sync.Pool{New: func() any { return &partEncoder{f: newFlate(io.Discard)} }}

func newFlate(w io.Writer) *flate.Writer {
	f, err := flate.NewWriter(w, 5) // as gzipQuick
	if err != nil {
		panic("coding: " + err.Error())
	}
	return f
}

// partEncoder makes gzip (RFC 1952) into which blocks can be put that were made
// elsewhere: behind a flush the next block begins with a byte, and refers to
// nothing before it if the compressor is new.
type partEncoder struct {
	f     *flate.Writer
	w     io.Writer
	begun bool
	crc   uint32
	size  uint32
}

// Reset implements encoder.
func (e *partEncoder) Reset(w io.Writer) {
	e.f.Reset(w)
	e.w, e.begun, e.crc, e.size = w, false, 0, 0
}

// begin writes the header: deflate, no fields, no time, no system.
func (e *partEncoder) begin() error {
	if e.begun {
		return nil
	}
	e.begun = true
	_, err := e.w.Write([]byte{0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff})
	return err
}

func (e *partEncoder) count(p []byte) {
	e.crc = crc32.Update(e.crc, crc32.IEEETable, p)
	e.size += uint32(len(p)) // modulo 2^32, RFC 1952 §2.3.1
}

// Write implements io.Writer.
func (e *partEncoder) Write(p []byte) (int, error) {
	if err := e.begin(); err != nil {
		return 0, err
	}
	e.count(p)
	return e.f.Write(p)
}

func (e *partEncoder) writePart(p *Part) error {
	if err := e.Flush(); err != nil {
		return err
	}
	e.count(p.text)
	if _, err := e.w.Write(p.deflated); err != nil {
		return err
	}
	e.f.Reset(e.w)
	return nil
}

// Flush implements encoder.
func (e *partEncoder) Flush() error {
	if err := e.begin(); err != nil {
		return err
	}
	return e.f.Flush()
}

// Close implements io.Closer.
func (e *partEncoder) Close() error {
	if err := e.begin(); err != nil {
		return err
	}
	if err := e.f.Close(); err != nil {
		return err
	}
	end := binary.LittleEndian.AppendUint32(nil, e.crc)
	_, err := e.w.Write(binary.LittleEndian.AppendUint32(end, e.size))
	return err
}
