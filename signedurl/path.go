package signedurl

import (
	"strings"

	"freshet/internal/wire"
)

// below reports whether a path, as it was sent, is the prefix or below it. The
// prefix ends in a slash, so that /a/ does not open /ab.
func below(path string, prefix []byte) bool {
	return len(path) >= len(prefix) && path[:len(prefix)] == string(prefix) && plainPath(path)
}

// plainPath reports whether a path means the same to everybody who may decode it
// behind us. What could lead out of a folder for some of them is not plain: an
// empty or a dot segment, plain or encoded, also with parameters behind it
// ("..;x", which some servers take for ".."), or with what ends a path once it is
// decoded ("..%3fx", "..%23"); an encoded slash, backslash or NUL; and an encoded
// percent sign, which may be another encoding once it is decoded ("%252e", also
// as "%25%32%65").
func plainPath(path string) bool {
	if path == "" || path[0] != '/' {
		return false
	}
	rest := path[1:]
	for more := true; more; {
		var segment string
		segment, rest, more = strings.Cut(rest, "/")
		if segment == "" && more || !plainSegment(segment) {
			return false
		}
	}
	return true
}

// plainSegment is plainPath for a segment.
func plainSegment(s string) bool {
	dots, name := 0, false // what stands before the first ; ? or #
	ended := false
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c == '%' {
			if i+2 >= len(s) {
				return false
			}
			hi, lo := wire.Unhex(s[i+1]), wire.Unhex(s[i+2])
			if hi > 15 || lo > 15 {
				return false
			}
			c = hi<<4 | lo
			i += 2
			if c == '/' || c == '%' {
				return false
			}
		}
		switch {
		case c == '\\' || c == 0:
			return false
		case c == ';' || c == '?' || c == '#':
			ended = true
		case ended:
		case c == '.':
			dots++
		default:
			name = true
		}
	}
	return name || dots == 0 || dots > 2
}
