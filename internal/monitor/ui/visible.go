package ui

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Visible returns a text as it may be shown in a line, also on a terminal: what
// is not UTF-8, controls, and the characters that turn the reading direction
// become U+FFFD.
func Visible(s string) string { return visible(s) }

// visible returns a text as it may be shown in a line: what is not UTF-8,
// controls, and the characters that turn the reading direction (so that
// exe.txt can be shown as txt.exe) become U+FFFD.
func visible(s string) string { return replaced(s, false) }

// visibleLines is visible for texts of several lines, with tabs.
func visibleLines(s string) string { return replaced(s, true) }

func replaced(s string, lines bool) string {
	for i := 0; ; i++ {
		if i == len(s) {
			return s
		}
		if c := s[i]; c < ' ' || c > '~' {
			break
		}
	}
	if !utf8.ValidString(s) {
		s = strings.ToValidUTF8(s, "\uFFFD")
	}
	return strings.Map(func(r rune) rune {
		switch {
		case lines && (r == '\n' || r == '\t'):
			return r
		case unicode.IsControl(r), unicode.Is(unicode.Bidi_Control, r), r == '\u2028', r == '\u2029':
			return unicode.ReplacementChar
		}
		return r
	}, s)
}
