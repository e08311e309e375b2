package static

import (
	"bytes"
	"crypto/rand"
	"errors"
	"io"
	"net/http"
	"strings"

	"freshet/conditional"
	"freshet/httpd"
	"freshet/internal/coding"
	"freshet/internal/field"
	"freshet/internal/representation"
	"freshet/internal/rule"
	"freshet/internal/wire"
)

// send writes an answer through a ResponseWriter: the lines of its head become
// fields, its body is copied, from src when it is not in memory.
func (h *Handler) send(w http.ResponseWriter, r *http.Request, a *httpd.Answer, src io.ReaderAt) {
	writeHead(w, a)
	switch {
	case r.Method == http.MethodHead || a.Status == http.StatusNotModified:
	case src != nil:
		h.copyFile(w, src, field.Range{Start: a.Offset, Length: a.Size})
	default:
		w.Write(a.Body) // an error here means that the client has gone
	}
}

// writeHead writes the status line and fields of an answer.
func writeHead(w http.ResponseWriter, a *httpd.Answer) {
	f := w.Header()
	_, lines, _ := strings.Cut(string(a.Head), "\r\n")
	for lines != "" {
		var line string
		line, lines, _ = strings.Cut(lines, "\r\n")
		name, value, _ := strings.Cut(line, ": ")
		name = wire.CanonicalName(name) // a head spells ETag as its RFC does
		if name == "Vary" {
			f.Add(name, value) // what wraps this handler may depend on more
			continue
		}
		f[name] = []string{value}
	}
	httpd.SetRule(w, a.Rule)
	w.WriteHeader(a.Status)
}

// copyFile sends a range of a file. When the file turns out to be shorter than
// its head said, the connection is cut: nothing else tells the client that the
// body is not whole (RFC 9112 §8).
func (h *Handler) copyFile(w http.ResponseWriter, f io.ReaderAt, r field.Range) {
	n, err := io.Copy(w, io.NewSectionReader(f, r.Start, r.Length))
	if n == r.Length {
		return
	}
	if err == nil || errors.Is(err, io.ErrUnexpectedEOF) {
		httpd.SetRule(w, rule.StaticShrank)
		h.opt.ErrorLog.Warn("static: a file became shorter while it was sent", "sent", n, "of", r.Length)
	}
	panic(http.ErrAbortHandler)
}

// sendRanges writes several ranges as multipart/byteranges (RFC 9110 §14.6).
func (h *Handler) sendRanges(w http.ResponseWriter, r *http.Request, e *entry, v *representation.Variant, a *httpd.Answer, ranges []field.Range, src io.ReaderAt) {
	if src == nil {
		src = bytes.NewReader(v.Body)
	}
	boundary := rand.Text() // random, so that nobody can write a file that contains it
	length := conditional.MultipartLength(ranges, v.Size, boundary, e.meta.Type)
	a.Head = v.AppendMultipart(nil, length, string(conditional.AppendMultipartType(nil, boundary)))
	writeHead(w, a)
	if r.Method == http.MethodHead {
		return
	}
	var part []byte
	for i, rg := range ranges {
		part = conditional.AppendPartHead(part[:0], boundary, e.meta.Type, rg, v.Size, i == 0)
		if _, err := w.Write(part); err != nil {
			return
		}
		h.copyFile(w, src, rg)
	}
	w.Write(conditional.AppendMultipartEnd(part[:0], boundary))
}

// encodeNow returns an entry for this request alone, in a coding that it
// accepts, for a client that refuses what there is. It is nil when the file is
// not one to compress, or not in memory.
func (h *Handler) encodeNow(e *entry, accepted field.Accepted) *entry {
	body := e.set.Load().Variant(field.Identity).Body
	order, n := accepted.Order(coding.All)
	if body == nil || !h.negotiable(e) || n == 0 {
		return nil
	}
	b, err := coding.Encode(nil, order[0], body, coding.Quick)
	if err != nil {
		return nil
	}
	made := &entry{key: e.key, why: e.why, meta: e.meta, age: e.age, sources: e.sources, slot: -1}
	made.sources[order[0]] = nil
	made.set.Store(representation.NewSet(&made.meta, newVariant(&made.meta, order[0], int64(len(b)), b)))
	return made
}
