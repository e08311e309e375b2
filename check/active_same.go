package check

import (
	"strconv"
	"strings"

	"freshet/internal/field"
)

// sameTag compares entity-tags weakly (RFC 9110 §8.8.3.2).
func sameTag(a, b string) bool {
	return strings.TrimPrefix(a, "W/") == strings.TrimPrefix(b, "W/")
}

// lapse is how far times may be apart in answers of which one came after the
// other, in seconds: a server may count down what is left of a lifetime.
const lapse = 60

// sameValue reports whether a field of two answers says the same: entity-tags
// are compared weakly, and times may have gone on.
func sameValue(name, a, b string) bool {
	switch {
	case a == b:
		return true
	case name == "Etag":
		return sameTag(a, b)
	case name == "Cache-Control":
		return sameNumbers(a, b)
	case name == "Last-Modified":
		from, okFrom := field.ParseDate(a)
		to, okTo := field.ParseDate(b)
		return okFrom && okTo && max(from-to, to-from) <= lapse
	}
	return false
}

// sameNumbers reports whether texts are equal but for numbers that are about
// the same.
func sameNumbers(a, b string) bool {
	for {
		n, m := leading(a, false), leading(b, false)
		if a[:n] != b[:m] {
			return false
		}
		a, b = a[n:], b[m:]
		n, m = leading(a, true), leading(b, true)
		if n == 0 || m == 0 {
			return a == b
		}
		x, errX := strconv.ParseInt(a[:n], 10, 64)
		y, errY := strconv.ParseInt(b[:m], 10, 64)
		if errX != nil || errY != nil || max(x-y, y-x) > lapse || (x == 0) != (y == 0) {
			return false
		}
		a, b = a[n:], b[m:]
	}
}

// leading returns how many digits a text begins with, or how many other bytes.
func leading(s string, digits bool) int {
	i := 0
	for i < len(s) && ('0' <= s[i] && s[i] <= '9') == digits {
		i++
	}
	return i
}
