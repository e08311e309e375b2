package httpd

import (
	"context"
	"errors"
	"net/http"
	"runtime"
	"strconv"

	"freshet/internal/rule"
	"freshet/internal/wire"
)

// bodyBuffer is how much of a handler's body is kept back before the head is
// decided: an answer that fits goes out with its length.
const bodyBuffer = 4 << 10

// contextEnded is the error of a request context after its handler returned.
var contextEnded = context.Canceled

// response is the http.ResponseWriter of an HTTP/1 request. What it writes is
// gathered in the connection's output.
type response struct {
	notes
	c    *conn
	req  *http.Request
	ctx  *requestContext
	body *body // nil when the request has none

	begun releaser // by the hot path; see Begun

	header   http.Header
	status   int   // 0 until WriteHeader
	length   int64 // Content-Length of the answer, -1 when not declared
	written  int64 // body bytes that the handler wrote
	bytes    int64 // body bytes that went out
	waited   int64 // nanoseconds until the answer began
	aborted  rule.ID
	err      error // first error of writing
	trailers []string

	http11    bool
	http09    bool
	isHead    bool
	committed bool // the head is in the output
	chunked   bool
	noBody    bool // the status has none
	closing   bool // Connection: close
	upgrading bool
	hasType   bool
	hasCoding bool
	hasDate   bool
	hasServer bool
	duplex    bool
	continued bool
	hijacked  bool
	deadlines bool
	finished  bool

	lateTrailers bool // a field had http.TrailerPrefix before the head
}

func (w *response) init(c *conn, r *http.Request, h *wire.Head) {
	w.c, w.req = c, r
	w.length = -1
	w.why = rule.HandlerAnswered
	w.http11 = h.HTTP11()
	w.http09 = h.Major == 0
	w.isHead = h.Method == http.MethodHead
	s := c.s
	s.body, s.fields = s.body[:0], s.fields[:0]
}

// Header implements http.ResponseWriter.
func (w *response) Header() http.Header {
	if w.header == nil {
		w.header = make(http.Header)
	}
	return w.header
}

// WriteHeader implements http.ResponseWriter.
func (w *response) WriteHeader(code int) {
	switch {
	case w.hijacked:
		w.misuse("WriteHeader on hijacked connection")
		return
	case w.status != 0:
		w.misuse("superfluous WriteHeader call")
		return
	case code < 100 || code > 999:
		panic("httpd: invalid WriteHeader code " + strconv.Itoa(code))
	case code < 200 && code != http.StatusSwitchingProtocols:
		w.interim(code)
		return
	}
	w.status = code
	w.noBody = wire.BodylessStatus(code)
	w.renderFields()
	if code == http.StatusSwitchingProtocols {
		w.closing = true
	}
}

func (w *response) misuse(what string) {
	_, file, line, _ := runtime.Caller(2)
	w.c.srv.logf("httpd: %s from %s:%d", what, file, line)
}

// interim sends a 1xx answer at once.
func (w *response) interim(code int) {
	if code == http.StatusContinue {
		if w.body != nil {
			w.body.answered()
		}
		w.sendContinue()
		return
	}
	if !w.http11 {
		return
	}
	s := w.c.s
	s.out = wire.AppendStatusLine(s.out, code)
	s.out = w.appendHeader(s.out)
	s.out = append(s.out, "\r\n"...)
	w.flushOut()
}

// sendContinue tells the client to send its body.
func (w *response) sendContinue() {
	if w.continued || !w.http11 || w.committed {
		return
	}
	w.continued = true
	s := w.c.s
	s.out = append(s.out, "HTTP/1.1 100 Continue\r\n\r\n"...)
	w.flushOut()
}

// Write implements io.Writer.
func (w *response) Write(p []byte) (int, error) {
	if err := w.begin(len(p)); err != nil || len(p) == 0 {
		return 0, err
	}
	s := w.c.s
	switch {
	case w.isHead:
		if room := bodyBuffer - len(s.body); !w.committed && room > 0 {
			s.body = append(s.body, p[:min(len(p), room)]...)
		}
		return len(p), nil
	case w.holds(len(p)):
		s.body = append(s.body, p...)
	default:
		w.commit(false, p)
		w.emit(s.body)
		s.body = s.body[:0]
		if w.chunked && len(p) < bodyBuffer {
			s.body = append(s.body, p...)
		} else {
			w.emit(p)
		}
	}
	return len(p), w.err
}

// WriteString implements io.StringWriter.
func (w *response) WriteString(p string) (int, error) {
	if err := w.begin(len(p)); err != nil || len(p) == 0 {
		return 0, err
	}
	if s := w.c.s; !w.isHead && w.holds(len(p)) {
		s.body = append(s.body, p...)
		return len(p), nil
	}
	w.written -= int64(len(p))
	return w.Write([]byte(p))
}

// holds reports whether n more bytes are kept back: before the head is
// decided, and to make chunks of a useful size.
func (w *response) holds(n int) bool {
	return (!w.committed || w.chunked) && len(w.c.s.body)+n <= bodyBuffer
}

// begin checks whether n bytes may be written, and counts them.
func (w *response) begin(n int) error {
	if w.hijacked {
		return http.ErrHijacked
	}
	if w.finished {
		return errFinished
	}
	if w.status == 0 {
		w.WriteHeader(http.StatusOK)
	}
	if n == 0 {
		return nil
	}
	if w.noBody {
		return http.ErrBodyNotAllowed
	}
	if w.err != nil {
		return w.err
	}
	// As in net/http a write that would be too much counts all the same: the
	// answer is then never taken for complete.
	w.written += int64(n)
	if w.length >= 0 && w.written > w.length {
		return http.ErrContentLength
	}
	return nil
}

