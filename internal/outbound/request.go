package outbound

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"freshet/internal/field"
	"freshet/internal/wire"
)

// bodyPlan says how the body of a request goes.
type bodyPlan struct {
	length  int64 // -1: in chunks
	expects bool  // it waits for 100 (Continue)
}

// planBody decides how the body of req goes.
func planBody(req *http.Request) bodyPlan {
	if !hasBody(req) {
		return bodyPlan{}
	}
	length := req.ContentLength
	if length <= 0 || len(req.Trailer) > 0 {
		length = -1
	}
	return bodyPlan{length, field.EqualFold(req.Header.Get("Expect"), "100-continue")}
}

// appendHead renders the head of a request: Host first, then the fields of
// Header sorted by name, then what frames the body.
// To a parent that forwards it, via, it goes in absolute form.
func (s *scratch) appendHead(dst []byte, req *http.Request, plan bodyPlan, via *Parent) ([]byte, error) {
	dst, err := appendRequestLine(dst, req, via != nil)
	if err != nil {
		return dst, err
	}
	login := via != nil && via.basic != ""
	if login {
		dst = append(append(append(dst, "Proxy-Authorization: "...), via.basic...), "\r\n"...)
	}
	names := s.names[:0]
	for name := range req.Header {
		switch name {
		case "Host", "Content-Length", "Transfer-Encoding", "Trailer":
			continue
		}
		names = append(names, name)
	}
	slices.Sort(names)
	s.names = names
	for _, name := range names {
		switch wire.LookupKnown(name) {
		case wire.Host, wire.ContentLength, wire.TransferEncoding, wire.Trailer:
			continue // in a spelling that is not canonical
		}
		if login && field.EqualFold(name, "Proxy-Authorization") {
			continue
		}
		if dst, err = appendField(dst, name, req.Header[name]); err != nil {
			return dst, err
		}
	}
	clear(names)
	if req.Close && !slices.ContainsFunc(req.Header["Connection"], func(v string) bool { return field.HasToken(v, "close") }) {
		dst = append(dst, "Connection: close\r\n"...)
	}
	if dst, err = appendFraming(dst, req, plan); err != nil {
		return dst, err
	}
	return append(dst, "\r\n"...), nil
}

// appendRequestLine appends the request line and Host.
func appendRequestLine(dst []byte, req *http.Request, absolute bool) ([]byte, error) {
	method := req.Method
	if method == "" {
		method = "GET"
	}
	host := req.Host
	if host == "" {
		host = req.URL.Host
	}
	if !wire.ValidHost(host) {
		return dst, errHost
	}
	dst = append(append(dst, method...), ' ')
	at := len(dst)
	if absolute {
		dst = appendAbsolute(dst, method, host, req.URL)
	} else {
		dst = appendTarget(dst, method, host, req.URL)
	}
	if !wire.ValidTargetBytes(method, dst[at:]) {
		return dst, errTarget
	}
	dst = append(dst, " HTTP/1.1\r\nHost: "...)
	return append(append(dst, host...), "\r\n"...), nil
}

// appendTarget appends the request target: in origin form, but for CONNECT, and
// for a URL that has Opaque, which is sent as it is.
func appendTarget(dst []byte, method, host string, u *url.URL) []byte {
	switch {
	case u.Opaque != "":
		return append(dst, u.RequestURI()...)
	case method == "CONNECT" && u.Path == "":
		return append(dst, host...)
	}
	path := u.EscapedPath()
	if path == "" {
		path = "/"
	}
	dst = append(dst, path...)
	if u.ForceQuery || u.RawQuery != "" {
		dst = append(append(dst, '?'), u.RawQuery...)
	}
	return dst
}

// appendAbsolute appends the request target in absolute form, but where that of
// appendTarget is none that has an origin. The authority is that of the URL:
// it says where the request goes, as the address does without a parent.
func appendAbsolute(dst []byte, method, host string, u *url.URL) []byte {
	at := len(dst)
	dst = appendTarget(dst, method, host, u)
	switch {
	case string(dst[at:]) == "*": // RFC 9112 §3.2.4
		dst = dst[:at]
	case len(dst) == at || dst[at] != '/':
		return dst
	}
	target := string(dst[at:])
	dst = append(append(dst[:at], "http://"...), u.Host...)
	return append(dst, target...)
}

// appendField appends a line for each value.
func appendField(dst []byte, name string, values []string) ([]byte, error) {
	if !wire.ValidFieldName(name) {
		return dst, errField
	}
	name = wire.SpelledName(name)
	for _, v := range values {
		v = strings.Trim(v, " \t")
		if !wire.ValidFieldValue(v) {
			return dst, errField
		}
		dst = append(append(append(dst, name...), ": "...), v...)
		dst = append(dst, "\r\n"...)
	}
	return dst, nil
}

// appendFraming appends the fields that frame the body.
func appendFraming(dst []byte, req *http.Request, plan bodyPlan) ([]byte, error) {
	switch {
	case plan.length > 0:
		dst = append(dst, "Content-Length: "...)
		dst = strconv.AppendInt(dst, plan.length, 10)
		return append(dst, "\r\n"...), nil
	case plan.length == 0:
		// RFC 9110 §8.6: of methods that have a body, even none is announced.
		switch req.Method {
		case "POST", "PUT", "PATCH":
			dst = append(dst, "Content-Length: 0\r\n"...)
		}
		return dst, nil
	}
	dst = append(dst, "Transfer-Encoding: chunked\r\n"...)
	if len(req.Trailer) == 0 {
		return dst, nil
	}
	dst = append(dst, "Trailer: "...)
	for i, name := range trailerNames(req.Trailer) {
		if !wire.ValidFieldName(name) {
			return dst, errField
		}
		if i > 0 {
			dst = append(dst, ", "...)
		}
		dst = append(dst, wire.SpelledName(name)...)
	}
	return append(dst, "\r\n"...), nil
}

// trailerNames returns the names of trailer fields in order, without those that
// frame or route a message (RFC 9110 §6.5.1).
func trailerNames(trailer http.Header) []string {
	names := make([]string, 0, len(trailer))
	for name := range trailer {
		switch wire.LookupKnown(name) {
		case wire.Host, wire.ContentLength, wire.TransferEncoding, wire.Trailer:
			continue
		}
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
