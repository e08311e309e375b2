package client

import (
	"errors"
	"io"
	"net/http"
)

// pipe carries a body from the handler's goroutine to the reader's. What is
// short waits in a buffer, so that the handler can end before anybody reads;
// beyond it the reader takes bytes from where they are, and the writer waits.
type pipe struct {
	buf    []byte
	off    int    // of buf: what was read
	direct []byte // of the writer, behind buf
}

// pipeBuffer is how many bytes wait at most.
const pipeBuffer = 64 << 10

func (p *pipe) empty() bool { return p.off == len(p.buf) && len(p.direct) == 0 }

// drop lets go of what nobody will read.
func (p *pipe) drop() { *p = pipe{} }

// put takes what there is room for and returns the rest.
func (p *pipe) put(b []byte) []byte {
	if p.off == len(p.buf) {
		p.buf, p.off = p.buf[:0], 0
		if len(b) > pipeBuffer {
			return b // copied once, by the reader
		}
	}
	n := min(len(b), pipeBuffer-len(p.buf))
	p.buf = append(p.buf, b[:n]...)
	return b[n:]
}

// take moves bytes to the reader.
func (p *pipe) take(b []byte) (n int) {
	n = copy(b, p.buf[p.off:])
	if p.off += n; p.off == len(p.buf) {
		m := copy(b[n:], p.direct)
		p.direct = p.direct[m:]
		n += m
	}
	return n
}

// errBodyClosed is what a handler gets that writes to nobody.
var errBodyClosed = errors.New("client: the answer's body was closed")

// Write implements io.Writer. It returns when the bytes have been read, or wait
// to be.
func (a *answer) Write(b []byte) (int, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.resp == nil {
		a.head(http.StatusOK)
	}
	if a.bodiless {
		return len(b), nil
	}
	if a.left >= 0 {
		a.left = max(a.left-int64(len(b)), 0)
	}
	n := len(b)
	rest := b
	if !a.closed {
		rest = a.pipe.put(b)
		a.change.Broadcast()
	}
	for len(rest) > 0 && !a.closed {
		a.pipe.direct = rest
		a.change.Broadcast()
		for len(a.pipe.direct) > 0 && !a.closed {
			a.change.Wait()
		}
		rest = a.pipe.direct
		a.pipe.direct = nil
	}
	if a.stopped {
		return 0, errBodyClosed
	}
	return n, nil
}

// Flush implements http.Flusher: what was written can be read already.
func (a *answer) Flush() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.resp == nil {
		a.head(http.StatusOK)
	}
}

// read waits for bytes, or the end.
func (a *answer) read(b []byte) (int, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for {
		switch {
		case a.closed && a.err != nil:
			return 0, a.err
		case a.closed:
			return 0, errClosedRead
		case !a.pipe.empty() && len(b) > 0:
			n := a.pipe.take(b)
			if a.pipe.empty() {
				a.change.Broadcast()
			}
			return n, nil
		case a.ended && a.err != nil:
			return 0, a.err
		case a.ended:
			return 0, io.EOF
		case len(b) == 0:
			return 0, nil
		}
		a.change.Wait()
	}
}

var errClosedRead = errors.New("client: read on closed body")
