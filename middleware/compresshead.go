package middleware

import (
	"net/http"
	"strconv"

	"freshet/internal/coding"
	"freshet/internal/field"
)

// statedLength returns the Content-Length that a handler set, -1 if none.
func statedLength(h http.Header) int64 {
	if n, err := strconv.ParseInt(h.Get("Content-Length"), 10, 64); err == nil && n >= 0 {
		return n
	}
	return -1
}

// codable reports whether the answer may have a coding, whatever its body.
func (w *codedWriter) codable(h http.Header) bool {
	switch {
	case w.status < 200, w.status == http.StatusNoContent, w.status == http.StatusResetContent,
		w.status == http.StatusPartialContent, w.status == http.StatusNotModified,
		w.status == http.StatusRequestedRangeNotSatisfiable:
		return false
	}
	// RFC 9530 §3: a digest is that of the coded representation, which the
	// handler's is not.
	for _, name := range [...]string{"Content-Encoding", "Content-Range", "Content-Digest", "Repr-Digest", "Digest", "Content-Md5"} {
		if h.Get(name) != "" {
			return false
		}
	}
	return !hasDirective(h, "no-transform")
}

// choose returns the coding for an answer of size bytes, -1 if unknown, that
// begins with first.
func (w *codedWriter) choose(h http.Header, size int64, first []byte) field.Coding {
	switch {
	case !w.codable(h), size == 0:
		return field.Identity
	case w.must:
		return w.preferred
	case size >= 0 && size < int64(w.o.MinSize), !w.o.Type(contentType(h, first)):
		return field.Identity
	}
	return w.preferred
}

// contentType returns the Content-Type that an answer will have.
func contentType(h http.Header, first []byte) string {
	if v, ok := h["Content-Type"]; ok || len(first) == 0 {
		// Set to nothing, it tells the server not to look either.
		if len(v) == 0 {
			return ""
		}
		return v[0]
	}
	return http.DetectContentType(first)
}

// edit makes the fields of the head right for coding c.
func (w *codedWriter) edit(h http.Header, c field.Coding, first []byte) {
	if w.negotiable(h, first) || c != field.Identity {
		addVary(h)
	}
	if tag := h.Get("Etag"); tag != "" {
		if w.status == http.StatusNotModified {
			h.Set("Etag", listedTag(w.r.Header["If-None-Match"], tag, w.accepted))
		} else {
			h.Set("Etag", coding.Tag(tag, c))
		}
	}
	if c != field.Identity {
		h.Set("Content-Encoding", c.String())
		h.Del("Content-Length")
		h.Del("Accept-Ranges")
	}
}

// negotiable reports whether the answer, or the one that it confirms, would be
// another one for other values of Accept-Encoding.
func (w *codedWriter) negotiable(h http.Header, first []byte) bool {
	if h.Get("Content-Encoding") != "" || hasDirective(h, "no-transform") || w.status < 200 {
		return false
	}
	if w.status != http.StatusNotModified {
		return w.o.Type(contentType(h, first))
	}
	typ := mediaType(h, w.r, w.status)
	return typ == "" || w.o.Type(typ)
}
