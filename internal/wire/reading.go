package wire

import (
	"iter"
	"strings"
)

// reading is how somebody reads a path otherwise than RoutePath does.
type reading uint8

const (
	readSlash      reading = 1 << iota // %2F separates segments
	readBackslash                      // so does a backslash, or %5C
	readParameters                     // a segment's name ends at its ";" (RFC 3986 §3.3)
	readNUL                            // a path ends at a NUL
	readEmpty                          // ".." goes back over an empty segment
	readDots                           // dot segments stay
)

// ReadAlike reports whether all who decode a path take it for the same one: it
// needs no decoding, and has no parameters.
func ReadAlike(raw string) bool {
	return PlainPath(strings.TrimPrefix(raw, "/")) && strings.IndexByte(raw, ';') < 0
}

// Readings are what a path, still percent-encoded, may mean to those who read it
// otherwise than RoutePath does; it has none when all read it alike.
//
//	/a%2Fb → "a/b"    /x/..;/a → "x/..", "a"    /a/../b → "a/../b"
//
// Not among them: letters of either case, encodings that were encoded twice.
func Readings(raw string) iter.Seq[string] {
	return func(yield func(string) bool) {
		raw := strings.TrimPrefix(raw, "/")
		apply := readingsOf(raw)
		for how := apply; how != 0; how = (how - 1) & apply {
			if !yield(read(raw, how)) {
				return
			}
		}
	}
}

// readingsOf are the readings that make a difference to a path.
func readingsOf(raw string) (apply reading) {
	all := unescapeFor(raw, readSlash|readBackslash)
	if len(unescapeFor(raw, 0)) != len(unescapeFor(raw, readSlash)) {
		apply |= readSlash
	}
	if strings.IndexByte(unescapeFor(raw, 0), '\\') >= 0 {
		apply |= readBackslash
	}
	if strings.IndexByte(all, ';') >= 0 {
		apply |= readParameters
	}
	if strings.IndexByte(all, 0) >= 0 {
		apply |= readNUL
	}
	if strings.Contains("/"+all, "/.") {
		apply |= readDots | readEmpty
	}
	return apply
}

func read(raw string, how reading) string {
	text := unescapeFor(raw, how)
	if how&readNUL != 0 {
		text, _, _ = strings.Cut(text, "\x00")
	}
	var segments []string
	for segment := range strings.SplitSeq(text, "/") {
		if how&readParameters != 0 {
			segment, _, _ = strings.Cut(segment, ";")
		}
		switch {
		case segment == "" && how&readEmpty == 0, segment == "." && how&readDots == 0:
		case segment == ".." && how&readDots == 0:
			segments = segments[:max(0, len(segments)-1)]
		default:
			segments = append(segments, segment)
		}
	}
	var b strings.Builder
	for _, segment := range segments {
		if segment == "" { // it has been gone back over, or never will be
			continue
		}
		if b.Len() > 0 {
			b.WriteByte('/')
		}
		b.WriteString(segment)
	}
	return b.String()
}

// unescapeFor decodes what can be decoded. A slash that is encoded stays so for
// those who take it for no separator.
func unescapeFor(raw string, how reading) string {
	b := make([]byte, 0, len(raw))
	for i := 0; i < len(raw); i++ {
		c, long := raw[i], 1
		if c == '%' && i+2 < len(raw) {
			if hi, lo := Unhex(raw[i+1]), Unhex(raw[i+2]); hi <= 15 && lo <= 15 {
				c, long = hi<<4|lo, 3
			}
		}
		switch {
		case c == '/' && long == 3 && how&readSlash == 0:
			b = append(b, raw[i:i+3]...)
		case c == '\\' && how&readBackslash != 0:
			b = append(b, '/')
		default:
			b = append(b, c)
		}
		i += long - 1
	}
	return string(b)
}
