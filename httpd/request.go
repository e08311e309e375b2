package httpd

import (
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"unsafe"

	"freshet/internal/rule"
	"freshet/internal/wire"
)

// blank is copied for every request: it is the way to set a request's context
// without a second copy.
var blank http.Request

// keepHead copies the head's bytes and makes its strings views of the copy, so
// that they outlive the buffer.
func (c *conn) keepHead() {
	s := c.s
	raw := s.in[s.r : s.r+s.headLen]
	text := string(raw)
	base := uintptr(unsafe.Pointer(unsafe.SliceData(raw)))
	move := func(v string) string {
		at := uintptr(unsafe.Pointer(unsafe.StringData(v))) - base
		if len(v) == 0 || at >= uintptr(len(text)) {
			return v // empty, or a constant
		}
		return text[at : int(at)+len(v)]
	}
	h := &s.head
	h.Method, h.Target, h.Path, h.Query = move(h.Method), move(h.Target), move(h.Path), move(h.Query)
	h.Scheme, h.Host = move(h.Scheme), move(h.Host)
	for i := range h.Fields {
		f := &h.Fields[i]
		f.Name, f.Value = move(f.Name), move(f.Value)
	}
}

// fillRequest makes the handler's request from the head, whose strings were
// kept. Nothing of it is used again for another request.
func (c *conn) fillRequest(x *exchange) rule.ID {
	h := &c.s.head
	if !fillURL(&x.url, h) {
		return rule.BadTarget
	}
	if c.remote == "" {
		c.remote = c.tcp.RemoteAddr().String()
	}
	header := x.request.Header
	x.request = *blank.WithContext(&x.ctx)
	r := &x.request
	r.Method = h.Method
	r.URL = &x.url
	r.Proto, r.ProtoMajor, r.ProtoMinor = protoOf(h), int(h.Major), int(h.Minor)
	r.Header = requestHeader(header, h, x.values[:])
	r.ContentLength = h.ContentLength
	if h.Chunked {
		r.TransferEncoding = []string{"chunked"}
	}
	r.Close = h.Close
	r.Host = h.Host
	r.RequestURI = h.Target
	r.RemoteAddr = c.remote
	r.TLS = c.tls
	return 0
}

// requestHeader makes the map of the fields, or fills an empty one, with values
// as memory for them if they fit. As in net/http, Host is not in it, nor what describes the framing.
func requestHeader(header http.Header, h *wire.Head, values []string) http.Header {
	if header == nil {
		header = make(http.Header, len(h.Fields))
	}
	if len(h.Fields) > len(values) {
		values = make([]string, len(h.Fields))
	}
	for i := range h.Fields {
		f := &h.Fields[i]
		switch f.Known {
		case wire.Host, wire.TransferEncoding, wire.Trailer:
			continue
		}
		name := f.Known.String()
		if f.Known == wire.None {
			name = wire.CanonicalName(f.Name)
		}
		if had, ok := header[name]; ok {
			header[name] = append(had, f.Value)
			continue
		}
		values[0] = f.Value
		header[name] = values[:1:1]
		values = values[1:]
	}
	if pragmaNoCache(header) {
		header["Cache-Control"] = []string{"no-cache"}
	}
	return header
}

// pragmaNoCache is net/http's fix of RFC 9111 §5.4.
func pragmaNoCache(h http.Header) bool {
	p, ok := h["Pragma"]
	if !ok || len(p) == 0 || p[0] != "no-cache" {
		return false
	}
	_, has := h["Cache-Control"]
	return !has
}

// fillURL parses the target, which the parser has already found to be of one
// of the four forms.
func fillURL(u *url.URL, h *wire.Head) bool {
	switch {
	case h.Method == http.MethodConnect && !strings.HasPrefix(h.Target, "/"):
		u.Host = h.Target
	case h.Scheme == "" && plainPath(h.Path):
		u.Path, u.RawQuery = h.Path, h.Query
		u.ForceQuery = h.HasQuery && h.Query == ""
	default:
		parsed, err := url.ParseRequestURI(h.Target)
		if err != nil {
			return false
		}
		*u = *parsed
	}
	return true
}

// plainPath reports whether a path is its own decoded and its own encoded
// form, as most are.
func plainPath(p string) bool {
	for i := 0; i < len(p); i++ {
		b := p[i]
		switch {
		case 'a' <= b && b <= 'z', 'A' <= b && b <= 'Z', '0' <= b && b <= '9',
			b == '/', b == '.', b == '-', b == '_', b == '~':
		default:
			return false
		}
	}
	return true
}

// userOf returns the name from Basic credentials, for the access log.
func userOf(h *wire.Head) string {
	v := h.Get(wire.Authorization)
	if v == "" {
		return ""
	}
	r := http.Request{Header: http.Header{"Authorization": {v}}}
	name, _, _ := r.BasicAuth()
	return name
}

// parseRemote parses a request's RemoteAddr.
func parseRemote(s string) (netip.AddrPort, error) { return netip.ParseAddrPort(s) }
