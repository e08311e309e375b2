package check

import (
	"net"
	"strings"
)

// A setCookie is one line of Set-Cookie, as browsers read it (RFC 6265bis §5.6).
type setCookie struct {
	name, value string
	nameless    bool // there is no "=" behind a name
	attrs       []cookieAttr
}

// A cookieAttr is an attribute of a cookie.
type cookieAttr struct {
	name     string // in lower case
	spelled  string
	value    string
	hasValue bool
}

// The limits that browsers have for cookies (RFC 6265bis §5.6).
const (
	maxCookieBytes     = 4096 // of name and value
	maxCookieAttrBytes = 1024 // of the value of an attribute
)

// parseSetCookie reads one line. Nothing is refused.
func parseSetCookie(line string) setCookie {
	pair, rest, more := strings.Cut(line, ";")
	var c setCookie
	name, value, ok := strings.Cut(pair, "=")
	if !ok {
		name, value = "", pair
	}
	c.name, c.value = trimSpace(name), trimSpace(value)
	c.nameless = c.name == ""
	for more {
		var part string
		part, rest, more = strings.Cut(rest, ";")
		var a cookieAttr
		a.spelled, a.value, a.hasValue = strings.Cut(part, "=")
		a.spelled, a.value = trimSpace(a.spelled), trimSpace(a.value)
		a.name = strings.ToLower(a.spelled)
		if a.name != "" || a.hasValue {
			c.attrs = append(c.attrs, a)
		}
	}
	return c
}

func trimSpace(s string) string { return strings.Trim(s, " \t") }

// attr returns the last attribute of a name, which is the one that counts, nil
// if there is none. One that is too long is as none.
func (c *setCookie) attr(name string) *cookieAttr {
	for i := len(c.attrs) - 1; i >= 0; i-- {
		if c.attrs[i].name == name && len(c.attrs[i].value) <= maxCookieAttrBytes {
			return &c.attrs[i]
		}
	}
	return nil
}

func (c *setCookie) has(name string) bool { return c.attr(name) != nil }

// text returns the value of an attribute, "" if there is none.
func (c *setCookie) text(name string) string {
	if a := c.attr(name); a != nil {
		return a.value
	}
	return ""
}

// sameSite returns strict, lax, none, or "" for what browsers take as not said.
func (c *setCookie) sameSite() string {
	switch s := strings.ToLower(c.text("samesite")); s {
	case "strict", "lax", "none":
		return s
	}
	return ""
}

// domain returns the Domain that counts, in lower case and without a leading
// dot; "" for a cookie of the host alone.
func (c *setCookie) domain() string {
	return strings.ToLower(strings.TrimPrefix(c.text("domain"), "."))
}

// path returns the Path that counts for an answer from a path (RFC 6265bis
// §5.1.4).
func (c *setCookie) path(from string) string {
	if p := c.text("path"); strings.HasPrefix(p, "/") {
		return p
	}
	i := strings.LastIndexByte(from, '/')
	if i <= 0 {
		return "/"
	}
	return from[:i]
}

// maxAge reads Max-Age. It is ok when it is there and a number.
func (c *setCookie) maxAge() (seconds int64, ok bool) {
	s := c.text("max-age")
	digits, negative := strings.CutPrefix(s, "-")
	n, ok := parseNumber(digits)
	if negative {
		n = -n
	}
	return n, ok
}

// expires reads Expires.
func (c *setCookie) expires() (unix int64, ok bool) { return parseCookieDate(c.text("expires")) }

// lifetime returns for how long the cookie is kept from now on, and whether it
// outlives the session at all.
func (c *setCookie) lifetime(now int64) (seconds int64, persistent bool) {
	if n, ok := c.maxAge(); ok {
		return n, true
	}
	at, ok := c.expires()
	return at - now, ok
}

// deletes reports whether the cookie is sent to delete what is stored.
func (c *setCookie) deletes(now int64) bool {
	seconds, persistent := c.lifetime(now)
	return persistent && seconds <= 0
}

// label is the name for a finding. Values are not shown: they can be secrets.
func (c *setCookie) label() string {
	if c.nameless {
		return "the cookie without a name"
	}
	return c.name
}

// domainMatches reports whether a host lies in a domain (RFC 6265bis §5.1.3).
func domainMatches(host, domain string) bool {
	host = strings.ToLower(host)
	if host == domain {
		return true
	}
	return strings.HasSuffix(host, "."+domain) && net.ParseIP(host) == nil
}

// pathMatches reports whether a cookie's path covers one of a request (RFC
// 6265bis §5.1.4).
func pathMatches(request, path string) bool {
	if request == "" {
		request = "/"
	}
	if !strings.HasPrefix(request, path) {
		return false
	}
	return len(request) == len(path) || strings.HasSuffix(path, "/") || request[len(path)] == '/'
}

// cookies are those that the answer sets, in their order.
func (s *subject) cookies() []setCookie {
	lines := s.lines("Set-Cookie")
	all := make([]setCookie, 0, len(lines))
	for _, line := range lines {
		all = append(all, parseSetCookie(line))
	}
	return all
}

// perCookie makes a finder of a judgement on one cookie. What judge returns
// stands behind the cookie's name; "" is enough when bad says all.
func perCookie(judge func(x *subject, c *setCookie) (detail string, bad bool)) func(*subject, func(where, detail string)) {
	return func(x *subject, report func(where, detail string)) {
		for _, c := range x.cookies() {
			detail, bad := judge(x, &c)
			if !bad {
				continue
			}
			if detail != "" {
				detail = ": " + detail
			}
			report(of("Set-Cookie"), c.label()+detail)
		}
	}
}
