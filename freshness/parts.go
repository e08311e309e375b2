package freshness

import (
	"strings"

	"freshet/internal/field"
)

// ParseContentRange reads the value of Content-Range in a 206 (RFC 9110 §14.4):
// the first and the last byte, and the size of the representation, -1 when it is
// not known. It is ok only for one range of bytes that can exist.
func ParseContentRange(s string) (first, last, size int64, ok bool) {
	unit, rest, _ := strings.Cut(s, " ")
	span, total, sized := strings.Cut(rest, "/")
	from, to, ranged := strings.Cut(span, "-")
	if !field.EqualFold(unit, "bytes") || !sized || !ranged {
		return 0, 0, 0, false
	}
	first, ok1 := byteCount(from)
	last, ok2 := byteCount(to)
	size, ok3 := byteCount(total)
	if total == "*" {
		size, ok3 = -1, true
	}
	if !ok1 || !ok2 || !ok3 || last < first || size >= 0 && last >= size {
		return 0, 0, 0, false
	}
	return first, last, size, true
}

// byteCount reads digits that fit.
func byteCount(s string) (n int64, ok bool) {
	if s == "" || len(s) > len("9223372036854775807") {
		return 0, false
	}
	for i := range len(s) {
		c := s[i] - '0'
		if c > 9 {
			return 0, false
		}
		if n = n*10 + int64(c); n < 0 {
			return 0, false
		}
	}
	return n, true
}

// fits reports whether a 206 has one range, of as many bytes as its length says.
func fits(r Fields) bool {
	lines := r["Content-Range"]
	if len(lines) != 1 {
		return false
	}
	first, last, _, ok := ParseContentRange(lines[0])
	if !ok {
		return false
	}
	for _, line := range r["Content-Length"] {
		if n, ok := byteCount(line); !ok || n-1 != last-first {
			return false
		}
	}
	return true
}

// StrongTag returns the strong entity-tag of a response with its quotes, "" if
// it has none.
func StrongTag(r Fields) string {
	if tag := entityTag(r); !strings.HasPrefix(tag, "W/") {
		return tag
	}
	return ""
}

// enoughApart is how many seconds Date must be after Last-Modified, so that no
// clock is off by as much and nothing could be modified twice in between.
const enoughApart = 60

// SameRepresentation reports whether two responses have the same strong
// validator, so that parts of them may be joined (RFC 9111 §3.4): equal strong
// entity-tags, or, when one has no entity-tag at all, equal Last-Modified that
// are strong (RFC 9110 §8.8.2.2) because each response was generated at least a
// minute later.
func SameRepresentation(a, b Fields) bool {
	if len(a["Etag"]) > 0 && len(b["Etag"]) > 0 {
		tag := StrongTag(a)
		return tag != "" && tag == StrongTag(b)
	}
	am, aok := strongModified(a)
	bm, bok := strongModified(b)
	return aok && bok && am == bm
}

// strongModified returns Last-Modified, in seconds, if it is a strong validator.
func strongModified(r Fields) (int64, bool) {
	modified, ok := field.ParseDateFold(lastModified(r), 0)
	if !ok || len(r["Date"]) == 0 {
		return 0, false
	}
	date, ok := field.ParseDateFold(r["Date"][0], 0)
	return modified, ok && date-modified >= enoughApart
}
