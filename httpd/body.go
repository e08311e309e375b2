package httpd

import (
	"errors"
	"io"
	"net/http"
	"os"
	"sync"
	"time"

	"freshet/internal/rule"
	"freshet/internal/wire"
	"freshet/socketserver"
)

const (
	// drainMax is how much of a body that the handler left unread is read so
	// that the connection can go on; net/http has the same bound.
	drainMax = 256 << 10
	// rateAfter is when the least rate of a body is first looked at.
	rateAfter = 15 * time.Second
)

// errBody is what a handler gets for a body that breaks a rule.
type errBody struct{ rule rule.ID }

func (e *errBody) Error() string { return "httpd: request body: " + rule.Of(e.rule).Sentence }

// Timeout makes a stalled body a net.Error's timeout.
func (e *errBody) Timeout() bool {
	return e.rule == rule.BodyTimeout || e.rule == rule.BodyTooSlow
}

// Is makes a stalled body os.ErrDeadlineExceeded, and an incomplete one
// io.ErrUnexpectedEOF.
func (e *errBody) Is(target error) bool {
	switch target {
	case os.ErrDeadlineExceeded:
		return e.Timeout()
	case io.ErrUnexpectedEOF:
		return e.rule == rule.BodyIncomplete
	}
	return false
}

// body is a request body: what is left of the input buffer first, then the
// connection. It may be read and closed by different goroutines.
type body struct {
	w *response

	mu      sync.Mutex
	left    int64 // of a body of known length
	limit   int64 // bytes that may still come; -1: no limit
	chunked bool
	dec     wire.Chunked
	chunk   []byte // decoded and not yet read, a view of the input buffer
	expects bool   // the client waits for 100 Continue
	eof     bool
	closed  bool
	err     error
	waited  time.Duration // for the client, for the rate
	got     int64
}

// Read implements io.Reader.
func (b *body) Read(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return 0, http.ErrBodyReadAfterClose
	}
	return b.read(p)
}

func (b *body) read(p []byte) (n int, err error) {
	switch {
	case b.err != nil:
		return 0, b.err
	case b.eof:
		return 0, io.EOF
	case len(p) == 0:
		return 0, nil
	}
	if b.expects {
		b.expects = false
		b.w.sendContinue()
	}
	if b.chunked {
		n, err = b.readChunked(p)
	} else {
		n, err = b.readCounted(p)
	}
	b.got += int64(n)
	if err != nil && err != io.EOF {
		b.err = err
	}
	if b.eof {
		if b.w.duplex {
			b.w.c.nc.SetReadDeadline(time.Time{}) // it was for the body, not for what watches the client next
		}
		b.w.ctx.bodyRead()
	}
	return n, err
}

func (b *body) readCounted(p []byte) (int, error) {
	if int64(len(p)) > b.left {
		p = p[:b.left]
	}
	c := b.w.c
	s := c.s
	n := 0
	if s.r < s.w {
		n = copy(p, s.in[s.r:s.w])
		s.r += n
	} else {
		var err error
		if n, err = b.fill(p); err != nil {
			return n, err
		}
	}
	b.left -= int64(n)
	if b.left == 0 {
		b.eof = true
		return n, io.EOF
	}
	return n, nil
}

func (b *body) readChunked(p []byte) (int, error) {
	c := b.w.c
	s := c.s
	for len(b.chunk) == 0 {
		data, n, done, broken := b.dec.Decode(s.in[s.r:s.w])
		s.r += n
		if broken != 0 {
			return 0, &errBody{broken}
		}
		if b.limit >= 0 && int64(len(data)) > b.limit {
			return 0, &http.MaxBytesError{Limit: b.w.c.srv.times.maxBody}
		}
		if b.limit >= 0 {
			b.limit -= int64(len(data))
		}
		b.chunk = data
		if done && len(data) == 0 {
			b.eof = true
			b.w.setTrailer(b.dec.Trailer)
			return 0, io.EOF
		}
		if n > 0 {
			continue
		}
		if s.r == s.w {
			s.r, s.w = 0, 0
		}
		got, err := b.fill(s.room())
		s.w += got
		if err != nil {
			return 0, err
		}
	}
	n := copy(p, b.chunk)
	b.chunk = b.chunk[n:]
	return n, nil
}

// fill reads from the connection, within the limits on pauses and rate.
func (b *body) fill(p []byte) (int, error) {
	c := b.w.c
	now := time.Now()
	t := &c.srv.times
	if err := b.tooSlow(); err != nil {
		return 0, err
	}
	if !b.w.duplex {
		c.sc.Arm(socketserver.Clock(now), t.body)
	} else if t.body > 0 {
		// The connection's one deadline belongs to the answer.
		c.nc.SetReadDeadline(now.Add(t.body))
	}
	n, err := c.nc.Read(p)
	if !b.w.duplex {
		c.sc.Disarm()
	}
	b.waited += time.Since(now)
	if n > 0 {
		return n, nil
	}
	switch {
	case err == nil:
		return 0, nil
	case c.sc.Overdue():
		c.sc.Forgive() // what the handler answers to that can be sent
		return 0, &errBody{rule.BodyTimeout}
	case b.w.duplex && isTimeout(err):
		return 0, &errBody{rule.BodyTimeout}
	case errors.Is(err, io.EOF):
		return 0, &errBody{rule.BodyIncomplete}
	}
	return 0, err
}

// tooSlow returns an error when the body falls below the least rate.
func (b *body) tooSlow() error {
	least := b.w.c.srv.times.minRate
	if least > 0 && b.waited > rateAfter && b.got < least*int64(b.waited/time.Second) {
		return &errBody{rule.BodyTooSlow}
	}
	return nil
}

// Close implements io.Closer. What is left of the body is dealt with when the
// handler has returned.
func (b *body) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
	return nil
}

// drain reads what is left, when that is little. It reports whether the
// connection is at the end of the body.
func (b *body) drain() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true // what was discarded must not look like a body that ended
	if b.eof {
		return true
	}
	if b.err != nil || b.expects || !b.chunked && b.left > drainMax {
		return false
	}
	bp := copyBuffers.Get().(*[]byte)
	defer copyBuffers.Put(bp)
	for n := 0; n <= drainMax; {
		m, err := b.read(*bp)
		n += m
		if err != nil {
			return err == io.EOF
		}
	}
	return false
}

// failed returns the rule that the body broke, or 0.
func (b *body) failed() rule.ID {
	b.mu.Lock()
	defer b.mu.Unlock()
	var eb *errBody
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(b.err, &eb):
		return eb.rule
	case errors.As(b.err, &tooLarge):
		return rule.BodyTooLarge
	}
	return 0
}

// wantsContinue reports whether the client waits for 100 Continue, which is
// then taken for sent.
func (b *body) wantsContinue() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	was := b.expects
	b.expects = false
	return was
}

// answered says that 100 Continue was sent by the handler itself.
func (b *body) answered() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.expects = false
}

// settle is called when the answer begins: what is left of the body is read
// now, when it is little, for a client may send all of it before it reads
// anything. As in net/http the handler cannot read it afterwards, unless it
// enabled full duplex. It reports whether the body's end was reached.
func (b *body) settle() bool { return b.drain() }
