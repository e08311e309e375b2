package freshness

import (
	"encoding/binary"
	"slices"

	"freshet/internal/field"
	"freshet/internal/wire"
)

// Vary is what a response says about the request fields that chose it (RFC 9110
// §12.5.5).
type Vary struct {
	Any   bool     // "*", or what cannot be read: no other request matches
	Names []string // of fields, canonical, sorted, once each
}

// ParseVary reads the lines of Vary, which are one list. A "*" anywhere in it
// makes it Any, as does an element that is no field name.
func ParseVary(lines []string) Vary {
	var v Vary
	for elem := range field.Elements(lines) {
		if elem == "*" || !field.IsToken(elem) {
			return Vary{Any: true}
		}
		v.Names = append(v.Names, wire.CanonicalName(elem))
	}
	slices.Sort(v.Names)
	v.Names = slices.Compact(v.Names)
	return v
}

// AppendSelecting appends the normalised value of a request field that Vary
// names (in canonical spelling), as a part of a secondary key: requests match for the field if equal
// bytes are appended (RFC 9111 §4.1). values are the lines of the field; none
// means that the request does not have it, which is not the same as an empty
// line. What is appended tells its own end, so that the parts for several fields
// can follow each other. It allocates nothing.
//
// Only requests that mean the same are made equal:
//
//   - Lines are joined to one list; white space around commas, and empty
//     elements, do not count.
//   - In Accept-Encoding, Accept-Language, Accept-Charset and TE neither case
//     counts, nor the order of elements of one weight, nor how the weight is
//     written; x-gzip is gzip. Lists of more than 32 elements, and malformed
//     ones, are as other fields.
//   - In Accept, white space around ";" does not count, nor case before it.
func AppendSelecting(dst []byte, name string, values []string) []byte {
	start := len(dst)
	dst = append(dst, 0xff, 0xff, 0xff, 0xff)
	if len(values) == 0 {
		return dst
	}
	switch name {
	case "Accept-Encoding", "Accept-Language", "Accept-Charset", "Te":
		dst = appendWeighted(dst, values)
	case "Accept":
		dst = appendElements(dst, values, appendMediaRange)
	default:
		dst = appendElements(dst, values, appendVerbatim)
	}
	binary.BigEndian.PutUint32(dst[start:], uint32(len(dst)-start-4))
	return dst
}

// appendElements appends the elements of the list, with a comma between them.
func appendElements(dst []byte, values []string, appendElement func(dst []byte, elem string) []byte) []byte {
	first := true
	for elem := range field.Elements(values) {
		if !first {
			dst = append(dst, ',')
		}
		first = false
		dst = appendElement(dst, elem)
	}
	return dst
}

func appendVerbatim(dst []byte, elem string) []byte { return append(dst, elem...) }

// appendMediaRange appends an element of Accept without the white space around
// ";". The type is in lower case; parameters, whose values can be sensitive to
// case, are as they are.
func appendMediaRange(dst []byte, elem string) []byte {
	quoted, params := false, false
	for i := 0; i < len(elem); i++ {
		c := elem[i]
		switch {
		case quoted && c == '\\' && i+1 < len(elem):
			dst = append(dst, c)
			i++
			c = elem[i]
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == ' ' || c == '\t':
			if atSemicolon(dst) || beforeSemicolon(elem[i:]) {
				continue
			}
		case c == ';':
			params = true
		case !params && 'A' <= c && c <= 'Z':
			c += 'a' - 'A'
		}
		dst = append(dst, c)
	}
	return dst
}

func atSemicolon(dst []byte) bool { return dst[len(dst)-1] == ';' }

// beforeSemicolon reports whether only white space stands before a semicolon.
func beforeSemicolon(s string) bool {
	for s != "" && (s[0] == ' ' || s[0] == '\t') {
		s = s[1:]
	}
	return s != "" && s[0] == ';'
}

// maxWeighted is how many elements of a list are sorted.
const maxWeighted = 32

// weighted is an element of a list with weights.
type weighted struct {
	name string
	q    int16 // thousandths
}

// appendWeighted appends a list of names with weights (RFC 9110 §12.4.2), sorted
// by weight, then by name.
func appendWeighted(dst []byte, values []string) []byte {
	var all [maxWeighted]weighted
	n := 0
	for _, line := range values {
		for {
			name, q, rest, ok := field.NextWeighted(line)
			if ok && name == "" {
				break
			}
			if !ok || n == maxWeighted {
				return appendElements(dst, values, appendVerbatim)
			}
			line = rest
			if is(name, "x-gzip") {
				name = "gzip" // RFC 9110 §8.4.1.3
			}
			w := weighted{name, q}
			i := n
			for ; i > 0 && w.before(&all[i-1]); i-- {
				all[i] = all[i-1]
			}
			all[i] = w
			n++
		}
	}
	for i := range n {
		w := &all[i]
		if i > 0 && w.q == all[i-1].q && field.EqualFold(w.name, all[i-1].name) {
			continue
		}
		if i > 0 {
			dst = append(dst, ',')
		}
		for j := range len(w.name) {
			dst = append(dst, field.Lower(w.name[j]))
		}
		if w.q != 1000 {
			dst = append(dst, ";q=0."...)
			dst = append(dst, byte('0'+w.q/100), byte('0'+w.q/10%10), byte('0'+w.q%10))
		}
	}
	return dst
}

// before orders elements.
func (w *weighted) before(o *weighted) bool {
	if w.q != o.q {
		return w.q > o.q
	}
	for i := range min(len(w.name), len(o.name)) {
		if a, b := field.Lower(w.name[i]), field.Lower(o.name[i]); a != b {
			return a < b
		}
	}
	return len(w.name) < len(o.name)
}
