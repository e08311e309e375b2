package static

import (
	"strings"

	"freshet/internal/rule"
)

const (
	maxSegment = 255  // bytes of one name: NAME_MAX of the usual file systems
	maxPath    = 4095 // bytes of a path: PATH_MAX without its NUL
)

// decodePath turns the path of a request target, still percent-encoded, into
// a name below the root: decoded segments joined by slashes, "" for the root
// itself. dir reports whether the path ends in a slash, and so names a folder.
//
//	/a/b.css → "a/b.css"    /a/ → "a", dir    / → "", dir    /a//./b/../c → "a/c"
//
// Empty and dot segments are removed (RFC 3986 §5.2.4); a path that climbs
// above the root is refused, and so is one in which a separator, a NUL or a
// broken encoding hides: what such a path means depends on who decodes it.
func decodePath(raw string) (name string, dir bool, broken rule.ID) {
	raw = strings.TrimPrefix(raw, "/")
	if plain(raw) {
		name, dir = strings.CutSuffix(raw, "/")
		return name, dir || raw == "", tooLong(name)
	}
	var segments []string
	for more := true; more; {
		var segment string
		segment, raw, more = strings.Cut(raw, "/")
		segment, ok := unescape(segment)
		if !ok {
			return "", false, rule.StaticBadPath
		}
		dir = segment == "" || segment == "." || segment == ".."
		switch {
		case !dir:
			segments = append(segments, segment)
		case segment == ".." && len(segments) == 0:
			return "", false, rule.StaticOutside
		case segment == "..":
			segments = segments[:len(segments)-1]
		}
	}
	name = strings.Join(segments, "/")
	return name, dir, tooLong(name)
}

// plain reports whether a path without its first slash needs no decoding: no
// percent sign, backslash or NUL, no empty and no dot segment. (A segment that
// begins with a dot counts as one.)
func plain(raw string) bool {
	start := true // of a segment
	for i := range len(raw) {
		switch raw[i] {
		case '%', '\\', 0:
			return false
		case '/':
			if start {
				return false
			}
			start = true
			continue
		case '.':
			if start {
				return false
			}
		}
		start = false
	}
	return true
}

// unescape decodes the percent-encodings of one segment. It refuses encodings
// that are broken or stand for a separator or NUL.
func unescape(s string) (string, bool) {
	var b []byte
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c == '%' {
			if i+2 >= len(s) {
				return "", false
			}
			hi, lo := unhex(s[i+1]), unhex(s[i+2])
			if hi > 15 || lo > 15 {
				return "", false
			}
			if b == nil {
				b = append(make([]byte, 0, len(s)), s[:i]...)
			}
			c = hi<<4 | lo
			i += 2
			if c == '/' {
				return "", false
			}
		}
		if c == '\\' || c == 0 {
			return "", false
		}
		if b != nil {
			b = append(b, c)
		}
	}
	if b != nil {
		s = string(b)
	}
	return s, true
}

func unhex(c byte) byte {
	switch {
	case '0' <= c && c <= '9':
		return c - '0'
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10
	case 'A' <= c && c <= 'F':
		return c - 'A' + 10
	}
	return 16
}

func tooLong(name string) rule.ID {
	if len(name) > maxPath {
		return rule.StaticPathTooLong
	}
	for rest := name; rest != ""; {
		var segment string
		segment, rest, _ = strings.Cut(rest, "/")
		if len(segment) > maxSegment {
			return rule.StaticPathTooLong
		}
	}
	return 0
}
