package httpd

import (
	"context"
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

// request makes the handler's request from the head, whose strings were kept.
// Nothing of it is used again for another request: a handler may keep it.
func (c *conn) request(ctx context.Context) (*http.Request, rule.ID) {
	h := &c.s.head
	u, ok := requestURL(h)
	if !ok {
		return nil, rule.BadTarget
	}
	r := blank.WithContext(ctx)
	r.Method = h.Method
	r.URL = u
	r.Proto, r.ProtoMajor, r.ProtoMinor = protoOf(h), int(h.Major), int(h.Minor)
	r.Header = requestHeader(h)
	r.ContentLength = h.ContentLength
	if h.Chunked {
		r.TransferEncoding = []string{"chunked"}
	}
	r.Close = h.Close
	r.Host = h.Host
	r.RequestURI = h.Target
	if c.remote == "" {
		c.remote = c.tcp.RemoteAddr().String()
	}
	r.RemoteAddr = c.remote
	r.TLS = c.tls
	return r, 0
}

// requestHeader makes the map of the fields. As in net/http, Host is not in
// it, nor what describes the framing.
func requestHeader(h *wire.Head) http.Header {
	header := make(http.Header, len(h.Fields))
	values := make([]string, len(h.Fields))
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

// requestURL parses the target, which the parser has already found to be of
// one of the four forms.
func requestURL(h *wire.Head) (*url.URL, bool) {
	if h.Method == http.MethodConnect && !strings.HasPrefix(h.Target, "/") {
		return &url.URL{Host: h.Target}, true
	}
	if h.Scheme == "" && plainPath(h.Path) {
		return &url.URL{Path: h.Path, RawQuery: h.Query, ForceQuery: h.HasQuery && h.Query == ""}, true
	}
	u, err := url.ParseRequestURI(h.Target)
	return u, err == nil
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
