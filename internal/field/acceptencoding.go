package field

// Coding is a content coding that freshet can send.
type Coding uint8

// The codings. Identity, the zero Coding, is the representation as it is.
const (
	Identity Coding = iota
	Gzip
	Brotli
	Zstd
)

// NumCodings is the number of codings, Identity included.
const NumCodings = 4

var codingNames = [NumCodings]string{"identity", "gzip", "br", "zstd"}

// String returns the token that Content-Encoding and Accept-Encoding have for
// c; "" for what is no coding.
func (c Coding) String() string {
	if int(c) < NumCodings {
		return codingNames[c]
	}
	return ""
}

// CodingSet is a set of codings.
type CodingSet uint8

// Has reports whether c is in s.
func (s CodingSet) Has(c Coding) bool { return s&(1<<c) != 0 }

// With returns s and c.
func (s CodingSet) With(c Coding) CodingSet { return s | 1<<c }

// preference is the order in which freshet offers codings that a client likes
// equally: what usually has the fewest bytes first.
var preference = [NumCodings]Coding{Brotli, Zstd, Gzip, Identity}

// Accepted says which codings a request accepts, and how gladly. Two requests
// with equal values of Accepted get equal answers.
type Accepted struct {
	q [NumCodings]int16
}

// unset marks a coding that the field does not mention.
const unset = -1

// ParseAcceptEncoding reads the value of Accept-Encoding (RFC 9110 §12.5.3);
// several lines of it are to be joined by commas. present tells an empty
// field, which asks for no coding, from none at all.
//
// Without the field the RFC allows any coding; a server that wants to be
// understood sends identity, so only that is accepted. With it:
//
//   - An element that does not follow the grammar is ignored, as is a coding
//     that is not known here. x-gzip is gzip (RFC 9110 §8.4.1.3).
//   - A coding that is named twice has the lower weight.
//   - "*" gives its weight to every coding that is not named, identity too.
//   - Identity, when nothing names or excludes it, is accepted with the least
//     weight there is (1): below all codings that the client asked for.
func ParseAcceptEncoding(value string, present bool) Accepted {
	if !present {
		return Accepted{q: [NumCodings]int16{Identity: 1000}}
	}
	a := Accepted{q: [NumCodings]int16{unset, unset, unset, unset}}
	star := int16(unset)
	for {
		elem, rest, ok := NextElement(value)
		if !ok {
			break
		}
		value = rest
		name, weight, weighted := Cut(elem, ';')
		q := int16(1000)
		if weighted {
			if q, ok = parseWeight(weight); !ok {
				continue
			}
		}
		if name == "*" {
			star = lesser(star, q)
		} else if c, ok := CodingNamed(name); ok {
			a.q[c] = lesser(a.q[c], q)
		}
	}
	for c := range a.q {
		switch {
		case a.q[c] != unset:
		case star != unset:
			a.q[c] = star
		case Coding(c) == Identity:
			a.q[c] = 1
		default:
			a.q[c] = 0
		}
	}
	return a
}

// Q returns the weight of c in thousandths, 0 to 1000; 0 means that the
// request refuses c.
func (a Accepted) Q(c Coding) int {
	if int(c) < NumCodings {
		return int(a.q[c])
	}
	return 0
}

// Order returns the codings of available that are accepted, the preferred
// first: by the client's weight, then by what usually has the fewest bytes (br,
// zstd, gzip, identity). n of order count; none means that nothing available
// is acceptable.
func (a Accepted) Order(available CodingSet) (order [NumCodings]Coding, n int) {
	for _, c := range preference {
		if !available.Has(c) || a.q[c] == 0 {
			continue
		}
		i := n
		for ; i > 0 && a.q[order[i-1]] < a.q[c]; i-- {
			order[i] = order[i-1]
		}
		order[i] = c
		n++
	}
	return order, n
}

// CodingNamed returns the coding of a name without regard to case; x-gzip is gzip
// (RFC 9110 §8.4.1.3), and identity one of them. Of any other name it is Identity
// and not ok. Exact comparison comes first because nearly everybody sends lower
// case.
func CodingNamed(name string) (c Coding, ok bool) {
	switch name {
	case "gzip", "x-gzip":
		return Gzip, true
	case "br":
		return Brotli, true
	case "zstd":
		return Zstd, true
	case "identity":
		return Identity, true
	}
	for c, known := range codingNames {
		if EqualFold(name, known) {
			return Coding(c), true
		}
	}
	if EqualFold(name, "x-gzip") {
		return Gzip, true
	}
	return Identity, false
}

// parseWeight reads "q=0.5" (RFC 9110 §12.4.2) as thousandths.
func parseWeight(s string) (q int16, ok bool) {
	if len(s) < 3 || Lower(s[0]) != 'q' || s[1] != '=' {
		return 0, false
	}
	return parseQ(s[2:])
}

// parseQ reads a qvalue: 0 or 1, and at most three digits, which are zeros
// behind a 1.
func parseQ(s string) (q int16, ok bool) {
	if s == "" || len(s) > len("0.000") || s[0] > '1' || s[0] < '0' || len(s) > 1 && s[1] != '.' {
		return 0, false
	}
	q = int16(s[0]-'0') * 1000
	for i, unit := 2, int16(100); i < len(s); i, unit = i+1, unit/10 {
		if s[i] < '0' || s[i] > '9' {
			return 0, false
		}
		q += int16(s[i]-'0') * unit
	}
	return q, q <= 1000
}

// lesser returns the lower of two weights, of which a may be unset.
func lesser(a, b int16) int16 {
	if a == unset {
		return b
	}
	return min(a, b)
}

// CutWeight splits an element of a list with weights, such as Accept-Encoding or
// Accept-Language, into its name and its weight in thousandths (RFC 9110
// §12.4.2), 1000 if it has none. It is not ok when the weight is malformed, or
// the name is not a token.
func CutWeight(elem string) (name string, q int16, ok bool) {
	name, weight, weighted := Cut(elem, ';')
	q = 1000
	if weighted {
		if q, ok = parseWeight(weight); !ok {
			return "", 0, false
		}
	}
	return name, q, IsToken(name)
}

// NextWeighted is NextElement and CutWeight in one, and several times as fast for
// names without weights. name is "" at the end of the list.
func NextWeighted(list string) (name string, q int16, rest string, ok bool) {
	i := 0
	for i < len(list) && (list[i] == ',' || isSpace(list[i])) {
		i++
	}
	end := i
	for end < len(list) && isTchar(list[end]) {
		end++
	}
	if end == len(list) {
		return list[i:], 1000, "", true
	}
	if list[end] == ',' && end > i {
		return list[i:end], 1000, list[end+1:], true
	}
	elem, rest, _ := NextElement(list)
	name, q, ok = CutWeight(elem)
	return name, q, rest, ok
}
