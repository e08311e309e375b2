package signature

import (
	"strings"
	"unicode/utf8"
)

// appendQueryParam appends the value of a parameter of a query, coded in the one
// way of RFC 9421 §2.2.8. name is coded so, too. A name that stands twice has no
// value that a signature could be about, and neither has one whose bytes are not
// UTF-8: servers differ in what they make of both.
func appendQueryParam(dst []byte, query, name string) ([]byte, string) {
	var few [64]byte
	value, found := "", false
	for rest := strings.TrimPrefix(query, "?"); rest != ""; {
		var pair string
		pair, rest, _ = strings.Cut(rest, "&")
		if pair == "" {
			continue
		}
		n, v, _ := strings.Cut(pair, "=")
		if coded, ok := appendForm(few[:0], n); !ok || string(coded) != name {
			continue
		}
		if found {
			return dst, "the query has it twice"
		}
		value, found = v, true
	}
	if !found {
		return dst, notThere
	}
	dst, ok := appendForm(dst, value)
	if !ok {
		return dst, "its value is not UTF-8"
	}
	return dst, ""
}

// appendForm appends s, a name or a value of a query, decoded and coded anew
// (application/x-www-form-urlencoded of the URL standard, but with %20 for a
// space). What only looks like a coded byte stands for itself.
func appendForm(dst []byte, s string) (b []byte, ok bool) {
	from := len(dst)
	plain := true
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case c == '+':
			c = ' '
		case c == '%' && i+2 < len(s) && unhex(s[i+1]) >= 0 && unhex(s[i+2]) >= 0:
			c = byte(unhex(s[i+1])<<4 | unhex(s[i+2]))
			i += 2
		}
		if isForm(c) {
			dst = append(dst, c)
			continue
		}
		plain = plain && c < utf8.RuneSelf
		dst = append(dst, '%', "0123456789ABCDEF"[c>>4], "0123456789ABCDEF"[c&15])
	}
	return dst, plain || codedUTF8(dst[from:])
}

// codedUTF8 reports whether what appendForm wrote is UTF-8 when decoded.
func codedUTF8(coded []byte) bool {
	var few [256]byte
	raw := few[:0]
	for i := 0; i < len(coded); i++ {
		c := coded[i]
		if c == '%' {
			c = byte(unhex(coded[i+1])<<4 | unhex(coded[i+2]))
			i += 2
		}
		raw = append(raw, c)
	}
	return utf8.Valid(raw)
}

// isForm reports whether a byte stands for itself.
func isForm(c byte) bool {
	return 'a' <= c|0x20 && c|0x20 <= 'z' || '0' <= c && c <= '9' || c == '*' || c == '-' || c == '.' || c == '_'
}

func unhex(c byte) int {
	switch {
	case '0' <= c && c <= '9':
		return int(c - '0')
	case 'a' <= c|0x20 && c|0x20 <= 'f':
		return int(c|0x20-'a') + 10
	}
	return -1
}
