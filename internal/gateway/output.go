package gateway

import (
	"io"
	"sync"
	"time"

	"freshet/internal/rule"
)

// Source is where a program's answer comes from: a pipe, or a connection.
type Source interface {
	io.Reader
	SetReadDeadline(time.Time) error
}

// Output is a program's answer as it comes. Release gives its buffer back.
type Output struct {
	src  Source
	buf  *[outputBuffer]byte
	data []byte // of buf, not used yet
	err  error  // of src, once
}

// outputBuffer is as much as a pipe holds.
const outputBuffer = 64 << 10

var outputBuffers = sync.Pool{New: func() any { return new([outputBuffer]byte) }}

// NewOutput returns the output that src has.
func NewOutput(src Source) *Output {
	return &Output{src: src, buf: outputBuffers.Get().(*[outputBuffer]byte)}
}

// Release gives the buffer back; o must not be used any more.
func (o *Output) Release() {
	if o.buf != nil {
		outputBuffers.Put(o.buf)
		o.buf, o.data = nil, nil
	}
}

// more reads what comes next; all that was read before is used up.
func (o *Output) more() ([]byte, error) {
	if o.err != nil {
		return nil, o.err
	}
	n, err := o.src.Read(o.buf[:])
	o.data = o.buf[:n]
	return o.data, err
}

// Fault says why an exchange ended early.
type Fault struct {
	Rule   rule.ID
	Detail string // what was found, for the operator; "" without
	Err    error  // what failed, nil without
}

// Error implements error.
func (f *Fault) Error() string {
	s := rule.Of(f.Rule).Sentence
	if f.Detail != "" {
		s += ": " + f.Detail
	}
	if f.Err != nil {
		s += ": " + f.Err.Error()
	}
	return s
}

// Unwrap returns what failed.
func (f *Fault) Unwrap() error { return f.Err }
