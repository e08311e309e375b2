package gateway

import (
	"errors"
	"io"
	"os"
)

// Gather waits for the first of the answer, and reports whether that is all of
// it. It ends early when reading fails, also by the source's deadline. What came
// is for ReadHead, in any case; Gather is called before it, once.
func (o *Output) Gather() (whole bool) {
	n, err := o.src.Read(o.buf.octets[:])
	o.data = o.buf.octets[:n]
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		o.err = err
	}
	return o.err == io.EOF
}

// Rest returns what follows the head that was read, as far as it is here.
func (o *Output) Rest() []byte { return o.data }
