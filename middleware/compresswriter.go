package middleware

import (
	"io"
	"maps"
	"net/http"
	"slices"

	"freshet/internal/coding"
	"freshet/internal/field"
)

// holdBytes is how much of a body is kept back to learn its type, for which
// http.DetectContentType looks at 512 bytes, and whether it is long enough.
const holdBytes = 512

// phase is how far an answer has come.
type phase uint8

const (
	waiting phase = iota // the handler has not begun
	holding              // it has, but the head is not sent
	plain                // the head is sent, the body passes as it is
	coded                // the head is sent, the body passes through enc
)

// codedWriter codes an answer, once its head and perhaps its first bytes say
// that it should.
type codedWriter struct {
	writer
	o         *CompressOptions
	r         *http.Request // as the client sent it
	accepted  field.Accepted
	preferred field.Coding
	must      bool // identity is refused

	phase  phase
	status int
	head   http.Header // the fields as WriteHeader found them, while holding
	held   []byte
	enc    *coding.Writer
	length int64 // Content-Length as the handler stated it, or -1
	bytes  int64 // of the body that the handler wrote
}

// WriteHeader implements http.ResponseWriter.
func (w *codedWriter) WriteHeader(status int) {
	if w.phase != waiting || w.hijacked || interim(status) {
		if w.phase != holding || interim(status) {
			w.ResponseWriter.WriteHeader(status)
		}
		return
	}
	w.status = status
	h := w.Header()
	w.length = statedLength(h)
	_, typed := h["Content-Type"]
	passes := w.preferred == field.Identity || !w.must && !w.o.Type(contentType(h, nil))
	if !w.codable(h) || typed && (passes || w.length >= 0) {
		w.begin(h, w.choose(h, w.length, nil), nil)
		return
	}
	// Fields that are set from here on are not of this head: they are late,
	// or trailers.
	w.phase, w.head = holding, h.Clone()
}

// begin sends the head; the body is to have coding c and begins with first.
func (w *codedWriter) begin(h http.Header, c field.Coding, first []byte) {
	w.edit(h, c, first)
	w.phase = plain
	w.ResponseWriter.WriteHeader(w.status)
	if c != field.Identity {
		w.phase, w.enc = coded, coding.NewWriter(w.ResponseWriter, c)
	}
}

// settle ends holding. size is that of the whole body, -1 when it is not
// known, and next is what follows the bytes that are held.
func (w *codedWriter) settle(size int64, next []byte) error {
	first := append(w.held[:len(w.held):len(w.held)], next[:min(len(next), holdBytes-len(w.held))]...)
	if w.length >= 0 {
		size = w.length
	}
	h := w.Header()
	late := maps.Clone(h)
	clear(h)
	maps.Copy(h, w.head)
	c := w.choose(h, size, first)
	if c != field.Identity && h["Content-Type"] == nil && len(first) > 0 {
		// The server would see coded bytes.
		if typ := contentType(h, first); typ != "" {
			h.Set("Content-Type", typ)
		}
	}
	w.begin(h, c, first)
	for name, lines := range late {
		if !slices.Equal(lines, w.head[name]) {
			h[name] = lines
		}
	}
	held := w.held
	w.head, w.held = nil, nil
	if len(held) == 0 {
		return nil
	}
	_, err := w.pass(held)
	return err
}

// pass writes a piece of the body once the head is sent.
func (w *codedWriter) pass(p []byte) (int, error) {
	if w.phase == coded {
		return w.enc.Write(p)
	}
	return w.ResponseWriter.Write(p)
}

// Write implements io.Writer.
func (w *codedWriter) Write(p []byte) (int, error) {
	if w.hijacked {
		return w.ResponseWriter.Write(p)
	}
	if w.phase == waiting {
		w.WriteHeader(http.StatusOK)
	}
	if w.phase != plain && w.length >= 0 && w.bytes+int64(len(p)) > w.length {
		return 0, http.ErrContentLength
	}
	w.bytes += int64(len(p))
	if w.phase == holding {
		if len(w.held)+len(p) < holdBytes {
			w.held = append(w.held, p...)
			return len(p), nil
		}
		if err := w.settle(-1, p); err != nil {
			return 0, err
		}
	}
	return w.pass(p)
}

// WriteString implements io.StringWriter.
func (w *codedWriter) WriteString(s string) (int, error) {
	if w.phase == plain {
		return io.WriteString(w.ResponseWriter, s)
	}
	return w.Write([]byte(s))
}

// ReadFrom implements io.ReaderFrom, so that a file that is not coded can go
// out by sendfile.
func (w *codedWriter) ReadFrom(src io.Reader) (int64, error) {
	if w.phase == waiting && !w.hijacked {
		w.WriteHeader(http.StatusOK)
	}
	var n int64
	if w.phase == holding {
		m, err := io.CopyN(onlyWriter{w}, src, int64(holdBytes-len(w.held)))
		if n = m; err == io.EOF {
			return n, nil
		} else if err != nil {
			return n, err
		}
	}
	if w.phase == coded {
		m, err := io.Copy(onlyWriter{w}, src)
		return n + m, err
	}
	m, err := w.readFrom(src)
	return n + m, err
}

// Flush implements http.Flusher.
func (w *codedWriter) Flush() { w.FlushError() }

// FlushError is Flush for http.ResponseController.
func (w *codedWriter) FlushError() error {
	if w.phase == waiting && !w.hijacked {
		w.WriteHeader(http.StatusOK)
	}
	if w.phase == holding {
		if err := w.settle(-1, nil); err != nil {
			return err
		}
	}
	if w.phase == coded {
		if err := w.enc.Flush(); err != nil {
			return err
		}
	}
	return w.flush()
}

// bodyless reports whether this is the answer to a HEAD whose handler writes
// no body, so that there is nothing to code either.
func (w *codedWriter) bodyless() bool {
	return w.r.Method == http.MethodHead && w.bytes == 0
}

// finish is called when the handler has returned.
func (w *codedWriter) finish() {
	if w.hijacked {
		return
	}
	switch w.phase {
	case waiting:
		// The server will send a 200 of its own, to GET an empty one.
		w.status = http.StatusOK
		h, c := w.Header(), field.Identity
		if w.bodyless() {
			c = w.choose(h, statedLength(h), nil)
		}
		w.edit(h, c, nil)
	case holding:
		size := w.bytes
		if w.bodyless() {
			size = -1 // GET would have some body or other
		}
		if w.settle(size, nil) != nil {
			return // the client is gone
		}
	}
	if w.phase != coded || w.bodyless() {
		return
	}
	short := w.length >= 0 && w.bytes < w.length && w.r.Method != http.MethodHead
	if short || w.enc.Close() != nil {
		// The body is not whole, and must not look it.
		panic(http.ErrAbortHandler)
	}
}

// abandon gives the encoder back when the answer was not finished.
func (w *codedWriter) abandon() {
	if w.enc != nil {
		w.enc.Discard()
	}
}
