package signature

import "strings"

// Fields are the fields of a message; http.Header is one, and Header, which is
// faster. Values returns the values of all lines with a name, in order; the name
// is in lower case.
type Fields interface {
	Values(name string) []string
}

// Message is what is signed. Its strings are as they were sent, or will be.
type Message struct {
	Status int // of an answer; 0: the message is a request

	// Of a request.
	Method    string
	Scheme    string // http or https
	Authority string // of the field Host, or :authority
	Target    string // what stands in the request line; in HTTP/2, :path

	Header  Fields
	Trailer Fields // nil when there is none, or it has not come

	// HasBody says that content comes with the message. Verify then wants its
	// Content-Digest covered.
	HasBody bool

	// Request is, of an answer, what it answers; nil when that is not known.
	Request *Message

	// Structured says what a field is that this package does not know, for
	// components with sf; nil knows none.
	Structured func(name string) FieldType
}

// FieldType is what a structured field is (RFC 9651 §3).
type FieldType uint8

// The types.
const (
	NotStructured FieldType = iota
	Item
	List
	Dictionary
)

// structuredFields are the fields that are known to be structured.
var structuredFields = [...]struct {
	name string
	is   FieldType
}{
	{"accept-ch", List}, {"accept-signature", Dictionary}, {"available-dictionary", Item},
	{"cache-group-invalidation", List}, {"cache-groups", List}, {"cache-status", List}, {"cdn-cache-control", Dictionary},
	{"client-cert", Item}, {"client-cert-chain", List}, {"content-digest", Dictionary}, {"deprecation", Item},
	{"no-vary-search", Dictionary}, {"permissions-policy", Dictionary}, {"priority", Dictionary}, {"proxy-status", List},
	{"repr-digest", Dictionary}, {"signature", Dictionary}, {"signature-input", Dictionary}, {"unencoded-digest", Dictionary},
	{"use-as-dictionary", Dictionary}, {"want-content-digest", Dictionary}, {"want-repr-digest", Dictionary},
	{"want-unencoded-digest", Dictionary},
}

// typeOf says what a field is.
func (m *Message) typeOf(name string) FieldType {
	for i := range structuredFields {
		if structuredFields[i].name == name {
			return structuredFields[i].is
		}
	}
	if m.Structured != nil {
		return m.Structured(name)
	}
	return NotStructured
}

// lines returns the lines of a field.
func (m *Message) lines(name string, trailer bool) []string {
	return m.linesOf(knownAs(name), name, trailer)
}

func (m *Message) linesOf(k known, name string, trailer bool) []string {
	from := m.Header
	if trailer {
		from = m.Trailer
	}
	var lines []string
	if h, ok := from.(Header); ok {
		lines = h.values(k, name)
	} else if from != nil {
		lines = from.Values(name)
	}
	if len(lines) == 0 && k == hostField && !trailer && m.Status == 0 && m.Authority != "" {
		return []string{m.Authority} // net/http has it elsewhere
	}
	return lines
}

// target is a request target taken apart (RFC 9112 §3.2).
type target struct {
	scheme, authority string
	path, query       string // query with its question mark; "" for none
	whole             bool   // it names a resource, so that it has a path
}

// isUsual reports whether it is a request whose target is a path, perhaps with a
// query, so that nothing of it has to be taken apart to say which URI it is of, and
// every octet of it may stand in a base.
func (m *Message) isUsual() bool {
	return m.Status == 0 && m.Method != "CONNECT" && m.Scheme != "" && m.Authority != "" &&
		len(m.Target) > 0 && m.Target[0] == '/' && withoutFragment(m.Target)
}

// split takes the target of a request apart. An absolute form says more than the
// field Host.
func (m *Message) split() (t target) {
	t.scheme, t.authority = m.Scheme, m.Authority
	rest := m.Target
	switch {
	case m.Method == "CONNECT":
		t.authority = rest
		return t
	case rest == "*":
		return t
	case !strings.HasPrefix(rest, "/"):
		scheme, after, ok := strings.Cut(rest, "://")
		if !ok {
			return t
		}
		t.scheme = scheme
		end := strings.IndexAny(after, "/?")
		if end < 0 {
			end = len(after)
		}
		t.authority, rest = after[:end], after[end:]
	}
	t.whole = true
	rest, _, _ = strings.Cut(rest, "#") // no client sends one
	if i := strings.IndexByte(rest, '?'); i >= 0 {
		rest, t.query = rest[:i], rest[i:]
	}
	if t.path = rest; rest == "" {
		t.path = "/"
	}
	return t
}

// appendLower appends s in lower case.
func appendLower(dst []byte, s string) []byte {
	if s == "https" || s == "http" {
		return append(dst, s...)
	}
	for i := range len(s) {
		c := s[i]
		if 'A' <= c && c <= 'Z' {
			c |= 0x20
		}
		dst = append(dst, c)
	}
	return dst
}

// appendAuthority appends an authority in its normal form: in lower case,
// without the scheme's own port (RFC 9110 §4.2.3).
func appendAuthority(dst []byte, t *target) []byte {
	a := t.authority
	if i := strings.LastIndexByte(a, ':'); i >= 0 {
		switch port := a[i+1:]; {
		case port == "",
			port == "80" && strings.EqualFold(t.scheme, "http"),
			port == "443" && strings.EqualFold(t.scheme, "https"):
			a = a[:i]
		}
	}
	return appendLower(dst, a)
}
