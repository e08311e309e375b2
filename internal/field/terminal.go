package field

import (
	"fmt"
	"unicode"
	"unicode/utf8"
)

// Obeyed reports whether terminals obey a character instead of showing it: a
// control, of C1 (which UTF-8 has, too), or what turns the reading direction.
func Obeyed(r rune) bool {
	return unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == '\u2028' || r == '\u2029'
}

// EscapeJSON returns JSON that can be shown on a terminal, whoever had a say in
// it: what is obeyed there, but for the ends of lines and tabs, is written as
// \u202e, which means the same in a string. Bytes that are not UTF-8 become
// U+FFFD. It returns b itself when there is nothing to escape.
func EscapeJSON(b []byte) []byte {
	for i := 0; ; i++ {
		if i == len(b) {
			return b
		}
		if c := b[i]; c > '~' || c < ' ' && c != '\n' && c != '\t' {
			break
		}
	}
	out := make([]byte, 0, len(b)+64)
	for len(b) > 0 {
		r, n := utf8.DecodeRune(b)
		if b = b[n:]; Obeyed(r) && r != '\n' && r != '\t' {
			out = fmt.Appendf(out, `\u%04x`, r)
			continue
		}
		out = utf8.AppendRune(out, r)
	}
	return out
}
