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
	dst = slices.Grow(dst, len(coded)*3/4+8)
	// Eight octets of text are six of content, written as eight of which two are
	// written over.
	room := dst[from : from+len(coded)*3/4+8]
	at := 0
	wrong := uint32(0)
	for ; len(coded) >= 8; coded = coded[8:] {
		x := uint64(coded[0]) | uint64(coded[1])<<8 | uint64(coded[2])<<16 | uint64(coded[3])<<24 |
			uint64(coded[4])<<32 | uint64(coded[5])<<40 | uint64(coded[6])<<48 | uint64(coded[7])<<56
		n := sextets[byte(x)]<<18 | sextets[byte(x>>8)]<<12 | sextets[byte(x>>16)]<<6 | sextets[byte(x>>24)]
		o := sextets[byte(x>>32)]<<18 | sextets[byte(x>>40)]<<12 | sextets[byte(x>>48)]<<6 | sextets[x>>56]
		wrong |= n | o
		binary.BigEndian.PutUint64(room[at:at+8], uint64(n)<<40|uint64(o)<<16)
		at += 6
	}
	if len(coded) >= 4 {
		n := sextets[coded[0]]<<18 | sextets[coded[1]]<<12 | sextets[coded[2]]<<6 | sextets[coded[3]]
		wrong |= n
		binary.BigEndian.PutUint32(room[at:at+4], n<<8)
		at += 3
		coded = coded[4:]
	}
	n := uint32(0)
	for i := range len(coded) {
		n |= sextets[coded[i]] << (18 - 6*i)
	}
	if len(coded) == 1 || (wrong|n)>>24 != 0 {
		return dst, false
	}
	binary.BigEndian.PutUint32(room[at:at+4], n<<8)
	return dst[:from+at+len(coded)*3/4], true
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
