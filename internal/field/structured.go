package field

import (
	"strings"
	"unicode/utf8"
)

// Kind is the type of a structured value (RFC 9651 §3).
type Kind uint8

// The kinds. Of the value they set the member that is named behind them.
const (
	Boolean Kind = iota // Bool
	Integer             // Int
	Decimal             // Int, in thousandths
	String              // Text
	Token               // Text
	Bytes               // Text, in base64 as it was written
	Date                // Int, seconds since 1970
	Display             // Text, UTF-8
	Inner               // List
)

// Structured is a value of a structured field: an item or an inner list.
type Structured struct {
	Kind   Kind
	Bool   bool
	Int    int64
	Text   string
	List   []Structured
	Params []Member // of ParseMembers and ParseValues; others check them and drop them
}

// Member is a member of a dictionary.
type Member struct {
	Key string
	Structured
}

// MaxMembers is how many members a dictionary or a list may have, and an inner
// list of one: as many as RFC 9651 §3.1 and §3.2 ask for. With more the field
// counts as malformed.
const MaxMembers = 1024

// MaxParameters is how many parameters ParseMembers keeps of a value: as many as
// RFC 9651 §3.1.2 asks for. With more the field counts as malformed.
const MaxParameters = 256

// ParseDictionary reads a structured field that is a dictionary (RFC 9651
// §4.2.2):
//
//	max-age=60, private, no-cache="set-cookie"
//
// lines are the field's lines. The grammar is followed to the letter; ok is
// false when any of it is broken, and then nothing of the field is to be used.
// Of a key that stands twice the last value counts. The empty field is a
// dictionary without members.
func ParseDictionary(lines []string) (members []Member, ok bool) {
	p, ascii := start(lines)
	for p.rest != "" {
		if len(members) == MaxMembers {
			return nil, false
		}
		m, ok := p.dictionaryMember()
		if !ok {
			return nil, false
		}
		members = set(members, m.Key, m.Structured)
	}
	return members, ascii
}

// ParseMembers is ParseDictionary for those to whom a dictionary is more than
// values by key: parameters are kept, up to MaxParameters of each, and so is
// each member of a key that stands twice, in the order in which they came.
func ParseMembers(lines []string) (members []Member, ok bool) {
	p, ascii := start(lines)
	p.keep = true
	for p.rest != "" {
		if len(members) == MaxMembers {
			return nil, false
		}
		m, ok := p.dictionaryMember()
		if !ok {
			return nil, false
		}
		members = append(members, m)
	}
	return members, ascii
}

// dictionaryMember reads a member of a dictionary and what separates it from the
// next.
func (p *structured) dictionaryMember() (m Member, ok bool) {
	if m.Key, ok = p.key(); !ok {
		return m, false
	}
	m.Structured = Structured{Kind: Boolean, Bool: true}
	if p.take('=') {
		m.Structured, ok = p.member()
	} else {
		ok = p.parameters(&m.Structured)
	}
	return m, ok && p.separator()
}

// ParseList reads a structured field that is a list (RFC 9651 §4.2.1), as
// ParseDictionary does a dictionary.
func ParseList(lines []string) (values []Structured, ok bool) { return parseList(lines, false) }

// ParseValues is ParseList that keeps parameters, as ParseMembers does. A field
// that is an item is a list of one, which is no inner list.
func ParseValues(lines []string) (values []Structured, ok bool) { return parseList(lines, true) }

func parseList(lines []string, keep bool) (values []Structured, ok bool) {
	p, ascii := start(lines)
	p.keep = keep
	for p.rest != "" {
		if len(values) == MaxMembers {
			return nil, false
		}
		v, ok := p.member()
		if !ok || !p.separator() {
			return nil, false
		}
		values = append(values, v)
	}
	return values, ascii
}

// start joins the lines of a field. When they hold what is not ASCII, nothing is
// left to be read.
func start(lines []string) (p structured, ascii bool) {
	s := strings.Trim(strings.Join(lines, ", "), " ")
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return structured{}, false
		}
	}
	return structured{rest: s}, true
}

// set gives key its value: the last one counts (RFC 9651 §4.2.2).
func set(members []Member, key string, v Structured) []Member {
	for i := range members {
		if members[i].Key == key {
			members[i].Structured = v
			return members
		}
	}
	return append(members, Member{key, v})
}

// structured is what is left to be read of a field.
type structured struct {
	rest string
	keep bool // parameters are kept
}

// take skips c if it comes next.
func (p *structured) take(c byte) bool {
	if p.rest == "" || p.rest[0] != c {
		return false
	}
	p.rest = p.rest[1:]
	return true
}

// span takes the longest prefix whose bytes are all in a set.
func (p *structured) span(in func(c byte) bool) string {
	i := 0
	for i < len(p.rest) && in(p.rest[i]) {
		i++
	}
	s := p.rest[:i]
	p.rest = p.rest[i:]
	return s
}

func (p *structured) spaces() { p.span(func(c byte) bool { return c == ' ' }) }

// separator reads the comma between two members, or the end of the field. A
// comma at the end is an error.
func (p *structured) separator() bool {
	p.span(isSpace)
	if p.rest == "" {
		return true
	}
	if !p.take(',') {
		return false
	}
	p.span(isSpace)
	return p.rest != ""
}

func isKeyStart(c byte) bool { return 'a' <= c && c <= 'z' || c == '*' }

