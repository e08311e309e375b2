package notify

import (
	"strings"
	"unicode/utf8"
)

// encodeSubject writes a text as the value of a field: in ASCII, in lines that
// are not too long (RFC 5322 §2.1.1), and with no end of a line that is not a fold.
func encodeSubject(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r == utf8.RuneError {
			return '?'
		}
		return r
	}, s)
	plain := !strings.ContainsFunc(s, func(r rune) bool { return r >= 0x80 })
	if plain && len(s) <= maxPlain && !strings.Contains(s, "=?") {
		return s
	}
	var parts []string
	for len(s) > 0 {
		n := 0
		for n < len(s) && n < 18 {
			_, size := utf8.DecodeRuneInString(s[n:])
			n += size
		}
		// Encoded even if it need not be: space between encoded words is none, so
		// that nothing is lost at a fold.
		parts = append(parts, "=?utf-8?q?"+quoted(s[:n])+"?=")
		s = s[n:]
	}
	return strings.Join(parts, "\r\n ")
}

// maxPlain is how long a subject may be that is not folded; a line may have 998.
const maxPlain = 300

// quoted writes bytes in the Q encoding (RFC 2047 §4.2).
func quoted(s string) string {
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(s) {
		switch c := s[i]; {
		case c == ' ':
			b.WriteByte('_')
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '-', c == '.', c == ':', c == '/':
			b.WriteByte(c)
		default:
			b.WriteString("=" + hex[c>>4:c>>4+1] + hex[c&15:c&15+1])
		}
	}
	return b.String()
}
