package middleware

import (
	"bufio"
	"io"
	"net"
	"net/http"

	"freshet/internal/rule"
	"freshet/internal/wrapped"
)

// writer is the part that the writers of this package have in common: what
// they neither look at nor change goes through it to the server's writer.
// http.ResponseController finds the deadlines and EnableFullDuplex by Unwrap;
// Hijack is here for those who look for http.Hijacker by type assertion.
type writer struct {
	http.ResponseWriter
	hijacked bool
}

// Unwrap is what http.ResponseController looks for.
func (w *writer) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// Hijack implements http.Hijacker; it returns an error that matches
// errors.ErrUnsupported when the connection cannot be had.
func (w *writer) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	c, rw, err := http.NewResponseController(w.ResponseWriter).Hijack()
	w.hijacked = w.hijacked || err == nil
	return c, rw, err
}

// readFrom copies src to the writer underneath: by its ReadFrom when it has
// one, which then sees src itself and can send a file by sendfile.
func (w *writer) readFrom(src io.Reader) (int64, error) {
	if rf, ok := w.ResponseWriter.(io.ReaderFrom); ok {
		return rf.ReadFrom(src)
	}
	return io.Copy(onlyWriter{w.ResponseWriter}, src)
}

// onlyWriter hides the other methods of a writer from io.Copy.
type onlyWriter struct{ io.Writer }

// flush flushes the writer underneath.
func (w *writer) flush() error {
	return http.NewResponseController(w.ResponseWriter).Flush()
}

// interim reports whether a status is of a response that another one follows.
// 101 is the last one of HTTP on its connection.
func interim(status int) bool {
	return status >= 100 && status < 200 && status != http.StatusSwitchingProtocols
}

// tell says to the server's writer, when it asks to know, why the answer is
// what it is.
func tell(w http.ResponseWriter, id rule.ID) {
	if s, ok := wrapped.Find[interface{ SetRule(rule.ID) }](w); ok {
		s.SetRule(id)
	}
}

// watcher is a writer that shows the head of the answer to somebody before it
// is sent.
type watcher struct {
	writer

	// head is called once, before the final head is sent, with its status; it
	// may change the fields. When it returns another status, the answer is
	// that one with body, and what the handler writes is dropped.
	head func(status int) (replaced int, body []byte)

	began   bool
	dropped bool
}

// WriteHeader implements http.ResponseWriter.
func (w *watcher) WriteHeader(status int) {
	if w.began || w.hijacked || interim(status) {
		if !w.dropped {
			w.ResponseWriter.WriteHeader(status)
		}
		return
	}
	w.began = true
	replaced, body := w.head(status)
	w.ResponseWriter.WriteHeader(replaced)
	if replaced != status {
		w.dropped = true
		if body != nil {
			w.ResponseWriter.Write(body)
		}
	}
}

func (w *watcher) begin() {
	if !w.began && !w.hijacked {
		w.WriteHeader(http.StatusOK)
	}
}

// Write implements io.Writer.
func (w *watcher) Write(p []byte) (int, error) {
	if w.begin(); w.dropped {
		return len(p), nil
	}
	return w.ResponseWriter.Write(p)
}

// WriteString implements io.StringWriter.
func (w *watcher) WriteString(s string) (int, error) {
	if w.begin(); w.dropped {
		return len(s), nil
	}
	return io.WriteString(w.ResponseWriter, s)
}

// ReadFrom implements io.ReaderFrom, so that a file can go out by sendfile.
func (w *watcher) ReadFrom(src io.Reader) (int64, error) {
	if w.begin(); w.dropped {
		return io.Copy(io.Discard, src)
	}
	return w.readFrom(src)
}

// Flush implements http.Flusher.
func (w *watcher) Flush() { w.FlushError() }

// FlushError is Flush for http.ResponseController.
func (w *watcher) FlushError() error {
	w.begin()
	return w.flush()
}

// finish is called when the handler has returned. An answer that it did not
// begin is an empty 200, which the server sends when nobody outside of us
// wants otherwise, so the head is sent only if it is another one.
func (w *watcher) finish() {
	if w.began || w.hijacked {
		return
	}
	if replaced, body := w.head(http.StatusOK); replaced != http.StatusOK {
		w.began, w.dropped = true, true
		w.ResponseWriter.WriteHeader(replaced)
		if body != nil {
			w.ResponseWriter.Write(body)
		}
	}
}
