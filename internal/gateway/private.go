package gateway

import (
	"io"
	"net/http"
	"slices"
	"strings"
)

// Private returns a writer that adds "private" to the Cache-Control of the
// answer, and drops fields that tell shared caches otherwise (RFC 9213). It is
// for what a local redirect leads to: that was chosen by a program for this
// request, and the program had no field in which to say for whom else, since a
// local redirect has none (RFC 3875 §6.2.2). What is found there says who may
// have it at its own address.
func Private(w http.ResponseWriter) http.ResponseWriter {
	if _, is := w.(*private); is {
		return w
	}
	return &private{ResponseWriter: w}
}

type private struct {
	http.ResponseWriter
	begun bool
}

// begin is called before the head is sent.
func (p *private) begin() {
	if p.begun {
		return
	}
	p.begun = true
	h := p.Header()
	for name := range h {
		if strings.HasSuffix(name, "-Cache-Control") || name == "Surrogate-Control" {
			delete(h, name)
		}
	}
	said := h["Cache-Control"]
	if slices.ContainsFunc(said, func(s string) bool { return strings.Contains(strings.ToLower(s), "no-store") }) {
		return
	}
	h["Cache-Control"] = []string{strings.Join(append(slices.Clip(said), "private"), ", ")}
}

// WriteHeader implements http.ResponseWriter.
func (p *private) WriteHeader(code int) {
	if code >= 200 {
		p.begin()
	}
	p.ResponseWriter.WriteHeader(code)
}

// Write implements http.ResponseWriter.
func (p *private) Write(b []byte) (int, error) {
	p.begin()
	return p.ResponseWriter.Write(b)
}

// ReadFrom implements io.ReaderFrom, so that a file can go out by sendfile.
func (p *private) ReadFrom(src io.Reader) (int64, error) {
	p.begin()
	if rf, ok := p.ResponseWriter.(io.ReaderFrom); ok {
		return rf.ReadFrom(src)
	}
	return io.Copy(struct{ io.Writer }{p.ResponseWriter}, src)
}

// FlushError is Flush for http.ResponseController.
func (p *private) FlushError() error {
	p.begin()
	return http.NewResponseController(p.ResponseWriter).Flush()
}

// Unwrap is what http.ResponseController looks for.
func (p *private) Unwrap() http.ResponseWriter { return p.ResponseWriter }
