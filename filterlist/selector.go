package filterlist

import (
	"strings"
)

// extendedCSS are pseudo-classes that no browser has: those of uBlock Origin,
// AdGuard and Adblock Plus that their scripts carry out.
var extendedCSS = []string{
	"-abp-", "has-text(", "contains(", "xpath(", "matches-css", "matches-attr(", "matches-path(", "matches-media(", "matches-property(",
	"matches-prop(", "min-text-length(", "upward(", "nth-ancestor(", "watch-attr(", "others(", "remove(", "style(", "remove-attr(",
	"remove-class(", "if(", "if-not(", "properties(", "shadow(", "spath(", "has-attr(", "inject(",
}

const unsafe = "a selector with a character that could end its rule"

// checkSelector says why a selector cannot go into a style sheet. One that
// passes cannot end its rule, its sheet, or the element that the sheet is in:
// brackets and quotes are closed, there is no "<", and no brace, "@", ";" or
// comment outside quotes. simple says that every browser has read it for ages, so that
// it may share a rule with others: a browser that does not know a selector drops
// the whole rule.
func checkSelector(s string) (simple bool, reason string) {
	if s == "" {
		return false, "a hiding rule without a selector"
	}
	if strings.ContainsAny(s, "<\r\n\f\x00") {
		return false, unsafe
	}
	var open []byte
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case c == '\\':
			if i++; i == len(s) {
				return false, "a selector that is not complete"
			}
		case c == '"' || c == '\'':
			end := quoteEnd(s, i)
			if end < 0 {
				return false, "a selector that is not complete"
			}
			i = end
		case strings.IndexByte("{};@", c) >= 0 || strings.HasPrefix(s[i:], "/*"):
			return false, unsafe
		case c == '[':
			open = append(open, ']')
		case c == '(':
			if !opensPseudoClass(s[:i]) {
				return false, unsafe
			}
			open = append(open, ')')
		case c == ']' || c == ')':
			if len(open) == 0 || open[len(open)-1] != c {
				return false, "a selector that is not complete"
			}
			open = open[:len(open)-1]
		case c == ':':
			if name := extendedName(s[i+1:]); name != "" {
				return false, "extended CSS :" + name
			}
		}
		if len(open) > 16 {
			return false, "a selector nested too deep"
		}
	}
	if len(open) > 0 {
		return false, "a selector that is not complete"
	}
	return isSimple(s), ""
}

// opensPseudoClass reports whether a parenthesis behind a text is that of a
// pseudo-class with a plain name. Nothing else in a selector has one; and behind
// url, in whatever letters and escapes, browsers read no quotes and no brackets
// but up to the next parenthesis (CSS Syntax §4.3.6), behind which a list could
// then say what it wants.
func opensPseudoClass(s string) bool {
	name := strings.TrimRight(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-")
	return name != s && strings.HasSuffix(name, ":") && !strings.EqualFold(s[len(name):], "url")
}

// quoteEnd returns where the quote that begins at i is closed, -1 if nowhere.
func quoteEnd(s string, i int) int {
	for j := i + 1; j < len(s); j++ {
		switch s[j] {
		case '\\':
			j++
		case s[i]:
			return j
		}
	}
	return -1
}

// extendedName returns the pseudo-class that a text begins with, if it is one
// that no browser has.
func extendedName(s string) string {
	for _, name := range extendedCSS {
		if strings.HasPrefix(s, name) {
			if name == "-abp-" {
				return s[:indexOrLen(s, '(')]
			}
			return strings.TrimSuffix(name, "(")
		}
	}
	return ""
}

// isSimple says whether a selector is compounds of a type, ids, classes and
// attributes, with combinators between them.
func isSimple(s string) bool {
	start := true // of a compound
	for i := 0; i < len(s); {
		switch c := s[i]; {
		case c == '#' || c == '.':
			n := identifier(s[i+1:])
			if n == 0 {
				return false
			}
			i += 1 + n
		case c == '[':
			n := attribute(s[i:])
			if n == 0 {
				return false
			}
			i += n
		case c == '*' && start:
			i++
		case c == ' ' || c == '>' || c == '+' || c == '~':
			n := combinator(s[i:])
			if n == 0 || start || i+n == len(s) {
				return false
			}
			i += n
			start = true
			continue
		default:
			n := identifier(s[i:])
			if n == 0 || !start {
				return false
			}
			i += n
		}
		start = false
	}
	return !start
}

// identifier returns how long the identifier is that a text begins with.
func identifier(s string) int {
	n := 0
	for n < len(s) {
		c := s[n]
		letter := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || c == '_' || c >= 0x80
		if !letter && c != '-' && !('0' <= c && c <= '9') {
			break
		}
		n++
	}
	// It begins with a letter, or with one hyphen and a letter.
	rest := strings.TrimPrefix(s[:n], "-")
	if rest == "" || rest[0] == '-' || '0' <= rest[0] && rest[0] <= '9' {
		return 0
	}
	return n
}

// combinator returns how long the combinator is that a text begins with: one of
// > + ~ with space around it, or space.
func combinator(s string) int {
	n := len(s) - len(strings.TrimLeft(s, " "))
	if n < len(s) && strings.IndexByte(">+~", s[n]) >= 0 {
		n++
		n += len(s[n:]) - len(strings.TrimLeft(s[n:], " "))
	}
	return n
}

// attribute returns how long the attribute selector is that a text begins with:
// [name], or [name op "value"] with the value in quotes or an identifier.
func attribute(s string) int {
	i := 1
	n := identifier(s[i:])
	if n == 0 {
		return 0
	}
	i += n
	if i < len(s) && s[i] == ']' {
		return i + 1
	}
	if i < len(s) && strings.IndexByte("^$*~|", s[i]) >= 0 {
		i++
	}
	if i >= len(s) || s[i] != '=' {
		return 0
	}
	i++
	if i < len(s) && (s[i] == '"' || s[i] == '\'') {
		end := quoteEnd(s, i)
		if end < 0 {
			return 0
		}
		i = end + 1
	} else if n = identifier(s[i:]); n > 0 {
		i += n
	} else {
		return 0
	}
	if i < len(s) && s[i] == ']' {
		return i + 1
	}
	return 0
}