func isKey(c byte) bool {
	return isKeyStart(c) || isDigit(c) || c == '_' || c == '-' || c == '.'
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func isAlpha(c byte) bool { return 'a' <= Lower(c) && Lower(c) <= 'z' }

func (p *structured) key() (string, bool) {
	if p.rest == "" || !isKeyStart(p.rest[0]) {
		return "", false
	}
	return p.span(isKey), true
}

// member reads an item or an inner list, with its parameters.
func (p *structured) member() (v Structured, ok bool) {
	if p.take('(') {
		v, ok = p.inner()
	} else {
		v, ok = p.item()
	}
	return v, ok && p.parameters(&v)
}

// inner reads an inner list behind its parenthesis (RFC 9651 §4.2.1.2).
func (p *structured) inner() (v Structured, ok bool) {
	v.Kind = Inner
	for {
		p.spaces()
		if p.take(')') {
			return v, true
		}
		if len(v.List) == MaxMembers {
			return v, false
		}
		item, ok := p.item()
		if !ok || !p.parameters(&item) {
			return v, false
		}
		v.List = append(v.List, item)
		if p.rest == "" || p.rest[0] != ' ' && p.rest[0] != ')' {
			return v, false
		}
	}
}

// parameters reads the parameters of v (RFC 9651 §4.2.3.2).
func (p *structured) parameters(v *Structured) bool {
	for p.take(';') {
		p.spaces()
		key, ok := p.key()
		if !ok {
			return false
		}
		value := Structured{Kind: Boolean, Bool: true}
		if p.take('=') {
			if value, ok = p.item(); !ok {
				return false
			}
		}
		if !p.keep {
			continue
		}
		if v.Params = set(v.Params, key, value); len(v.Params) > MaxParameters {
			return false
		}
	}
	return true
}

// item reads a bare item (RFC 9651 §4.2.3.1).
func (p *structured) item() (v Structured, ok bool) {
	if p.rest == "" {
		return v, false
	}
	switch c := p.rest[0]; {
	case c == '-' || isDigit(c):
		return p.number()
	case c == '*' || isAlpha(c):
		return Structured{Kind: Token, Text: p.span(isTokenOrSlash)}, true
	}
	switch {
	case p.take('"'):
		return p.text()
	case p.take('?'):
		one := p.take('1')
		return Structured{Kind: Boolean, Bool: one}, one || p.take('0')
	case p.take(':'):
		s := p.span(isBase64)
		return Structured{Kind: Bytes, Text: s}, p.take(':')
	case p.take('@'):
		v, ok = p.number()
		ok = ok && v.Kind == Integer
		v.Kind = Date
		return v, ok
	case p.take('%'):
		return p.display()
	}
	return v, false
}

func isTokenOrSlash(c byte) bool { return isTchar(c) || c == ':' || c == '/' }

func isBase64(c byte) bool { return isAlpha(c) || isDigit(c) || c == '+' || c == '/' || c == '=' }

// number reads an integer of up to 15 digits, or a decimal of up to 12 and 3
// (RFC 9651 §4.2.4).
func (p *structured) number() (v Structured, ok bool) {
	negative := p.take('-')
	whole := p.span(isDigit)
	v.Kind = Integer
	fraction := ""
	switch {
	case whole == "" || len(whole) > 15:
		return v, false
	case p.take('.'):
		v.Kind = Decimal
		fraction = p.span(isDigit)
		if len(whole) > 12 || fraction == "" || len(fraction) > 3 {
			return v, false
		}
		fraction += "00"[:3-len(fraction)]
	}
	for _, digits := range [2]string{whole, fraction} {
		for i := range len(digits) {
			v.Int = v.Int*10 + int64(digits[i]-'0')
		}
	}
	if negative {
		v.Int = -v.Int
	}
	return v, true
}

// text reads a string behind its quote (RFC 9651 §4.2.5).
func (p *structured) text() (v Structured, ok bool) {
	v.Kind = String
	if i := strings.IndexAny(p.rest, `"\`); i >= 0 && p.rest[i] == '"' && isPrintable(p.rest[:i]) {
		v.Text, p.rest = p.rest[:i], p.rest[i+1:] // as most are
		return v, true
	}
	var b strings.Builder
	for i := 0; i < len(p.rest); i++ {
		switch c := p.rest[i]; {
		case c == '"':
			v.Text = b.String()
			p.rest = p.rest[i+1:]
			return v, true
		case c == '\\':
			i++
			if i == len(p.rest) || p.rest[i] != '"' && p.rest[i] != '\\' {
				return v, false
			}
			b.WriteByte(p.rest[i])
		case c < ' ' || c > '~':
			return v, false
		default:
			b.WriteByte(c)
		}
	}
	return v, false
}

func isPrintable(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

// display reads a display string behind its percent sign (RFC 9651 §4.2.10).
func (p *structured) display() (v Structured, ok bool) {
	v.Kind = Display
	if !p.take('"') {
		return v, false
	}
	var b strings.Builder
	for i := 0; i < len(p.rest); i++ {
		switch c := p.rest[i]; {
		case c == '"':
			v.Text = b.String()
			p.rest = p.rest[i+1:]
			return v, utf8.ValidString(v.Text)
		case c == '%':
			if i+2 >= len(p.rest) || lowerHex(p.rest[i+1]) < 0 || lowerHex(p.rest[i+2]) < 0 {
				return v, false
			}
			b.WriteByte(byte(lowerHex(p.rest[i+1])<<4 | lowerHex(p.rest[i+2])))
			i += 2
		case c < ' ' || c > '~':
			return v, false
		default:
			b.WriteByte(c)
		}
	}
	return v, false
}

// lowerHex returns the value of a hexadecimal digit without capitals, or -1.
func lowerHex(c byte) int {
	switch {
	case isDigit(c):
		return int(c - '0')
	case 'a' <= c && c <= 'f':
		return int(c-'a') + 10
	}
	return -1
}
