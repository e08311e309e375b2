package wire

import (
	"encoding/binary"
	"math/bits"
	"unsafe"
)

// Classes of octets; an octet is in each class whose bit class has for it.
const (
	tokenByte   = 1 << iota // tchar, RFC 9110 §5.6.2
	pathByte                // in the path of a target, save "%"
	queryByte               // in the query of a target, save "%"
	regNameByte             // in a host that is a name, save "%"
	hexByte
	valueByte  // in a field value: VCHAR, obs-text, SP, HTAB
	quotedByte // in a quoted-string, save "\" and DQUOTE
)

var class = makeClasses()

func makeClasses() (t [256]uint8) {
	add := func(set string, bits uint8) {
		for i := range len(set) {
			t[set[i]] |= bits
		}
	}
	const (
		alphanum  = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
		subDelims = "!$&'()*+;=" // without the comma, which no host has; see ValidHost
	)
	add(alphanum, tokenByte|pathByte|queryByte|regNameByte)
	add("!#$%&'*+-.^_`|~", tokenByte)
	add("-._~"+subDelims, pathByte|queryByte|regNameByte)
	add(",:@/[]", pathByte|queryByte)
	add("?|\\^`{}", queryByte)
	add("0123456789abcdefABCDEF", hexByte)
	for c := 0x20; c < 0x100; c++ {
		if c != 0x7f {
			t[c] |= valueByte | quotedByte
		}
	}
	t['\t'] |= valueByte | quotedByte
	t['"'] &^= quotedByte
	t['\\'] &^= quotedByte
	return t
}

func isSpace(c byte) bool { return c == ' ' || c == '\t' }

// skipSpace returns the index of the first octet of b from i on that is neither
// SP nor HTAB, len(b) if there is none.
func skipSpace(b []byte, i int) int {
	for i < len(b) && isSpace(b[i]) {
		i++
	}
	return i
}

// all reports whether s is not empty and has octets of the classes only.
func all(s string, classes uint8) bool {
	for i := range len(s) {
		if class[s[i]]&classes == 0 {
			return false
		}
	}
	return s != ""
}

// scanValue returns the index of the first octet of b from i on that no field
// value may have (a control character other than HTAB), len(b) if there is
// none. Eight octets at a time: values are most of a head.
func scanValue(b []byte, i int) int {
	const (
		ones = 0x0101010101010101
		tops = 0x8080808080808080
	)
	for len(b)-i >= 8 {
		x := binary.LittleEndian.Uint64(b[i:])
		del := x ^ ones*0x7f
		// The top bit of each octet below 0x20 or equal to 0x7f; a borrow can
		// set wrong ones only above a right one, and the lowest is taken.
		ctl := ((x - ones*0x20) &^ x & tops) | ((del - ones) &^ del & tops)
		if ctl == 0 {
			i += 8
			continue
		}
		i += bits.TrailingZeros64(ctl) >> 3
		if b[i] != '\t' {
			return i
		}
		i++
	}
	for i < len(b) && class[b[i]]&valueByte != 0 {
		i++
	}
	return i
}

// trim removes SP and HTAB from both ends of s.
func trim(s string) string {
	for s != "" && isSpace(s[0]) {
		s = s[1:]
	}
	for s != "" && isSpace(s[len(s)-1]) {
		s = s[:len(s)-1]
	}
	return s
}

// equalFold reports whether s is t in any case; t is in lower case.
func equalFold(s, t string) bool {
	if len(s) != len(t) {
		return false
	}
	for i := range len(s) {
		if lower(s[i]) != t[i] {
			return false
		}
	}
	return true
}

func lower(c byte) byte {
	if c-'A' < 26 {
		return c + 'a' - 'A'
	}
	return c
}

// nextElement takes the first element off a list without quoted strings.
func nextElement(list string) (elem, rest string, more bool) {
	for i := range len(list) {
		if list[i] == ',' {
			return trim(list[:i]), list[i+1:], true
		}
	}
	return trim(list), "", false
}

// view returns b as a string that shares its memory.
func view(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

// octets returns s as a slice that shares its memory and must not be written.
func octets(s string) []byte { return unsafe.Slice(unsafe.StringData(s), len(s)) }
