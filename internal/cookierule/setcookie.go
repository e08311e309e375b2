package cookierule

import (
	"strconv"
	"strings"
	"time"

	"freshet/internal/field"
)

// Set is a line of Set-Cookie, read as browsers read it (RFC 6265bis §5.6): its
// bytes, and where in them things are.
type Set struct {
	Name        string // "" for a cookie that has none
	Domain      string // in lower case, without a dot in front; "" means the host itself
	Partitioned bool   // it asks for a jar of its own for each top-level site (CHIPS)

	// Secret prefixes that the browser checks: __Host- and __Secure-.
	HostPrefix, SecurePrefix bool

	line  string
	times []attribute // Max-Age and Expires, in their order

	maxAge, expires int // the last of each in times that can be read, which holds; -1: none
}

// attribute is Max-Age or Expires.
type attribute struct {
	from, to     int // the attribute, with the semicolon before it
	begins, ends int // its value
	date         bool
	void         bool  // it cannot be read, and means nothing
	value        int64 // seconds: a lifetime, or since 1970
}

// ParseSet reads a line of Set-Cookie.
func ParseSet(line string) *Set {
	s := &Set{line: line, maxAge: -1, expires: -1}
	pair, _, _ := strings.Cut(line, ";")
	s.Name = nameOf(pair)
	// Browsers look for the prefix in any case (RFC 6265bis §5.7).
	s.HostPrefix, s.SecurePrefix = hasPrefixFold(s.Name, "__Host-"), hasPrefixFold(s.Name, "__Secure-")
	for from := len(pair); from < len(line); {
		to := len(line)
		if i := strings.IndexByte(line[from+1:], ';'); i >= 0 {
			to = from + 1 + i
		}
		s.attribute(from, to)
		from = to
	}
	return s
}

// attribute takes one attribute, of which the semicolon stands at from.
func (s *Set) attribute(from, to int) {
	text := s.line[from+1 : to]
	name, value, given := strings.Cut(text, "=")
	begins := to - len(value)
	if !given {
		begins = to
	}
	trimmed := strings.TrimLeft(value, " \t")
	begins += len(value) - len(trimmed)
	value = strings.TrimRight(trimmed, " \t")
	a := attribute{from: from, to: to, begins: begins, ends: begins + len(value)}
	switch name = strings.Trim(name, " \t"); {
	case field.EqualFold(name, "Max-Age"):
		a.value, a.void = parseMaxAge(value)
		s.time(a, &s.maxAge)
	case field.EqualFold(name, "Expires"):
		a.date = true
		a.value, a.void = parseDate(value)
		s.time(a, &s.expires)
	case field.EqualFold(name, "Domain") && len(value) <= maxAttribute:
		s.Domain = strings.ToLower(strings.TrimPrefix(value, "."))
	case field.EqualFold(name, "Partitioned"):
		s.Partitioned = true
	}
}

// maxAttribute is how long a value can be that browsers look at, in bytes (RFC
// 6265bis §5.6).
const maxAttribute = 1024

// time takes Max-Age or Expires; last is where the place of those goes that count.
func (s *Set) time(a attribute, last *int) {
	if !a.void && a.ends-a.begins <= maxAttribute {
		*last = len(s.times)
	}
	s.times = append(s.times, a)
}

// longest is a lifetime beyond all others, in seconds.
const longest = int64(1) << 40

// parseMaxAge reads digits, with a minus before them at most (RFC 6265bis
// §5.6.2). What does not fit into a number is as long, or as short, as can be.
func parseMaxAge(s string) (seconds int64, void bool) {
	digits := strings.TrimPrefix(s, "-")
	if !onlyDigits(digits) {
		return 0, true
	}
	n, err := strconv.ParseInt(s, 10, 64)
	switch {
	case err != nil && s[0] == '-':
		return -longest, false
	case err != nil:
		return longest, false
	}
	return max(-longest, min(n, longest)), false
}

// Line returns the line as it was read.
func (s *Set) Line() string { return s.line }

// Life returns how long the cookie is to be kept, from now on. A session cookie
// has none: it is kept until the browser ends, or longer, as browsers restore
// sessions.
func (s *Set) Life(now time.Time) (life time.Duration, session bool) {
	var seconds int64
	switch {
	case s.maxAge >= 0: // RFC 6265bis §5.7: it goes before Expires
		seconds = s.times[s.maxAge].value
	case s.expires >= 0:
		seconds = s.times[s.expires].value - now.Unix()
	default:
		return 0, true
	}
	return time.Duration(max(-mostSeconds, min(seconds, mostSeconds))) * time.Second, false
}

// mostSeconds is what a time.Duration can hold, and some less.
const mostSeconds = int64(9e9)

// deletes reports whether the line takes a cookie away, by whatever clock the
// browser has: it has expired for a day.
func (s *Set) deletes(now time.Time) bool {
	if s.maxAge >= 0 {
		return s.times[s.maxAge].value <= 0
	}
	return s.expires >= 0 && s.times[s.expires].value <= now.Unix()-24*60*60
}

// nameOf returns the name in a pair of a cookie. A pair without "=" is a value
// without a name (RFC 6265bis §5.6).
func nameOf(pair string) string {
	name, _, named := strings.Cut(pair, "=")
	if !named {
		return ""
	}
	return strings.Trim(name, " \t")
}

func hasPrefixFold(s, prefix string) bool {
	return len(s) >= len(prefix) && field.EqualFold(s[:len(prefix)], prefix)
}
