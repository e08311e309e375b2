package httpd

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"freshet/internal/field"
	"freshet/internal/wire"
)

// renderFields renders the handler's fields as they are at WriteHeader: what
// it changes in the map afterwards, but for trailers, has no effect.
func (w *response) renderFields() {
	w.prepareFields()
	w.c.s.fields = w.appendHeader(w.c.s.fields[:0])
}

// prepareFields takes from the map what the engine itself has to know.
func (w *response) prepareFields() {
	h := w.header
	if h == nil {
		return
	}
	_, w.hasType = h["Content-Type"]
	_, w.hasDate = h["Date"]
	_, w.hasServer = h["Server"]
	w.hasCoding = h.Get("Content-Encoding") != ""
	if v := h["Content-Length"]; len(v) > 0 {
		n, err := strconv.ParseUint(v[0], 10, 63)
		if err != nil || wire.LengthlessStatus(w.status) {
			delete(h, "Content-Length")
		} else {
			h["Content-Length"] = v[:1]
			w.length = int64(n)
		}
	}
	for _, v := range h["Connection"] {
		if field.HasToken(v, "close") {
			w.closing = true
		}
		if field.HasToken(v, "upgrade") {
			w.upgrading = true
		}
	}
	for _, v := range h["Trailer"] {
		for name := range strings.SplitSeq(v, ",") {
			if name = wire.CanonicalName(strings.TrimSpace(name)); trailerAllowed(name) && wire.ValidFieldName(name) {
				w.trailers = append(w.trailers, name)
			}
		}
	}
}

// trailerAllowed reports whether a field may be sent after the body: not what
// frames the message or routes it (RFC 9110 §6.5.1).
func trailerAllowed(name string) bool {
	switch name {
	case "", "Transfer-Encoding", "Content-Length", "Trailer", "Host", "Connection":
		return false
	}
	return true
}

// appendHeader renders the handler's fields in the order of their names.
func (w *response) appendHeader(dst []byte) []byte {
	names := w.c.s.names[:0]
	for name := range w.header {
		switch wire.LookupKnown(name) {
		case wire.TransferEncoding:
			continue // the framing is the engine's
		case wire.ContentType:
			w.hasType = true
		case wire.ContentLength:
			if name != "Content-Length" || w.status == 0 {
				continue // RFC 9110 §8.6: none in 1xx
			}
		case wire.Connection:
			if name != "Connection" || !w.upgrading {
				continue
			}
		}
		if strings.HasPrefix(name, http.TrailerPrefix) {
			w.lateTrailers = true
			continue
		}
		if slices.Contains(w.trailers, name) || !wire.ValidFieldName(name) {
			continue
		}
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		spelled := wire.SpelledName(name)
		for _, v := range w.header[name] {
			dst = appendField(dst, spelled, v)
		}
	}
	clear(names)
	w.c.s.names = names[:0]
	return dst
}

// appendField appends a field line. A control character in the value, which
// could end the line, becomes a space.
func appendField(dst []byte, name, value string) []byte {
	dst = append(dst, name...)
	dst = append(dst, ": "...)
	value = strings.Trim(value, " \t")
	at := len(dst)
	dst = append(dst, value...)
	if !wire.ValidFieldValue(value) {
		for i := at; i < len(dst); i++ {
			if b := dst[i]; b < ' ' && b != '\t' || b == 0x7f {
				dst[i] = ' '
			}
		}
	}
	return append(dst, "\r\n"...)
}

// appendTrailers renders the trailer fields: those announced in Trailer, and
// those whose key has http.TrailerPrefix.
func (w *response) appendTrailers(dst []byte) []byte {
	for _, name := range w.trailers {
		for _, v := range w.header[name] {
			dst = appendField(dst, name, v)
		}
	}
	var late []string
	for key := range w.header {
		if name, ok := strings.CutPrefix(key, http.TrailerPrefix); ok && trailerAllowed(wire.CanonicalName(name)) && wire.ValidFieldName(name) {
			late = append(late, name)
		}
	}
	slices.Sort(late)
	for _, name := range late {
		for _, v := range w.header[http.TrailerPrefix+name] {
			dst = appendField(dst, wire.CanonicalName(name), v)
		}
	}
	return dst
}

// setTrailer gives the request the trailers that came with its body.
func (w *response) setTrailer(fields []wire.Field) {
	for _, f := range fields {
		name := wire.CanonicalName(f.Name)
		if w.req.Trailer == nil {
			w.req.Trailer = make(http.Header)
		}
		w.req.Trailer[name] = append(w.req.Trailer[name], f.Value)
	}
}
