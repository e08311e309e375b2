package field

import (
	"encoding/base64"
	"encoding/binary"
	"slices"
	"strconv"
)

// This file writes structured values in the one form that RFC 9651 §4.1 gives
// each of them, which is what signatures are made over. It writes what the
// parser returns; a value that was put together elsewhere has to be one that the
// parser could have returned.

// AppendStructured appends a value, with its parameters. ok is false when bytes
// in it are not base64; what was appended is of no use then.
func AppendStructured(dst []byte, v *Structured) (b []byte, ok bool) {
	if v.Kind != Inner {
		if dst, ok = AppendBare(dst, v); !ok {
			return dst, false
		}
		return AppendParameters(dst, v.Params)
	}
	dst = append(dst, '(')
	for i := range v.List {
		if i > 0 {
			dst = append(dst, ' ')
		}
		if dst, ok = AppendStructured(dst, &v.List[i]); !ok {
			return dst, false
		}
	}
	return AppendParameters(append(dst, ')'), v.Params)
}

// AppendParameters appends parameters, each behind a semicolon (RFC 9651
// §4.1.1.2).
func AppendParameters(dst []byte, params []Member) (b []byte, ok bool) {
	for i := range params {
		p := &params[i]
		dst = append(dst, ';')
		dst = append(dst, p.Key...)
		if p.Kind == Boolean && p.Bool {
			continue
		}
		if dst, ok = AppendBare(append(dst, '='), &p.Structured); !ok {
			return dst, false
		}
	}
	return dst, true
}

// AppendMembers appends a dictionary (RFC 9651 §4.1.2).
func AppendMembers(dst []byte, members []Member) (b []byte, ok bool) {
	for i := range members {
		m := &members[i]
		if i > 0 {
			dst = append(dst, ", "...)
		}
		dst = append(dst, m.Key...)
		if m.Kind == Boolean && m.Bool {
			dst, ok = AppendParameters(dst, m.Params)
		} else {
			dst, ok = AppendStructured(append(dst, '='), &m.Structured)
		}
		if !ok {
			return dst, false
		}
	}
	return dst, true
}

// AppendBare appends an item without its parameters (RFC 9651 §4.1.3.1).
func AppendBare(dst []byte, v *Structured) (b []byte, ok bool) {
	switch v.Kind {
	case Boolean:
		if v.Bool {
			return append(dst, "?1"...), true
		}
		return append(dst, "?0"...), true
	case Integer:
		return strconv.AppendInt(dst, v.Int, 10), true
	case Date:
		return strconv.AppendInt(append(dst, '@'), v.Int, 10), true
	case Decimal:
		return appendDecimal(dst, v.Int), true
	case String:
		return AppendString(dst, v.Text), true
	case Token:
		return append(dst, v.Text...), true
	case Bytes:
		return appendBytes(dst, v.Text)
	case Display:
		return appendDisplay(dst, v.Text), true
	}
	return dst, false
}

// AppendString appends a string in quotes (RFC 9651 §4.1.6).
func AppendString(dst []byte, s string) []byte {
	dst = append(dst, '"')
	for i := range len(s) {
		if s[i] == '"' || s[i] == '\\' {
			dst = append(dst, '\\')
		}
		dst = append(dst, s[i])
	}
	return append(dst, '"')
}

// appendDecimal appends thousandths without zeros at the end, but for the first
// (RFC 9651 §4.1.5).
func appendDecimal(dst []byte, n int64) []byte {
	if n < 0 {
		dst = append(dst, '-')
		n = -n
	}
	dst = strconv.AppendInt(dst, n/1000, 10)
	dst = append(dst, '.', byte('0'+n/100%10))
	if n%100 != 0 {
		dst = append(dst, byte('0'+n/10%10))
	}
	if n%10 != 0 {
		dst = append(dst, byte('0'+n%10))
	}
	return dst
}

// appendBytes appends base64 that is read and written once more: there is one
// right way to pad it.
func appendBytes(dst []byte, coded string) (b []byte, ok bool) {
	from := len(dst)
	raw, ok := AppendDecoded(dst, coded)
	if !ok {
		return dst, false
	}
	sum := string(raw[from:])
	dst = append(raw[:from], ':')
	dst = base64.StdEncoding.AppendEncode(dst, []byte(sum))
	return append(dst, ':'), true
}

// AppendDecoded appends the bytes of a value of kind Bytes. Padding may be left
// out, and bits that it makes superfluous may be anything (RFC 9651 §4.2.7).
func AppendDecoded(dst []byte, coded string) (b []byte, ok bool) {
	for coded != "" && coded[len(coded)-1] == '=' {
		coded = coded[:len(coded)-1]
	}
	from := len(dst)
	// Eight octets of text are six of content, written as eight of which two are
	// written over.
	dst = slices.Grow(dst, len(coded)*3/4+8)
	for ; len(coded) >= 8; coded = coded[8:] {
		n := sextets[coded[0]]<<18 | sextets[coded[1]]<<12 | sextets[coded[2]]<<6 | sextets[coded[3]]
		o := sextets[coded[4]]<<18 | sextets[coded[5]]<<12 | sextets[coded[6]]<<6 | sextets[coded[7]]
		if (n|o)>>24 != 0 {
			return dst[:from], false
		}
		dst = binary.BigEndian.AppendUint64(dst, uint64(n)<<40|uint64(o)<<16)
		dst = dst[:len(dst)-2]
	}
	if len(coded) >= 4 {
		n := sextets[coded[0]]<<18 | sextets[coded[1]]<<12 | sextets[coded[2]]<<6 | sextets[coded[3]]
		if n>>24 != 0 {
			return dst[:from], false
		}
		dst = append(dst, byte(n>>16), byte(n>>8), byte(n))
		coded = coded[4:]
	}
	n := uint32(0)
	for i := range len(coded) {
		n |= sextets[coded[i]] << (18 - 6*i)
	}
	switch {
	case len(coded) == 1, n>>24 != 0:
		return dst[:from], false
	case len(coded) == 2:
		dst = append(dst, byte(n>>16))
	case len(coded) == 3:
		dst = append(dst, byte(n>>16), byte(n>>8))
	}
	return dst, true
}

// sextets are the six bits that an octet of base64 stands for; of others so many
// that they show above three octets wherever they stand.
var sextets = func() (t [256]uint32) {
	for i := range t {
		t[i] = 1<<32 - 1<<6
	}
	for i, c := range []byte("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/") {
		t[c] = uint32(i)
	}
	return t
}()

// appendDisplay appends a display string (RFC 9651 §4.1.11).
func appendDisplay(dst []byte, s string) []byte {
	dst = append(dst, `%"`...)
	for i := range len(s) {
		if c := s[i]; c == '%' || c == '"' || c < ' ' || c > '~' {
			dst = append(dst, '%', "0123456789abcdef"[c>>4], "0123456789abcdef"[c&15])
		} else {
			dst = append(dst, c)
		}
	}
	return append(dst, '"')
}
