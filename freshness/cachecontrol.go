package freshness

import (
	"strings"

	"freshet/internal/field"
	"freshet/internal/wire"
)

// absent marks a directive with a time that was not sent.
const absent = -1

// policy is what the fields of a response say about caching, from
// Cache-Control or a targeted field.
type policy struct {
	targeted bool // it is from a targeted field, so Expires means nothing

	noStore, noCache, private, public, mustUnderstand, immutable bool
	mustRevalidate, proxyRevalidate                              bool

	// Nanoseconds, or absent. What is not a number is 0: stale (RFC 9111
	// §4.2.1).
	maxAge, sMaxAge, whileRevalidate, ifError int64

	// The arguments of the qualified forms of no-cache and private, canonical.
	noCacheFields, privateFields []string
}

func noPolicy() policy {
	return policy{maxAge: absent, sMaxAge: absent, whileRevalidate: absent, ifError: absent}
}

// parseCacheControl reads the lines of Cache-Control, which are one list
// (RFC 9111 §5.2). It is as forgiving as caches must be:
//
//   - Names are matched without regard to case; unknown directives are ignored.
//   - Arguments may be tokens or quoted strings, whatever the directive.
//   - Of a directive with a time that stands twice the first counts (RFC 9111
//     §4.2.1); of those that forbid something each counts.
//   - A time that is not all digits is 0; one that is too large is 2^31 seconds.
//   - no-cache and private with an argument that is not a list of field names,
//     or that names a field which caching itself depends on, are taken for the
//     unqualified form, which forbids more.
func parseCacheControl(lines []string) policy {
	p := noPolicy()
	for elem := range field.Elements(lines) {
		name, arg, has := strings.Cut(elem, "=")
		if has {
			arg = unquote(arg)
		}
		p.set(name, arg, has)
	}
	return p
}

// set takes one directive.
func (p *policy) set(name, arg string, has bool) {
	switch {
	case is(name, "max-age"):
		setTime(&p.maxAge, arg)
	case is(name, "s-maxage"):
		setTime(&p.sMaxAge, arg)
	case is(name, "stale-while-revalidate"):
		setTime(&p.whileRevalidate, arg)
	case is(name, "stale-if-error"):
		setTime(&p.ifError, arg)
	case is(name, "no-cache"):
		qualify(&p.noCache, &p.noCacheFields, arg, has)
	case is(name, "private"):
		qualify(&p.private, &p.privateFields, arg, has)
	case is(name, "no-store"):
		p.noStore = true
	case is(name, "public"):
		p.public = true
	case is(name, "must-revalidate"):
		p.mustRevalidate = true
	case is(name, "proxy-revalidate"):
		p.proxyRevalidate = true
	case is(name, "must-understand"):
		p.mustUnderstand = true
	case is(name, "immutable"):
		p.immutable = true
	}
}

// is compares the names of directives.
func is(name, known string) bool { return field.EqualFold(name, known) }

// setTime keeps the first of several values.
func setTime(t *int64, arg string) {
	if *t == absent {
		*t, _ = deltaSeconds(arg)
	}
}

// qualify takes no-cache or private, with the fields that it is limited to.
func qualify(all *bool, fields *[]string, arg string, has bool) {
	names, ok := fieldNames(arg)
	if !has || !ok {
		*all = true
		return
	}
	*fields = append(*fields, names...)
}

// fieldNames splits the argument of a qualified directive. It is not ok when
// the rest of the response could not be cached by the rules without the fields.
func fieldNames(list string) (names []string, ok bool) {
	for {
		elem, rest, more := field.NextElement(list)
		if !more {
			return names, len(names) > 0
		}
		list = rest
		if !field.IsToken(elem) {
			return nil, false
		}
		name := wire.CanonicalName(elem)
		if governs(name) {
			return nil, false
		}
		names = append(names, name)
	}
}

// governs reports whether caching depends on a field.
func governs(name string) bool {
	switch name {
	case "Age", "Cache-Control", "Content-Encoding", "Content-Length", "Content-Range", "Date", "Etag", "Expires", "Last-Modified", "Vary":
		return true
	}
	return strings.HasSuffix(name, "-Cache-Control")
}

// deltaSeconds reads a number of seconds as nanoseconds (RFC 9111 §1.2.2).
// What is not all digits is 0 and not ok.
func deltaSeconds(s string) (int64, bool) {
	n := int64(0)
	for i := range len(s) {
		c := s[i] - '0'
		if c > 9 {
			return 0, false
		}
		n = min(n*10+int64(c), maxSeconds)
	}
	return n * second, s != ""
}

// unquote returns the content of a quoted string; what is none it returns as it
// is. Only the rare argument with a backslash is copied.
func unquote(s string) string {
	if len(s) < 2 || s[0] != '"' || s[len(s)-1] != '"' {
		return s
	}
	s = s[1 : len(s)-1]
	if strings.IndexByte(s, '\\') < 0 {
		return s
	}
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) {
			i++
		}
		b = append(b, s[i])
	}
	return string(b)
}