var errFinished = errors.New("httpd: write after the handler returned")

// commit decides the framing and puts the head into the output. complete says
// that the body is all in the buffer; next is what follows the buffer
// otherwise, to guess a type from.
func (w *response) commit(complete bool, next []byte) {
	if w.committed {
		return
	}
	w.committed = true
	s := w.c.s
	w.closing = w.closing || !w.c.keeps(&s.head) // the server may have begun to stop
	if w.body != nil && !w.duplex && !w.body.settle() {
		// The answer begins while the client may still be sending: it will
		// not be read to its end (see body.settle).
		w.closing, w.c.linger = true, true
	}
	if w.http09 {
		w.closing = true
		return
	}
	implicit := int64(-1)
	if w.length < 0 && complete && !w.noBody && len(w.trailers) == 0 && !w.lateTrailers &&
		w.written == int64(len(s.body)) && (!w.isHead || w.written > 0) {
		implicit = int64(len(s.body))
	}
	if w.length < 0 && implicit < 0 && !w.noBody && !w.isHead {
		if w.http11 {
			w.chunked = true
		} else {
			w.closing = true
		}
	}
	s.out = wire.AppendStatusLine(s.out, w.status)
	s.out = append(s.out, s.fields...)
	if implicit >= 0 {
		w.length = implicit
		s.out = append(s.out, "Content-Length: "...)
		s.out = strconv.AppendInt(s.out, implicit, 10)
		s.out = append(s.out, "\r\n"...)
	}
	if len(s.body) > 0 {
		next = s.body
	}
	if !w.hasType && !w.hasCoding && !w.noBody && len(next) > 0 {
		s.out = append(s.out, "Content-Type: "...)
		s.out = append(s.out, http.DetectContentType(next)...)
		s.out = append(s.out, "\r\n"...)
	}
	w.appendEnd()
}

// appendEnd ends the head.
func (w *response) appendEnd() {
	s := w.c.s
	w.c.setNow() // RFC 9110 §6.6.1: Date is when the answer began
	w.waited = w.c.now - s.head.Now
	s.out = w.c.srv.appendStamps(s.out, w.c.now, !w.hasServer, !w.hasDate)
	s.out = w.c.srv.appendID(s.out, w.c.requestID(), w.status)
	if w.chunked {
		s.out = append(s.out, "Transfer-Encoding: chunked\r\n"...)
	}
	if !w.upgrading {
		s.out = appendConnection(s.out, w.http11, !w.closing)
	}
	s.out = append(s.out, "\r\n"...)
}

// emit puts body bytes into the output, or writes them when they are many.
func (w *response) emit(p []byte) {
	if len(p) == 0 || w.err != nil || w.isHead {
		return
	}
	s := w.c.s
	w.bytes += int64(len(p))
	if w.chunked {
		s.out = wire.AppendChunkHead(s.out, len(p))
	}
	if len(s.out)+len(p) <= outMax/2 {
		s.out = append(s.out, p...)
	} else {
		s.tail = p
		w.flushOut()
	}
	if w.chunked {
		s.out = append(s.out, "\r\n"...)
	}
}

// flushOut writes what is gathered.
func (w *response) flushOut() {
	s := w.c.s
	if w.err != nil {
		s.out, s.tail = s.out[:0], nil
		return
	}
	w.fail(w.c.write())
}

// fail notes the first error of writing; the request's context ends with it.
func (w *response) fail(err error) {
	if err != nil && w.err == nil {
		w.err = err
		w.closing = true
		w.ctx.cancel(context.Canceled)
	}
}

// done completes the answer after the handler returned.
func (w *response) done() {
	s := w.c.s
	defer func() { w.finished = true }()
	if w.aborted == 0 && w.status == 0 && w.body != nil {
		if id := w.body.failed(); id != 0 {
			w.replace(id)
		}
	}
	if w.aborted == rule.HandlerPanic && !w.committed {
		w.aborted = 0
		w.replace(rule.HandlerPanic)
	}
	if w.aborted == 0 {
		if w.status == 0 {
			w.WriteHeader(http.StatusOK)
		}
		w.commit(true, nil)
		w.emit(s.body)
		if !w.isHead && !w.noBody && !w.http09 && w.length >= 0 && w.bytes < w.length {
			w.aborted = rule.HandlerShortBody
		}
	}
	s.body = s.body[:0]
	switch {
	case w.aborted != 0:
		if w.aborted != rule.HandlerAborted || w.why == rule.HandlerAnswered {
			w.why = w.aborted // else the handler said why
		}
		w.closing = true
		if !w.committed {
			w.status = 0
		}
	case w.chunked:
		s.out = append(s.out, "0\r\n"...)
		s.out = w.appendTrailers(s.out)
		s.out = append(s.out, "\r\n"...)
	}
	if w.c.srv.Sink != nil {
		r := w.c.note(&s.head)
		r.Status, r.Bytes, r.Waited = w.status, w.bytes, w.waited
		w.notes.fill(r)
	}
}

// replace answers with the engine's own page instead of what the handler
// began, of which nothing was sent.
func (w *response) replace(id rule.ID) {
	row := rule.Of(id)
	s := w.c.s
	s.body, s.fields = s.body[:0], s.fields[:0]
	w.header, w.trailers = nil, nil
	w.status, w.length, w.written = 0, -1, 0
	w.noBody, w.hasType, w.hasCoding = false, false, false
	w.closing, w.c.linger = true, true
	if w.c.sc.Overdue() {
		w.c.sc.Forgive()
	}
	Error(w, w.req, row.Status, row.Explain())
	w.why = id
}
