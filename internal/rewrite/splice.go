package rewrite

import (
	"errors"
	"io"
)

// DefaultMax is what is held of a document by default, in bytes.
const DefaultMax = 64 << 10

// An Edit is what is done to documents.
type Edit struct {
	// Sheet is put in. nil leaves the document as it is.
	Sheet *Sheet

	// Nonce is given to the element: that of a policy in the fields of the
	// answer. What is no nonce is left out.
	Nonce string

	// Charset is the label that Content-Type has; "" means none. One that browsers
	// do not know counts as none.
	Charset string

	// Max bounds what is held while a place is looked for, in bytes: one tag or
	// comment has to fit. Default DefaultMax, at least 4096. What does not fit
	// passes untouched.
	Max int
}

// A Splicer is the writer behind which a document has the sheet. It writes to
// the next writer as soon as bytes are known to come before the place, and once
// that is found, or there is none, passes everything on as it comes. It is for
// one goroutine.
type Splicer struct {
	w    io.Writer
	max  int
	done bool
	err  error // of w; nothing follows it

	held   []byte // not written yet
	offset int64  // of held in what came in
	tried  int    // how much of held was looked at in vain
	work   int    // how many bytes were looked at in all

	finder finder
	result Result
}

// NewSplicer returns a Splicer that writes to w. Close it.
func NewSplicer(w io.Writer, e Edit) *Splicer {
	s := &Splicer{w: w, max: e.Max}
	if s.max <= 0 {
		s.max = DefaultMax
	}
	s.max = max(s.max, 4096)
	s.finder = finder{sheet: e.Sheet, nonce: e.Nonce, charset: e.Charset}
	if e.Sheet == nil {
		s.done = true
	}
	return s
}

// Write takes the next bytes of the document.
func (s *Splicer) Write(p []byte) (int, error) {
	switch {
	case s.err != nil:
		return 0, s.err
	case s.done:
		n, err := s.w.Write(p)
		s.err = err
		return n, err
	}
	for rest := p; len(rest) > 0; {
		if s.done {
			s.write(rest)
			break
		}
		n := min(len(rest), s.max-len(s.held), 4096)
		s.held = append(s.held, rest[:n]...)
		rest = rest[n:]
		full := len(s.held) == s.max
		if full || s.worthATry() {
			s.look(false)
		}
		// Not sooner when it comes in other pieces: then nothing was passed, either.
		if full && !s.done && len(s.held) == s.max {
			s.finish(TooLong)
		}
	}
	if s.err != nil {
		return 0, s.err
	}
	return len(p), nil
}

// worthATry bounds the work for documents that come in small pieces: once as much as
// some times Max was looked at, it has to be twice as much as the last time.
func (s *Splicer) worthATry() bool {
	return s.work < 16*s.max || len(s.held) >= 2*s.tried
}

// Close says that the document is whole, or that no more of it comes: what is
// held is written. It does not close the next writer.
func (s *Splicer) Close() error {
	if !s.done && s.err == nil {
		s.look(true)
		if !s.done {
			s.finish(NoContent)
		}
	}
	return s.err
}

// Result says what became of the document; it is final when Done is true.
func (s *Splicer) Result() Result { return s.result }

// Done reports whether the place was found, or there is none, so that all that
// follows passes as it is.
func (s *Splicer) Done() bool { return s.done }

// look looks for the place in what is held.
func (s *Splicer) look(final bool) {
	s.work += len(s.held)
	passed, reason, found := s.finder.find(s.held, s.offset, final)
	switch {
	case found:
		s.put(passed)
	case reason != "":
		s.finish(reason)
	default:
		s.write(s.held[:passed])
		s.held = append(s.held[:0], s.held[passed:]...)
		s.offset += int64(passed)
		s.tried = len(s.held)
	}
}

// put writes what is held with the sheet in it.
func (s *Splicer) put(at int) {
	tag, rest := s.finder.element()
	s.result = Result{Inserted: true, At: s.offset + int64(at), Bytes: len(tag) + len(rest)}
	s.write(append(s.held[:at:at], tag...))
	s.write(rest)
	s.write(s.held[at:])
	s.held, s.done = nil, true
}

// finish writes what is held as it is.
func (s *Splicer) finish(reason Reason) {
	s.result = Result{Reason: reason}
	s.write(s.held)
	s.held, s.done = nil, true
}

func (s *Splicer) write(p []byte) {
	if s.err == nil && len(p) > 0 {
		var n int
		if n, s.err = s.w.Write(p); s.err == nil && n < len(p) {
			s.err = io.ErrShortWrite
		}
	}
}

// HTML copies a document from r to w, with the sheet. What was read before an
// error of r is written. The error is that of r, or of w, nil at the end.
func HTML(w io.Writer, r io.Reader, e Edit) (Result, error) {
	s := NewSplicer(w, e)
	buf := make([]byte, 16<<10)
	for {
		n, err := r.Read(buf)
		if n > 0 {
			if _, werr := s.Write(buf[:n]); werr != nil {
				return s.result, werr
			}
		}
		if err == nil {
			continue
		}
		if err == io.EOF {
			err := s.Close()
			return s.result, err
		}
		s.Abort()
		return s.result, errors.Join(err, s.err)
	}
}

// Abort writes what is held as it is: the document was cut off.
func (s *Splicer) Abort() {
	if !s.done && s.err == nil {
		s.finish(CutOff)
	}
}
