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
// it reads that parser reads to the same end (FuzzScan). The entry has forgotten the
// message before.
func (e *entry) scan(in, sig string) bool {
	e.fault = Verified
	rest, ok := e.scanKnown(in)
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

// scanLabel reads the label, and the parenthesis behind it.
func scanLabel(s string) (label, rest string, ok bool) {
	at := labelLength(s)
	if at == 0 || !strings.HasPrefix(s[at:], "=(") {
		return "", "", false
	}
	return s[:at], s[at+2:], true
}

// scanList reads the components behind a parenthesis, and returns what follows.
func (e *entry) scanList(s string) (rest string, ok bool) {
	e.covers = list{all: e.own[:0]}
	if strings.HasPrefix(s, ")") {
		return s[1:], true
	}
	for len(e.covers.all) < MaxComponents && s != "" && s[0] == '"' {
		end := plainLength(s[1:]) + 1
		if end == 1 || end+1 >= len(s) || s[end] != '"' {
			return "", false
		}
		c := covered{component: component{name: s[1:end]}}
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
	const nowhere = -1 << 30
	last, alg, keyid, tag := s, nowhere, nowhere, nowhere
	for s != "" {
		if len(s) == len(e.tail.text) && s == string(e.tail.text) {
			return e.tail.take(p, s)
		}
		ok, twice := false, false
		switch {
		case len(s) > 9 && s[:9] == ";created=":
			twice, p.hasCreated = p.hasCreated, true
			p.created, s, ok = scanNumber(s[9:])
			last = s
		case len(s) > 9 && s[:9] == ";expires=":
			twice, p.hasExpires = p.hasExpires, true
			p.expires, s, ok = scanNumber(s[9:])
			last = s
		case len(s) > 8 && s[:8] == `;nonce="`:
			twice, p.hasNonce = p.hasNonce, true
			p.nonce, s, ok = scanString(s[8:])
			last = s
		case len(s) > 8 && s[:8] == `;keyid="`:
			twice, p.hasID = p.hasID, true
			p.keyid, s, ok = scanString(s[8:])
			keyid = -len(s)
		case len(s) > 6 && s[:6] == `;alg="`:
			twice, p.hasAlg = p.hasAlg, true
			p.alg, s, ok = scanString(s[6:])
			alg = -len(s)
		case len(s) > 6 && s[:6] == `;tag="`:
			twice, p.hasTag = p.hasTag, true
			p.tag, s, ok = scanString(s[6:])
			tag = -len(s)
		}
		if !ok || twice {
			return false
		}
	}
	e.tail.remember(last, part{alg, len(p.alg)}, part{keyid, len(p.keyid)}, part{tag, len(p.tag)})
	return true
}

// scanNumber reads a whole number that is not negative.
func scanNumber(s string) (n int64, rest string, ok bool) {
	i := 0
	if len(s) >= 8 {
		if n, ok = eightDigits(eight(s, 0)); ok {
			i = 8
		}
	}
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
	return ok
}
