package signature

import "math/bits"

// This file looks at eight octets at a time.

const (
	each = 0x0101010101010101
	top  = 0x80 * each
)

// eight returns eight octets of s from i on.
func eight[T string | []byte](s T, i int) uint64 {
	_ = s[i+7]
	return uint64(s[i]) | uint64(s[i+1])<<8 | uint64(s[i+2])<<16 | uint64(s[i+3])<<24 |
		uint64(s[i+4])<<32 | uint64(s[i+5])<<40 | uint64(s[i+6])<<48 | uint64(s[i+7])<<56
}

// allPrintable reports whether each of eight octets is from space to tilde.
func allPrintable(x uint64) bool {
	// Neither it nor the one behind it has the top bit, and with 0x60 more it
	// does: 0x20 to 0x7e.
	return (x|(x+each))&top == 0 && (x+0x60*each)&top == top
}

// printable reports whether s can be in a string of a structured field (RFC 9651
// §3.3.3).
func printable[T string | []byte](s T) bool {
	if len(s) < 8 {
		for i := range len(s) {
			if s[i] < ' ' || s[i] > '~' {
				return false
			}
		}
		return true
	}
	for i := 0; i < len(s)-8; i += 8 {
		if !allPrintable(eight(s, i)) {
			return false
		}
	}
	return allPrintable(eight(s, len(s)-8))
}

// plainLength is how long the part of s is that stands for itself in a string of
// a structured field: up to a quote, a backslash, or what cannot be in one.
func plainLength(s string) int {
	i := 0
	for ; i+8 <= len(s); i += 8 {
		x := eight(s, i)
		quote, escape := x^'"'*each, x^'\\'*each
		// Whatever this says of an octet behind the first one that ends it, the
		// first is right: nothing carries downwards.
		ends := (x | (x + each) | ^(x + 0x60*each) | (quote-each)&^quote | (escape-each)&^escape) & top
		if ends != 0 {
			return i + bits.TrailingZeros64(ends)/8
		}
	}
	for ; i < len(s); i++ {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			return i
		}
	}
	return i
}
