package digest

import "freshet/internal/field"

// Want is what a Want-Content-Digest or a Want-Repr-Digest asks for (RFC 9530
// §4). The zero value asks for nothing.
type Want struct {
	weight [algorithms]uint8 // 0: not this one
}

// maxWeight is the strongest preference.
const maxWeight = 10

// ParseWant reads the lines of a field. A malformed one asks for nothing, and so
// does a member whose algorithm is not trusted or whose value is not a whole
// number from 0 to 10: the field is a hint.
func ParseWant(lines []string) (w Want) {
	if len(lines) == 0 {
		return w
	}
	members, ok := field.ParseDictionary(lines)
	if !ok {
		return w
	}
	for i := range members {
		m := &members[i]
		if a, err := Named(m.Key); err == nil && m.Kind == field.Integer && 0 <= m.Int && m.Int <= maxWeight {
			w.weight[a] = uint8(m.Int)
		}
	}
	return w
}

// Choose returns the algorithm that is preferred among those that can be had, of
// two that are preferred alike the one that stands first; None when none of them
// is wanted. Without arguments all that are trusted can be had.
func (w Want) Choose(able ...Algorithm) (best Algorithm) {
	if len(able) == 0 {
		able = []Algorithm{SHA256, SHA512}
	}
	for _, a := range able {
		if w.weight[a] > w.weight[best] {
			best = a
		}
	}
	return best
}

// AppendWant appends the value of a field that asks for these algorithms, the
// preferred first.
func AppendWant(dst []byte, preferred ...Algorithm) []byte {
	for i, a := range preferred {
		if i > 0 {
			dst = append(dst, ", "...)
		}
		dst = append(dst, a.String()...)
		dst = append(dst, '=')
		if i == 0 {
			dst = append(dst, "10"...)
		} else {
			dst = append(dst, byte('0'+max(1, maxWeight-i)))
		}
	}
	return dst
}
