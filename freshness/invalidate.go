package freshness

import (
	"net/url"
	"slices"
	"strings"
)

// SafeMethod reports whether a method is registered as safe (RFC 9110 §9.2.1):
// requests with it change nothing. Methods that are not known are not safe.
func SafeMethod(method string) bool {
	switch method {
	case "GET", "HEAD", "OPTIONS", "PROPFIND", "QUERY", "REPORT", "SEARCH", "TRACE":
		return true
	}
	return false
}

// Invalidates returns the URIs whose stored responses the answer to an unsafe
// request makes invalid (RFC 9111 §4.4): that of the request, as it is, and those
// of Location and Content-Location if they have the same origin, absolute, with
// the origin as the request spells it, and without a fragment. Safe methods and answers that are errors invalidate
// nothing.
func Invalidates(q *Request, status int, r Fields) []string {
	if SafeMethod(q.Method) || status < 200 || status > 399 {
		return nil
	}
	uris := []string{q.URL}
	base, err := url.Parse(q.URL)
	if err != nil {
		return uris
	}
	for _, name := range [2]string{"Location", "Content-Location"} {
		for _, ref := range r[name] {
			u := resolve(base, ref)
			if u == nil || !sameOrigin(base, u) {
				continue
			}
			// One spelling of the origin, so that one key is made of it.
			u.Host = base.Host
			if u.Path == "" {
				u.Path = "/"
			}
			if s := u.String(); !slices.Contains(uris, s) {
				uris = append(uris, s)
			}
		}
	}
	return uris
}

// resolve makes a reference absolute; nil when it is malformed.
func resolve(base *url.URL, ref string) *url.URL {
	u, err := base.Parse(ref)
	if err != nil {
		return nil
	}
	u.User, u.Fragment, u.RawFragment = nil, "", ""
	return u
}

// sameOrigin compares scheme, host and port (RFC 9110 §4.3.1).
func sameOrigin(a, b *url.URL) bool {
	return a.Host != "" && a.Scheme == b.Scheme && strings.EqualFold(a.Hostname(), b.Hostname()) && port(a) == port(b)
}

// port returns the port of a URI, that of its scheme if it states none.
func port(u *url.URL) string {
	switch p := u.Port(); {
	case p != "":
		return p
	case u.Scheme == "https":
		return "443"
	case u.Scheme == "http":
		return "80"
	}
	return ""
}

// locatesItself reports whether Content-Location is the URI of the request (RFC
// 9110 §9.3.3).
func locatesItself(uri string, r Fields) bool {
	lines := r["Content-Location"]
	if len(lines) != 1 {
		return false
	}
	base, err := url.Parse(uri)
	if err != nil {
		return false
	}
	u := resolve(base, lines[0])
	return u != nil && sameOrigin(base, u) && pathOf(u) == pathOf(base) && u.RawQuery == base.RawQuery
}

func pathOf(u *url.URL) string {
	if p := u.EscapedPath(); p != "" {
		return p
	}
	return "/"
}
