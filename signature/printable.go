package signature

import (
	"math/bits"
	"strings"
)

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

// others has a top bit unless each of eight octets is from space to tilde.
func others(x uint64) uint64 {
	// Neither it nor the one behind it has the top bit, and with 0x60 more it
	// does: 0x20 to 0x7e.
	return x | (x + each) | ^(x + 0x60*each)
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
	found := others(eight(s, len(s)-8))
	i := 0
	for ; i < len(s)-16; i += 16 {
		found |= others(eight(s, i)) | others(eight(s, i+8))
	}
	if i < len(s)-8 {
		found |= others(eight(s, i))
	}
	return found&top == 0
}

// withoutFragment reports whether s is printable and has no number sign.
func withoutFragment(s string) bool {
	if len(s) < 8 {
		return printable(s) && strings.IndexByte(s, '#') < 0
	}
	last := eight(s, len(s)-8)
	found := others(last) | zeros(last^'#'*each)
	for i := 0; i < len(s)-8; i += 8 {
		x := eight(s, i)
		found |= others(x) | zeros(x^'#'*each)
	}
	return found&top == 0
}

// zeros has a top bit when one of eight octets without top bits is 0: the first, and
// perhaps some behind it.
func zeros(x uint64) uint64 { return (x - each) &^ x }

// plainLength is how long the part of s is that stands for itself in a string of
// a structured field: up to a quote, a backslash, or what cannot be in one.
func plainLength(s string) int {
	i := 0
	for ; i+8 <= len(s); i += 8 {
		x := eight(s, i)
		// Whatever this says of an octet behind the first one that ends it, the
		// first is right: nothing carries downwards.
		ends := (others(x) | zeros(x^'"'*each) | zeros(x^'\\'*each)) & top
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

// eightDigits reads a number of eight digits; ok is false when they are not all.
func eightDigits(x uint64) (n int64, ok bool) {
	x ^= '0' * each // a digit is what it stands for
	if (x|(x+0x76*each))&top != 0 {
		return 0, false
	}
	// The first octet, which stands lowest, is worth most: twos, fours, and all.
	x = x*10 + x>>8
	x = (x & 0x00ff00ff00ff00ff) * (1 + 100<<16) >> 16
	x = (x & 0x0000ffff0000ffff) * (1 + 10000<<32) >> 32
	return int64(x), true
}
