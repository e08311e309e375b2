package field

import "iter"

// Elements returns the elements of a list that is spread over the lines of a
// field (RFC 9110 §5.3), as NextElement finds them; a quoted string ends with
// its line. Ranging over it allocates nothing.
func Elements(lines []string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for _, line := range lines {
			for elem, rest, ok := NextElement(line); ok; elem, rest, ok = NextElement(rest) {
				if !yield(elem) {
					return
				}
			}
		}
	}
}

// NextElement returns the first element of a list (#rule, RFC 9110 §5.6.1)
// without the white space around it, and what follows it:
//
//	NextElement(`, a;q="x,y" , b`)  // `a;q="x,y"`, ` b`, true
//
// Empty elements are skipped; ok is false when no other element is left. A
// comma inside a quoted string does not end an element; a quoted string that
// does not end takes the rest of the list.
func NextElement(list string) (elem, rest string, ok bool) {
	i := 0
	for i < len(list) && (list[i] == ',' || isSpace(list[i])) {
		i++
	}
	if i == len(list) {
		return "", "", false
	}
	end := scan(list[i:], ',') + i
	elem = trimRight(list[i:end])
	if end < len(list) {
		end++
	}
	return elem, list[end:], true
}

// HasToken reports whether token is an element of list; case does not matter.
func HasToken(list, token string) bool {
	for {
		elem, rest, ok := NextElement(list)
		if !ok {
			return false
		}
		if EqualFold(elem, token) {
			return true
		}
		list = rest
	}
}

// EqualFold reports whether a and b are equal when the case of ASCII letters
// is ignored, and only of those.
func EqualFold(a, b string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range len(a) {
		if Lower(a[i]) != Lower(b[i]) {
			return false
		}
	}
	return true
}

// IsToken reports whether s is a token (RFC 9110 §5.6.2), which is not empty.
func IsToken(s string) bool {
	for i := range len(s) {
		if !isTchar(s[i]) {
			return false
		}
	}
	return s != ""
}

// scan returns the index of the first sep in s that is outside of quoted
// strings, or len(s).
func scan(s string, sep byte) int {
	quoted := false
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case c == sep && !quoted:
			return i
		}
	}
	return len(s)
}

// Cut splits s at the first sep that is outside of quoted strings and removes
// the white space around both parts.
func Cut(s string, sep byte) (before, after string, found bool) {
	i := scan(s, sep)
	if i == len(s) {
		return trim(s), "", false
	}
	return trim(s[:i]), trim(s[i+1:]), true
}

// Split splits s at each sep that is outside of quoted strings. The parts keep
// their white space and may be empty; there is one at least.
func Split(s string, sep byte) []string {
	var parts []string
	for {
		i := scan(s, sep)
		parts = append(parts, s[:i])
		if i == len(s) {
			return parts
		}
		s = s[i+1:]
	}
}

// trim removes optional white space (OWS, RFC 9110 §5.6.3) at both ends.
func trim(s string) string { return trimRight(trimLeft(s)) }

func trimLeft(s string) string {
	for s != "" && isSpace(s[0]) {
		s = s[1:]
	}
	return s
}

func trimRight(s string) string {
	for s != "" && isSpace(s[len(s)-1]) {
		s = s[:len(s)-1]
	}
	return s
}

func isSpace(c byte) bool { return c == ' ' || c == '\t' }

// Lower returns an ASCII letter in lower case, and other bytes as they are.
func Lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		c += 'a' - 'A'
	}
	return c
}

func isTchar(c byte) bool { return tchars[c>>6]&(1<<(c&63)) != 0 }

// tchars has a bit for each character that a token may have.
var tchars = func() (set [4]uint64) {
	const all = "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	for i := range len(all) {
		set[all[i]>>6] |= 1 << (all[i] & 63)
	}
	return set
}()
