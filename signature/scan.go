package signature

import (
	"strings"

	"freshet/internal/field"
)

// scan reads the two fields of a message with one signature in the form in which
// nearly all come, in place:
//
//	Signature-Input: sig1=("@method" "@path");created=1618884473;keyid="k"
//	Signature: sig1=:AAAA:
//
// components without parameters, parameters that are known and stand once, and
// everything written in the one form that the base has it in. What differs in
// anything it leaves to the parser of structured fields, and reports false; what
// it reads that parser reads to the same end (FuzzScan).
func (e *entry) scan(in, sig string) bool {
	at := labelLength(in)
	if at == 0 || !strings.HasPrefix(in[at:], "=(") {
		return false
	}
	e.label, e.text = in[:at], in[at+1:]
	e.fault, e.list, e.broken, e.s, e.wrong = Verified, nil, false, parameters{}, ""
	rest, ok := e.knownList(in[at+2:])
	return ok && e.scanParameters(rest) && e.scanBytes(sig)
}

// labelLength is how long the key of a dictionary is that s begins with.
func labelLength(s string) int {
	for i := range len(s) {
		c := s[i]
		switch {
		case 'a' <= c && c <= 'z', c == '*':
		case i > 0 && ('0' <= c && c <= '9' || c == '_' || c == '-' || c == '.'):
		default:
			return i
		}
	}
	return len(s)
}

// maxKnownList is how long a list of components is that is remembered.
const maxKnownList = 1 << 10

// knownList is scanList that remembers: who signs covers the same components each
// time.
func (e *entry) knownList(s string) (rest string, ok bool) {
	if e.listed != "" && strings.HasPrefix(s, e.listed) {
		return s[len(e.listed):], true
	}
	e.listed = ""
	if rest, ok = e.scanList(s); !ok || len(s)-len(rest) > maxKnownList {
		return rest, ok
	}
	listed := strings.Clone(s[:len(s)-len(rest)])
	if _, ok = e.scanList(listed); ok {
		e.listed = listed
	}
	return rest, ok
}

// scanList reads the components behind a parenthesis, and returns what follows.
func (e *entry) scanList(s string) (rest string, ok bool) {
	e.covers = list{all: e.covers.all[:0]}
	if strings.HasPrefix(s, ")") {
		return s[1:], true
	}
	for len(e.covers.all) < MaxComponents && s != "" && s[0] == '"' {
		end := plainLength(s[1:]) + 1
		if end == 1 || end+1 >= len(s) || s[end] != '"' {
			return "", false
		}
		c := covered{component: component{name: s[1:end]}, text: s[:end+1]}
		c.derived = c.name[0] == '@'
		c.known = knownAs(c.name)
		if c.known == atQueryParam || c.name == "@signature-params" || !plainName(c.name) {
			return "", false // it needs a parameter, or is none
		}
		e.covers.add(c)
		switch s[end+1] {
		case ')':
			return s[end+2:], true
		case ' ':
			s = s[end+2:]
		default:
			return "", false
		}
	}
	return "", false
}

// plainName reports whether a name is one of a component.
func plainName(s string) bool {
	for i := range len(s) {
		if c := s[i]; c <= ' ' || c > '~' || c == '"' || c == ':' || c == '\\' || 'A' <= c && c <= 'Z' {
			return false
		}
	}
	return true
}

// scanParameters reads all that is left of Signature-Input.
func (e *entry) scanParameters(s string) bool {
	p := &e.s
	for s != "" {
		ok, twice := false, false
		switch {
		case len(s) > 9 && s[:9] == ";created=":
			twice, p.hasCreated = p.hasCreated, true
			p.created, s, ok = scanNumber(s[9:])
		case len(s) > 9 && s[:9] == ";expires=":
			twice, p.hasExpires = p.hasExpires, true
			p.expires, s, ok = scanNumber(s[9:])
		case len(s) > 8 && s[:8] == `;nonce="`:
			twice, p.hasNonce = p.hasNonce, true
			p.nonce, s, ok = scanString(s[8:])
		case len(s) > 8 && s[:8] == `;keyid="`:
			twice, p.hasID = p.hasID, true
			p.keyid, s, ok = scanString(s[8:])
		case len(s) > 6 && s[:6] == `;alg="`:
			twice, p.hasAlg = p.hasAlg, true
			p.alg, s, ok = scanString(s[6:])
		case len(s) > 6 && s[:6] == `;tag="`:
			twice, p.hasTag = p.hasTag, true
			p.tag, s, ok = scanString(s[6:])
		}
		if !ok || twice {
			return false
		}
	}
	return true
}

// scanNumber reads a whole number that is not negative.
func scanNumber(s string) (n int64, rest string, ok bool) {
	i := 0
	for i < len(s) && i < 15 && '0' <= s[i] && s[i] <= '9' {
		n = n*10 + int64(s[i]-'0')
		i++
	}
	return n, s[i:], i > 0 && (s[0] != '0' || i == 1)
}

// scanString reads a string, behind its quote, in which nothing is escaped.
func scanString(s string) (text, rest string, ok bool) {
	i := plainLength(s)
	if i == len(s) || s[i] != '"' {
		return "", "", false
	}
	return s[:i], s[i+1:], true
}

// scanBytes reads Signature.
func (e *entry) scanBytes(s string) bool {
	from, to := len(e.label)+2, len(s)-1
	if to < from || s[:len(e.label)] != e.label || s[from-2:from] != "=:" || s[to] != ':' {
		return false
	}
	coded := s[from:to]
	if len(coded) > MaxSignatureBytes*4/3+4 {
		return false
	}
	var ok bool
	e.sig, ok = field.AppendDecoded(e.sig[:0], coded)
	e.coded = ""
	return ok
}
