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
	buf  *outputMemory
	data []byte // of buf.octets, not used yet
	err  error  // of src, once
}

// outputBuffer is as much as a pipe holds.
const outputBuffer = 64 << 10

// outputMemory is the memory that an answer needs, pooled.
type outputMemory struct {
	octets [outputBuffer]byte
	head   Head // its Header is used again
	relay  relay
	lag    lag
}

var outputBuffers = sync.Pool{New: func() any { return new(outputMemory) }}

// NewOutput returns the output that src has.
func NewOutput(src Source) *Output {
	return &Output{src: src, buf: outputBuffers.Get().(*outputMemory)}
}

// Release gives the buffer back; o, and the head that was read, must not be used
// any more.
func (o *Output) Release() {
	if o.buf == nil {
		return
	}
	header := o.buf.head.Header
	if len(header) > keptFields {
		header = nil
	}
	clear(header)
	o.buf.head = Head{Header: header}
	o.buf.relay = relay{}
	outputBuffers.Put(o.buf)
	o.buf, o.data = nil, nil
}

// keptFields is how many fields a head may have whose memory is used again.
const keptFields = 32

// more reads what comes next; all that was read before is used up.
func (o *Output) more() ([]byte, error) {
	if o.err != nil {
		return nil, o.err
	}
	n, err := o.src.Read(o.buf.octets[:])
	o.data = o.buf.octets[:n]
	return o.data, err
}

// whole reports whether all that there will be was read.
func (o *Output) whole() bool { return o.err == io.EOF }

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

// WorthLogging reports whether a failure is the operator's business: what
// clients do, and limits that they reach, stand in the access log.
func (f *Fault) WorthLogging() bool {
	switch f.Rule {
	case rule.ScriptClientGone, rule.ScriptQueueFull, rule.ScriptQueueTimeout, rule.ScriptBodyTooLarge, rule.ScriptStopped,
		rule.BodyTooLarge, rule.BodyIncomplete, rule.BodyTimeout, rule.HeadTooLarge:
		return false
	}
	return true
}
