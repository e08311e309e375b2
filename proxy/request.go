package proxy

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"freshet/internal/rule"
	"freshet/internal/wire"
)

// badRequest checks what will be written to an origin, whoever parsed it. It
// returns the rule that is broken, or 0.
func badRequest(r *http.Request) rule.ID {
	switch {
	case !wire.ValidMethod(r.Method):
		return rule.BadMethod
	case !wire.ValidTarget(r.Method, r.URL.RequestURI()):
		return rule.BadTarget
	case !wire.ValidHost(r.Host):
		return rule.HostInvalid
	}
	return wire.CheckFields(r.Header)
}

// header makes the fields that every origin gets.
func (h *Handler) header(r *http.Request, upgrade string) http.Header {
	out := make(http.Header, len(r.Header)+8)
	for name, values := range r.Header {
		// Whoever filled the map: what is removed below is looked for in one
		// spelling.
		if name = wire.CanonicalName(name); out[name] != nil {
			values = append(slices.Clip(out[name]), values...)
		}
		out[name] = slices.Clip(values)
	}
	trailers := wantsTrailers(out)
	removeHop(out)
	removeOwn(out)
	delete(out, "Content-Length") // the transport's to write
	delete(out, "Host")
	if trailers {
		out["Te"] = valueTrailers
		out["Connection"] = valueTE
	}
	if upgrade != "" {
		out["Upgrade"] = []string{upgrade}
		addElement(out, "Connection", valueUpgrade)
	}
	if r.ContentLength == 0 || !r.ProtoAtLeast(1, 1) {
		delete(out, "Expect") // RFC 9110 §10.1.1: nothing to wait for, or not understood
	}
	if _, ok := out["User-Agent"]; !ok {
		out["User-Agent"] = nil // the transport must not add its own
	}
	if n, ok := maxForwards(r); ok {
		out["Max-Forwards"] = []string{strconv.FormatUint(n-1, 10)}
	}
	addElement(out, "Via", h.via(r.ProtoMajor, r.ProtoMinor))
	if !h.o.Forward { // else the client is none of the server's business
		h.setForwarded(out, r)
		addElement(out, "Cdn-Loop", h.name)
	}
	return out
}

// Values of fields that many requests share; nobody writes to them.
var (
	valueTrailers = []string{"trailers"}
	valueTE       = []string{"TE"}
	valueUpgrade  = []string{"Upgrade"}
	valueHTTP     = []string{"http"}
	valueHTTPS    = []string{"https"}
)

// hostFor returns what the origin gets as Host.
func (h *Handler) hostFor(o *origin, r *http.Request) string {
	switch h.o.Host {
	case HostClient:
		if r.Host != "" {
			return r.Host
		}
	case HostFixed:
		return h.o.HostName
	}
	return o.host
}

// urlFor returns the URL of the request at the origin: the client's path and
// query, byte for byte, behind the origin's prefix.
func (o *origin) urlFor(r *http.Request) *url.URL {
	u := &url.URL{
		Scheme: o.scheme, Host: o.addr,
		Path: r.URL.Path, RawPath: r.URL.RawPath,
		RawQuery: r.URL.RawQuery, ForceQuery: r.URL.ForceQuery,
	}
	if o.prefix != "" && u.Path != "*" {
		if u.RawPath != "" || o.rawPre != o.prefix {
			u.RawPath = o.rawPre + r.URL.EscapedPath()
		}
		u.Path = o.prefix + u.Path
	}
	return u
}

// leavesPrefix reports whether the path has a segment "..", by which the
// origin would resolve it to something outside of the prefix.
func leavesPrefix(u *url.URL) bool {
	for segment := range strings.FieldsFuncSeq(u.Path, func(c rune) bool { return c == '/' || c == '\\' }) {
		name, _, _ := strings.Cut(segment, ";") // some origins take parameters off
		if name == ".." {
			return true
		}
	}
	return false
}

// traceOf renders a request as TRACE returns it, without what is secret
// (RFC 9110 §9.3.8).
func traceOf(r *http.Request) []byte {
	b := append([]byte(nil), r.Method+" "+r.URL.RequestURI()+" "+r.Proto+"\r\n"...)
	b = append(b, "Host: "+r.Host+"\r\n"...)
	names := make([]string, 0, len(r.Header))
	for name := range r.Header {
		switch name {
		case "Authorization", "Cookie", "Proxy-Authorization":
			continue
		}
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		for _, v := range r.Header[name] {
			b = append(b, wire.SpelledName(name)+": "+v+"\r\n"...)
		}
	}
	return append(b, "\r\n"...)
}
