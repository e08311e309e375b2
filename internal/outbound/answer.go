package outbound

import (
	"net/http"
	"strconv"
	"strings"

	"freshet/internal/field"
	"freshet/internal/rule"
	"freshet/internal/wire"
)

// answer is what an answer is made of, in one piece of memory.
type answer struct {
	resp   http.Response
	body   body
	coding [1]string
}

// answer makes the response of the head that was read, which has n octets. sent
// is false when the origin answered before the request's body was begun.
func (c *conn) answer(req *http.Request, n int, sent bool) (*http.Response, *Error) {
	h := &c.s.head
	a := &answer{}
	r := &a.resp
	r.Request, r.TLS = req, c.state
	r.StatusCode = h.Status
	r.Proto, r.ProtoMajor, r.ProtoMinor = proto(h.Minor), int(h.Major), int(h.Minor)
	r.Status, r.Header = c.s.makeHeader()
	r.Close = h.Close
	c.r += n

	framing := h.Framing(req.Method)
	whole := sent && !h.Close && !closes(req)
	switch framing {
	case wire.NoBody:
		r.Body = http.NoBody
		if req.Method == "HEAD" {
			r.ContentLength = h.ContentLength
		}
		c.end(whole)
		return r, nil
	case wire.Tunnel:
		if !sent || c.sending != nil && !c.sending.sent() {
			failed := c.fault(rule.ResponseUpgrade)
			c.end(false)
			return nil, failed
		}
		r.ContentLength = -1
		r.Body = c.tunnel()
		return r, nil
	case wire.ChunkedBody:
		a.coding[0] = "chunked"
		r.TransferEncoding = a.coding[:]
		if h.Has(wire.Trailer) {
			r.Trailer = announced(h)
		}
		a.body.in.Chunks.Limits = &c.t.limits
		r.ContentLength = -1
	case wire.SizedBody:
		r.ContentLength = h.ContentLength
	case wire.BodyToClose:
		whole = false
		r.Close = true
		r.ContentLength = -1
	}
	b := &a.body
	b.c, b.resp, b.whole = c, r, whole
	b.in.Framing, b.in.Left = framing, r.ContentLength
	r.Body = b
	return r, nil
}

// closes reports whether a request asks for the connection to be closed.
func closes(req *http.Request) bool {
	if req.Close {
		return true
	}
	for _, v := range req.Header["Connection"] {
		if field.HasToken(v, "close") {
			return true
		}
	}
	return false
}

func proto(minor uint8) string {
	switch minor {
	case 1:
		return "HTTP/1.1"
	case 0:
		return "HTTP/1.0"
	}
	return "HTTP/1." + strconv.Itoa(int(minor))
}

// makeHeader makes the status and header of the head that was read, in memory
// of their own: all texts share one string, and all values one array.
// Transfer-Encoding and Trailer are left out, and Content-Length is one number.
func (s *scratch) makeHeader() (status string, header http.Header) {
	h := &s.head
	// The texts, one behind the other; the second loop follows the first.
	out := strconv.AppendInt(s.out[:0], int64(h.Status), 10)
	out = append(append(out, ' '), h.Reason...)
	statusBytes := len(out)
	for i := range h.Fields {
		f := &h.Fields[i]
		switch f.Known {
		case wire.TransferEncoding, wire.Trailer, wire.ContentLength:
			continue
		case wire.None:
			out = wire.AppendCanonicalName(out, f.Name)
		}
		out = append(out, f.Value...)
	}
	end := len(out)
	if h.ContentLength >= 0 {
		out = strconv.AppendInt(out, h.ContentLength, 10)
	}
	s.out = out
	text := string(out)

	values := make([]string, 0, len(h.Fields))
	header = make(http.Header, len(h.Fields))
	add := func(name, value string) {
		if vs, ok := header[name]; ok {
			header[name] = append(vs, value)
			return
		}
		values = append(values, value)
		n := len(values)
		header[name] = values[n-1 : n : n]
	}
	status, at := text[:statusBytes], statusBytes
	for i := range h.Fields {
		f := &h.Fields[i]
		name := f.Known.String()
		switch f.Known {
		case wire.TransferEncoding, wire.Trailer, wire.ContentLength:
			continue
		case wire.None:
			name = text[at : at+len(f.Name)]
			at += len(f.Name)
		}
		add(name, text[at:at+len(f.Value)])
		at += len(f.Value)
	}
	if h.ContentLength >= 0 {
		add("Content-Length", text[end:])
	}
	return status, header
}

// announced returns the trailer with the names that Trailer lists and no
// values yet, as net/http does.
func announced(h *wire.ResponseHead) http.Header {
	trailer := http.Header{}
	for _, f := range h.Fields {
		if f.Known != wire.Trailer {
			continue
		}
		for elem, rest, ok := field.NextElement(f.Value); ok; elem, rest, ok = field.NextElement(rest) {
			if wire.ValidFieldName(elem) {
				trailer[wire.CanonicalName(strings.Clone(elem))] = nil
			}
		}
	}
	return trailer
}
