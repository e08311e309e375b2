package httpd

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"time"

	"freshet/internal/rule"
)

// What http.ResponseController and type assertions find in a response.
var (
	_ http.Flusher    = (*response)(nil)
	_ http.Hijacker   = (*response)(nil)
	_ io.ReaderFrom   = (*response)(nil)
	_ io.StringWriter = (*response)(nil)
)

// Flush implements http.Flusher.
func (w *response) Flush() { w.FlushError() }

// FlushError writes what is gathered; head included.
func (w *response) FlushError() error {
	if err := w.begin(0); err != nil {
		return err
	}
	s := w.c.s
	w.commit(false, nil)
	w.emit(s.body)
	s.body = s.body[:0]
	w.flushOut()
	return w.err
}

// SetReadDeadline sets the deadline for reading the rest of the request.
func (w *response) SetReadDeadline(t time.Time) error {
	w.deadlines = true
	return w.c.nc.SetReadDeadline(t)
}

// SetWriteDeadline sets the deadline for writing the answer.
func (w *response) SetWriteDeadline(t time.Time) error {
	w.deadlines = true
	return w.c.nc.SetWriteDeadline(t)
}

// EnableFullDuplex lets the handler read the request's body after it began
// its answer.
func (w *response) EnableFullDuplex() error {
	if w.body != nil && w.body.wantsContinue() {
		w.sendContinue() // now: later it could come between two writes
	}
	w.duplex, w.deadlines = true, true
	return nil
}

// Hijack implements http.Hijacker. The connection is then the handler's: the
// server's limits no longer count it, and Shutdown does not wait for it.
func (w *response) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	if w.hijacked {
		return nil, nil, http.ErrHijacked
	}
	if w.finished {
		return nil, nil, errFinished
	}
	c := w.c
	nc := c.nc
	if _, ours := c.tcp.(earlyConn); c.locked || ours && c.below {
		// People expect a *net.TCPConn.
		var err error
		if nc, err = dup(c.tcp); err != nil {
			return nil, nil, err
		}
	}
	w.ctx.watch.stop(c)
	if w.status != 0 { // as in net/http a head that was written is sent
		w.commit(false, nil)
		w.emit(c.s.body)
		c.s.body = c.s.body[:0]
	}
	w.flushOut()
	s := c.s
	early := bytes.Clone(s.in[s.r:s.w])
	if b, ok := w.ctx.watch.early(); ok {
		early = append(early, b)
	}
	w.hijacked = true
	c.sc.Detach()
	nc.SetDeadline(time.Time{})
	if c.srv.Sink != nil {
		status := w.status
		switch {
		case status != 0:
		case s.head.Method == http.MethodConnect:
			status = http.StatusOK // a tunnel is open (RFC 9110 §9.3.6)
		default:
			status = http.StatusSwitchingProtocols
		}
		n := c.note(&s.head)
		w.fill(n)
		n.Status = status
		if n.Rule == 0 {
			n.Rule = rule.HandlerAnswered
		}
		c.report(0)
	}
	c.setState(http.StateHijacked)
	c.nc = nc
	r := bufio.NewReader(io.MultiReader(bytes.NewReader(early), nc))
	r.Peek(len(early)) // so that Buffered tells what came early
	return nc, bufio.NewReadWriter(r, bufio.NewWriter(nc)), nil
}

// dup returns the connection by a second descriptor, which can be read while
// the first is locked, and outlives it.
func dup(nc net.Conn) (net.Conn, error) {
	fc, ok := nc.(interface{ File() (*os.File, error) })
	if !ok {
		return nil, errors.ErrUnsupported
	}
	f, err := fc.File()
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return net.FileConn(f)
}

// ReadFrom implements io.ReaderFrom. A file, a part of one from where it
// stands (io.LimitedReader) or at an offset (io.SectionReader) is sent by the
// kernel when the answer's length is declared; everything else is copied.
func (w *response) ReadFrom(src io.Reader) (int64, error) {
	if err := w.begin(0); err != nil {
		return 0, err
	}
	if part, ok := filePart(src); ok && w.length >= 0 && w.hasType && !w.isHead && !w.noBody {
		return w.sendPart(part)
	}
	bp := copyBuffers.Get().(*[]byte)
	defer copyBuffers.Put(bp)
	return io.CopyBuffer(struct{ io.Writer }{w}, struct{ io.Reader }{src}, *bp)
}

// part is a piece of a file.
type part struct {
	f     *os.File
	off   int64
	size  int64
	moves bool // reading it moves the file's own position
	limit *io.LimitedReader
}

func filePart(src io.Reader) (part, bool) {
	limit := int64(1<<63 - 1)
	lr, limited := src.(*io.LimitedReader)
	if limited {
		src, limit = lr.R, lr.N
	}
	switch s := src.(type) {
	case *io.SectionReader:
		outer, off, n := s.Outer()
		f, ok := outer.(*os.File)
		at, err := s.Seek(0, io.SeekCurrent)
		if !ok || err != nil || limited {
			return part{}, false
		}
		return part{f: f, off: off + at, size: n - at}, true
	case *os.File:
		fi, err := s.Stat()
		if err != nil || !fi.Mode().IsRegular() {
			return part{}, false
		}
		at, err := s.Seek(0, io.SeekCurrent)
		if err != nil {
			return part{}, false
		}
		return part{f: s, off: at, size: max(0, min(limit, fi.Size()-at)), moves: true, limit: lr}, true
	}
	return part{}, false
}

func (w *response) sendPart(p part) (int64, error) {
	over := w.written+p.size > w.length
	size := min(p.size, w.length-w.written)
	s := w.c.s
	w.commit(false, nil)
	w.emit(s.body)
	s.body = s.body[:0]
	if w.err != nil {
		return 0, w.err
	}
	if s.tail != nil {
		w.flushOut()
	}
	off := p.off
	c := w.c
	c.armSend()
	err := c.sendFile(s.out, p.f, &off, size)
	c.sc.Disarm()
	s.out = s.out[:0]
	n := off - p.off
	w.written += n
	w.bytes += n
	if p.moves {
		p.f.Seek(off, io.SeekStart)
	}
	if p.limit != nil {
		p.limit.N -= n
	}
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF):
		w.aborted = rule.StaticShrank
		return n, err
	case err != nil:
		w.fail(err)
		return n, err
	case over:
		return n, http.ErrContentLength
	}
	return n, nil
}
