package freshness

import (
	"slices"
	"strings"

	"freshet/internal/field"
)

// NoVarySearch says which differences between queries do not matter to the
// resource (the No-Vary-Search field, draft-ietf-httpbis-no-vary-search). The
// zero value is the default: every difference does.
type NoVarySearch struct {
	anyOrder bool     // the order of parameters with different names does not matter
	all      bool     // no parameter matters, but for names
	names    []string // with all: those that matter; otherwise those that do not; decoded
}

// ParseNoVarySearch reads the lines of No-Vary-Search, a structured dictionary:
//
//	params=("utm_source" "utm_medium"), key-order
//	params, except=("id")
//
// A malformed field, and one that says what the draft does not define for these
// keys, is as none. Other keys are ignored.
func ParseNoVarySearch(lines []string) NoVarySearch {
	members, ok := field.ParseDictionary(lines)
	if !ok {
		return NoVarySearch{}
	}
	var n NoVarySearch
	var except *field.Member
	for i := range members {
		m := &members[i]
		switch m.Key {
		case "key-order":
			ok = ok && m.Kind == field.Boolean
			n.anyOrder = m.Bool
		case "params":
			switch m.Kind {
			case field.Boolean:
				n.all = m.Bool
			case field.Inner:
				ok = ok && n.setNames(m.List)
			default:
				ok = false
			}
		case "except":
			except = m
		}
	}
	if except != nil {
		ok = ok && n.all && except.Kind == field.Inner && n.setNames(except.List)
	}
	if !ok {
		return NoVarySearch{}
	}
	return n
}

// setNames takes the names of an inner list, which must be strings.
func (n *NoVarySearch) setNames(list []field.Structured) bool {
	n.names = nil
	for _, item := range list {
		if item.Kind != field.String {
			return false
		}
		n.names = append(n.names, string(appendDecoded(nil, item.Text)))
	}
	return true
}

// IsDefault reports whether every difference between queries matters.
func (n *NoVarySearch) IsDefault() bool { return !n.anyOrder && !n.all && len(n.names) == 0 }

// AppendKey appends a form of a query (without its "?") that is equal for the
// queries that are the same by n, and for no others. By the default that is the
// query itself. Otherwise it is split into names and values as a form is
// (application/x-www-form-urlencoded), so that "a=1", "%61=1" and "&a=1&" are
// the same, and so are no query and an empty one. Bytes that are not UTF-8 are
// compared as they are, where the draft replaces them.
func (n *NoVarySearch) AppendKey(dst []byte, query string) []byte {
	if n.IsDefault() {
		return append(dst, query...)
	}
	type pair struct{ name, value string }
	var pairs []pair
	for part := range strings.SplitSeq(query, "&") {
		if part == "" {
			continue
		}
		name, value, _ := strings.Cut(part, "=")
		name = string(appendDecoded(nil, name))
		if n.counts(name) {
			pairs = append(pairs, pair{name, value})
		}
	}
	if n.anyOrder {
		slices.SortStableFunc(pairs, func(a, b pair) int { return strings.Compare(a.name, b.name) })
	}
	for i, p := range pairs {
		if i > 0 {
			dst = append(dst, '&')
		}
		dst = appendEncoded(dst, p.name)
		dst = append(dst, '=')
		dst = appendEncoded(dst, string(appendDecoded(nil, p.value)))
	}
	return dst
}

// counts reports whether a parameter matters.
func (n *NoVarySearch) counts(name string) bool {
	return slices.Contains(n.names, name) == n.all
}

// appendDecoded undoes the encoding of forms: "+" is a space, and a percent sign
// without two hexadecimal digits is itself.
func appendDecoded(dst []byte, s string) []byte {
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case c == '+':
			c = ' '
		case c == '%' && i+2 < len(s) && hex(s[i+1]) >= 0 && hex(s[i+2]) >= 0:
			c = byte(hex(s[i+1])<<4 | hex(s[i+2]))
			i += 2
		}
		dst = append(dst, c)
	}
	return dst
}

func hex(c byte) int {
	switch l := field.Lower(c); {
	case '0' <= c && c <= '9':
		return int(c - '0')
	case 'a' <= l && l <= 'f':
		return int(l-'a') + 10
	}
	return -1
}

// appendEncoded percent-encodes every byte that is not unreserved (RFC 3986
// §2.3), so that each text has one form.
func appendEncoded(dst []byte, s string) []byte {
	const digits = "0123456789ABCDEF"
	for i := range len(s) {
		c := s[i]
		switch l := field.Lower(c); {
		case 'a' <= l && l <= 'z', '0' <= c && c <= '9', c == '-', c == '.', c == '_', c == '~':
			dst = append(dst, c)
		default:
			dst = append(dst, '%', digits[c>>4], digits[c&15])
		}
	}
	return dst
}
