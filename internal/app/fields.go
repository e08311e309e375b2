package app

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"

	"freshet/httpd"
	"freshet/internal/config"
	"freshet/internal/field"
	"freshet/internal/wire"
)

// editFields changes fields of all answers of a handler.
func editFields(next http.Handler, edits []config.FieldEdit) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		e := &editWriter{ResponseWriter: w, edits: edits}
		next.ServeHTTP(e, r)
		e.edit(http.StatusOK)
	})
}

// editWriter edits the fields when the head of the answer is written.
type editWriter struct {
	http.ResponseWriter
	edits []config.FieldEdit
	done  bool
}

func (w *editWriter) edit(code int) {
	if w.done {
		return
	}
	w.done = true
	h := w.Header()
	keep := code >= 400 && keepsNoStore(h["Cache-Control"])
	for i := range w.edits {
		switch e := &w.edits[i]; {
		case keep && aboutCaches(e.Name):
		case e.Op == config.FieldRemove && e.Name == "Server":
			h[e.Name] = nil // else the engine sends its own
		case e.Op == config.FieldRemove:
			delete(h, e.Name)
		case e.Op == config.FieldSet:
			h[e.Name] = []string{e.Value}
		case e.Op == config.FieldAdd:
			h[e.Name] = append(slices.Clip(h[e.Name]), e.Value)
		}
	}
}

// keepsNoStore reports whether Cache-Control is no-store alone. An error that
// says so keeps it: what a route says about its pages must not make a failure
// of a moment one that caches keep.
func keepsNoStore(lines []string) bool { return len(lines) == 1 && lines[0] == "no-store" }

// aboutCaches reports whether a field says how long caches keep an answer.
func aboutCaches(name string) bool {
	return name == "Expires" || name == "Surrogate-Control" || strings.HasSuffix(name, "Cache-Control")
}

// WriteHeader leaves interim answers alone: the final one comes after them.
func (w *editWriter) WriteHeader(code int) {
	if code >= 200 || code == http.StatusSwitchingProtocols {
		w.edit(code)
	}
	w.ResponseWriter.WriteHeader(code)
}

func (w *editWriter) Write(p []byte) (int, error) {
	w.edit(http.StatusOK)
	return w.ResponseWriter.Write(p)
}

// ReadFrom lets the engine below send a file as it can.
func (w *editWriter) ReadFrom(r io.Reader) (int64, error) {
	w.edit(http.StatusOK)
	return io.Copy(w.ResponseWriter, r)
}

// FlushError implements what http.ResponseController looks for.
func (w *editWriter) FlushError() error {
	w.edit(http.StatusOK)
	err := http.NewResponseController(w.ResponseWriter).Flush()
	if errors.Is(err, http.ErrNotSupported) {
		return http.ErrNotSupported
	}
	return err
}

// Flush implements http.Flusher.
func (w *editWriter) Flush() { _ = w.FlushError() }

// Unwrap is for http.ResponseController.
func (w *editWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// editHot changes fields of prebuilt heads. It is nil where that is not
// possible: the engine itself places Server.
func editHot(next httpd.HotHandler, edits []config.FieldEdit) httpd.HotHandler {
	byServer := func(e config.FieldEdit) bool { return e.Name == "Server" }
	if next == nil || slices.ContainsFunc(edits, byServer) {
		return nil
	}
	h := &hotEditor{next: next}
	for i, e := range edits {
		if i == 0 || edits[i-1].Name != e.Name {
			h.edits = append(h.edits, hotEdit{name: []byte(e.Name), caches: aboutCaches(e.Name)})
		}
		last := &h.edits[len(h.edits)-1]
		if e.Op != config.FieldAdd {
			last.replaces = true
		}
		if e.Op != config.FieldRemove {
			last.lines = append(last.lines, wire.SpelledName(e.Name)+": "+e.Value+"\r\n"...)
		}
	}
	return h
}

// hotEditor edits the heads that another handler made.
type hotEditor struct {
	next  httpd.HotHandler
	edits []hotEdit // in the order of names
}

// hotEdit is all that is done about one name.
type hotEdit struct {
	name     []byte
	replaces bool   // lines of the name go
	caches   bool   // aboutCaches
	lines    []byte // and these come
}

// ServeHot implements httpd.HotHandler.
func (h *hotEditor) ServeHot(q *httpd.Head, a *httpd.Answer) bool {
	if !h.next.ServeHot(q, a) {
		return false
	}
	dst := a.Scratch[:0]
	if sameStart(a.Head, dst) {
		dst = a.Head[len(a.Head):] // the head stands in the buffer
	}
	a.Head = h.append(dst, a.Head)
	if cap(a.Head) > cap(a.Scratch) {
		a.Scratch = a.Head[:0]
	}
	return true
}

func sameStart(a, b []byte) bool {
	return cap(a) > 0 && cap(b) > 0 && &a[:1][0] == &b[:1][0]
}

// append appends the head with its edits. Both are in the order of names, and
// so is the result, as that of the other path is.
func (h *hotEditor) append(dst, head []byte) []byte {
	keep := isError(head) && bytes.Contains(head, noStoreLine)
	status := bytes.IndexByte(head, '\n') + 1
	dst, head = append(dst, head[:status]...), head[status:]
	edits := h.edits
	for len(head) > 0 {
		end := bytes.IndexByte(head, '\n') + 1
		line := head[:end]
		head = head[end:]
		name := line[:max(bytes.IndexByte(line, ':'), 0)]
		for len(edits) > 0 && compareFold(edits[0].name, name) < 0 {
			dst = edits[0].append(dst, keep)
			edits = edits[1:]
		}
		if len(edits) > 0 && edits[0].replaces && !(keep && edits[0].caches) && compareFold(edits[0].name, name) == 0 {
			continue
		}
		dst = append(dst, line...)
	}
	for i := range edits {
		dst = edits[i].append(dst, keep)
	}
	return dst
}

func (e *hotEdit) append(dst []byte, keep bool) []byte {
	if keep && e.caches {
		return dst
	}
	return append(dst, e.lines...)
}

// noStoreLine is the line of keepsNoStore in a prebuilt head.
var noStoreLine = []byte("\r\nCache-Control: no-store\r\n")

// isError reports whether a head has a status code from 400 on.
func isError(head []byte) bool { return len(head) > len("HTTP/1.1 ") && head[len("HTTP/1.1 ")] >= '4' }

// compareFold compares names of fields, in whatever case they are: "ETag" and
// "Etag" are one.
func compareFold(a, b []byte) int {
	for i := range min(len(a), len(b)) {
		if c, d := field.Lower(a[i]), field.Lower(b[i]); c != d {
			return int(c) - int(d)
		}
	}
	return len(a) - len(b)
}
