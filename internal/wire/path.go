package wire

import (
	"net/url"
	"strings"
)

// PathFault says what is wrong with a path.
type PathFault uint8

// The faults.
const (
	PathSound   PathFault = iota
	PathBroken            // an encoding is broken, or hides a separator or a NUL
	PathOutside           // it climbs above the root
)

// DecodePath turns the path of a request target, still percent-encoded, into
// decoded segments joined by slashes, "" for the root itself. dir reports
// whether the path ends in a slash, and so names a folder.
//
//	/a/b.css → "a/b.css"    /a/ → "a", dir    / → "", dir    /a//./b/../c → "a/c"
//
// Empty and dot segments are removed (RFC 3986 §5.2.4); a path that climbs
// above the root is faulty, and so is one in which a separator, a NUL or a
// broken encoding hides: what such a path means depends on who decodes it.
func DecodePath(raw string) (name string, dir bool, fault PathFault) {
	return decodePath(raw, decodeStrictly)
}

// RoutePath is DecodePath for those who only choose by a path who is to look at
// it: a segment that is faulty stays as it is, and ".." ends at the root.
func RoutePath(raw string) (name string, dir bool) {
	name, dir, _ = decodePath(raw, decodeLeniently)
	return name, dir
}

// EncodedPath is RoutePath for those who send a path on: each segment is
// percent-encoded anew, so that "b%20c" and "x%2Fy" stay what they are.
func EncodedPath(raw string) (path string, dir bool) {
	path, dir, _ = decodePath(raw, decodeToEncode)
	return path, dir
}

// decoding is what decodePath makes of a segment.
type decoding uint8

const (
	decodeStrictly  decoding = iota // a faulty one is a fault of the path
	decodeLeniently                 // a faulty one stays as it is
	decodeToEncode                  // all are encoded in one way
)

func decodePath(raw string, how decoding) (name string, dir bool, fault PathFault) {
	raw = strings.TrimPrefix(raw, "/")
	if how != decodeToEncode && PlainPath(raw) {
		name, dir = strings.CutSuffix(raw, "/")
		return name, dir || raw == "", PathSound
	}
	var segments []string
	for more := true; more; {
		var encoded string
		encoded, raw, more = strings.Cut(raw, "/")
		segment, ok := unescapeSegment(encoded)
		switch {
		case !ok && how != decodeStrictly:
			segment = encoded
		case !ok:
			return "", false, PathBroken
		}
		dir = segment == "" || segment == "." || segment == ".."
		switch {
		case !dir && how == decodeToEncode:
			segments = append(segments, encodeSegment(encoded, segment))
		case !dir:
			segments = append(segments, segment)
		case segment != "..":
		case len(segments) > 0:
			segments = segments[:len(segments)-1]
		case how == decodeStrictly:
			return "", false, PathOutside
		}
	}
	return strings.Join(segments, "/"), dir, PathSound
}

// PlainPath reports whether a path without its first slash needs no decoding:
// no percent sign, backslash or NUL, no empty and no dot segment. (A segment
// that begins with a dot counts as one.)
func PlainPath(raw string) bool {
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

// encodeSegment encodes a segment anew: what it decodes to, where all of it
// can be decoded, and else its text, in which nothing is an encoding.
func encodeSegment(encoded, decoded string) string {
	if all, err := url.PathUnescape(encoded); err == nil {
		decoded = all
	}
	return url.PathEscape(decoded)
}

// unescapeSegment decodes the percent-encodings of one segment. It refuses
// encodings that are broken or stand for a separator or NUL.
func unescapeSegment(s string) (string, bool) {
	var b []byte
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c == '%' {
			if i+2 >= len(s) {
				return "", false
			}
			hi, lo := Unhex(s[i+1]), Unhex(s[i+2])
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

// Unhex returns the value of a hexadecimal digit, 16 for what is none.
func Unhex(c byte) byte {
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
