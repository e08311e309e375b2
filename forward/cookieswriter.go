package forward

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"slices"

	"freshet/internal/rule"
	"freshet/internal/wrapped"
)

// headWriter is what writers have in common that change the head of an answer:
// whatever begins it has it changed first.
type headWriter struct {
	http.ResponseWriter
	around headChanger
	began  bool
}

// A headChanger changes the head of an answer, once.
type headChanger interface{ changeHead() }

// Unwrap is what http.ResponseController looks for.
func (w *headWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// WriteHeader implements http.ResponseWriter. Interim answers set no cookies:
// those are for the final one (RFC 8297 §2).
func (w *headWriter) WriteHeader(status int) {
	if status < 200 && status != http.StatusSwitchingProtocols && !w.began {
		header := w.Header()
		lines, there := header["Set-Cookie"]
		delete(header, "Set-Cookie")
		w.ResponseWriter.WriteHeader(status)
		if there {
			header["Set-Cookie"] = lines
		}
		return
	}
	if !w.began {
		w.began = true
		w.around.changeHead()
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *headWriter) begin() {
	if !w.began {
		w.WriteHeader(http.StatusOK)
	}
}

// finish changes the head of an answer that the handler left to be begun by its
// end.
func (w *headWriter) finish() {
	if !w.began {
		w.began = true
		w.around.changeHead()
	}
}

// Write implements io.Writer.
func (w *headWriter) Write(p []byte) (int, error) {
	w.begin()
	return w.ResponseWriter.Write(p)
}

// WriteString implements io.StringWriter.
func (w *headWriter) WriteString(s string) (int, error) {
	w.begin()
	return io.WriteString(w.ResponseWriter, s)
}

// ReadFrom implements io.ReaderFrom, so that a stored file can go out by
// sendfile.
func (w *headWriter) ReadFrom(src io.Reader) (int64, error) {
	w.begin()
	if rf, ok := w.ResponseWriter.(io.ReaderFrom); ok {
		return rf.ReadFrom(src)
	}
	return io.Copy(struct{ io.Writer }{w.ResponseWriter}, src)
}

// FlushError is Flush for http.ResponseController.
func (w *headWriter) FlushError() error {
	w.begin()
	return http.NewResponseController(w.ResponseWriter).Flush()
}

// Flush implements http.Flusher.
func (w *headWriter) Flush() { w.FlushError() }

// Hijack implements http.Hijacker. What is written to the connection is nobody's
// head any more.
func (w *headWriter) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	return http.NewResponseController(w.ResponseWriter).Hijack()
}

// cookieWriter is what an answer passes on its way to the client. What it counts
// may be counted on another goroutine than the request's, and is told when that
// one has come back.
type cookieWriter struct {
	headWriter
	h     *Handler
	visit visit
	setTally
}

// changeHead decides on the cookies that the answer sets.
func (c *cookieWriter) changeHead() {
	header := c.Header()
	delete(header, storingField)
	lines := header["Set-Cookie"]
	if len(lines) == 0 {
		return
	}
	left, tally := c.h.cookies.set(c.h.privacy.cookies, &c.visit, lines, c.h.now())
	if slices.Equal(left, lines) {
		return
	}
	setCookies(header, left)
	c.refused += tally.refused
	c.toSession += tally.toSession
	c.shortened += tally.shortened
}

// done ends the answer, and tells what became of the cookies that the answer set.
func (c *cookieWriter) done() {
	c.finish()
	if did := c.setTally.String(); did != "" {
		c.tell(did)
		c.note(rule.FilterCookies)
		c.setTally = setTally{}
	}
}

// Hijack implements http.Hijacker. The record of the request is made before what
// becomes of the connection is over.
func (c *cookieWriter) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	c.done()
	return c.headWriter.Hijack()
}

// refusingWriter is what an answer passes on its way to the cache.
type refusingWriter struct {
	headWriter
	x    refuser
	host string
}

func (w *refusingWriter) changeHead() {
	asks, _ := wrapped.Find[*cookieWriter](w.ResponseWriter)
	w.x.head(w.Header(), w.host, asks)
}
