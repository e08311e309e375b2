package check

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"freshet/internal/field"
)

// This file reads structured fields (RFC 9651) as field.ParseDictionary and
// field.ParseList do, for a reader who has to repair them: it says where the
// grammar is broken and what was expected there, keeps parameters, and remembers
// keys that stand twice.

// sfType is what a structured field is as a whole (RFC 9651 §3).
type sfType uint8

const (
	sfItem sfType = iota
	sfList
	sfDictionary
)

var sfTypeNames = [...]string{sfItem: "item", sfList: "list", sfDictionary: "dictionary"}

func (t sfType) String() string { return sfTypeNames[t] }

// An sfMember is an item, or a member of a list, dictionary or inner list, or a
// parameter. Of Kind and the members that it sets field.Kind tells; those of
// kind field.Bytes hold in Text the bytes, decoded.
type sfMember struct {
	Key    string // in dictionaries and parameters
	Kind   field.Kind
	Bool   bool
	Int    int64
	Text   string
	List   []sfMember
	Params []sfMember
}

// param returns the parameter with a key, or nil.
func (m *sfMember) param(key string) *sfMember { return sfFind(m.Params, key) }

// sfFind returns the member with a key, or nil.
func sfFind(members []sfMember, key string) *sfMember {
	for i := range members {
		if members[i].Key == key {
			return &members[i]
		}
	}
	return nil
}

// An sfField is a structured field that was read. Without a fault an item has
// one member.
type sfField struct {
	Members []sfMember
	Twice   []string // keys that stand twice in a dictionary or in parameters
	Fault   *sfFault // where the grammar is broken; then Members is nil
}

// An sfFault says where a structured field breaks its grammar.
type sfFault struct {
	Line, Column int // of the field's lines, and of the line's bytes; from 1
	Got          string
	Want         string
}

func (f *sfFault) String() string {
	at := fmt.Sprintf("byte %d", f.Column)
	if f.Line > 1 {
		at += fmt.Sprintf(" of line %d", f.Line)
	}
	return fmt.Sprintf("%s: %s where there should be %s", at, f.Got, f.Want)
}

// parseSF reads the lines of a structured field.
func parseSF(t sfType, lines []string) sfField {
	p := sfReader{lines: lines, text: strings.Join(lines, sfJoint)}
	p.end = len(strings.TrimRight(p.text, " "))
	p.skip(" ")
	var members []sfMember
	switch t {
	case sfItem:
		m := p.item()
		if p.want == "" && p.at < p.end {
			p.fail("the end")
		}
		members = []sfMember{m}
	case sfList:
		members = p.list()
	case sfDictionary:
		members = p.dictionary()
	}
	if p.want == "" {
		return sfField{Members: members, Twice: p.twice}
	}
	return sfField{Fault: p.fault()}
}

// sfJoint joins the lines of a field (RFC 9651 §4.2).
const sfJoint = ", "

// An sfReader is a field being read. Once want is set nothing more is read: the
// first fault is what stops a recipient.
type sfReader struct {
	lines   []string
	text    string
	at, end int
	want    string // what was expected at the fault; "" while there is none
	twice   []string
}

// fail notes what should have come here.
func (p *sfReader) fail(want string) {
	if p.want == "" {
		p.want = want
		p.end = min(p.end, p.at)
	}
}

// failAt is fail for a place that has been read over.
func (p *sfReader) failAt(at int, want string) {
	if p.want == "" {
		p.at = at
		p.fail(want)
	}
}

// fault says in which line and byte the reader stopped.
func (p *sfReader) fault() *sfFault {
	f := sfFault{Line: 1, Column: p.at + 1, Want: p.want, Got: "the end"}
	if p.at < len(p.text) {
		r, n := utf8.DecodeRuneInString(p.text[p.at:])
		f.Got = fmt.Sprintf("%q", r)
		if r == utf8.RuneError && n == 1 {
			f.Got = fmt.Sprintf("the byte %#x", p.text[p.at])
		}
	}
	for _, line := range p.lines {
		last := f.Line == len(p.lines)
		if f.Column <= len(line) || last {
			break
		}
		if f.Column <= len(line)+len(sfJoint) { // where two lines meet
			f.Column, f.Got = len(line)+1, "another line"
			break
		}
		f.Column -= len(line) + len(sfJoint)
		f.Line++
	}
	return &f
}

// next returns the next byte, or 0 at the end.
func (p *sfReader) next() byte {
	if p.at < p.end {
		return p.text[p.at]
	}
	return 0
}

// take skips c if it comes next.
func (p *sfReader) take(c byte) bool {
	if p.at < p.end && p.text[p.at] == c {
		p.at++
		return true
	}
	return false
}

func (p *sfReader) skip(set string) {
	for p.at < p.end && strings.IndexByte(set, p.text[p.at]) >= 0 {
		p.at++
	}
}

// span takes the longest prefix whose bytes are all in a set.
func (p *sfReader) span(in func(c byte) bool) string {
	from := p.at
	for p.at < p.end && in(p.text[p.at]) {
		p.at++
	}
	return p.text[from:p.at]
}

// list reads a list (RFC 9651 §4.2.1).
func (p *sfReader) list() (members []sfMember) {
	for p.want == "" && p.at < p.end {
		m := p.member()
		members = append(members, m)
		p.separator(len(members))
	}
	return members
}

// dictionary reads a dictionary (RFC 9651 §4.2.2).
func (p *sfReader) dictionary() (members []sfMember) {
	for p.want == "" && p.at < p.end {
		key := p.key("a key (lower-case letter or *)")
		m := sfMember{Kind: field.Boolean, Bool: true}
		if p.take('=') {
			m = p.member()
		} else {
			m.Params = p.parameters()
		}
		m.Key = key
		members = p.set(members, m)
		p.separator(len(members))
	}
	return members
}

// set gives a key its value: the last one counts.
func (p *sfReader) set(members []sfMember, m sfMember) []sfMember {
	if old := sfFind(members, m.Key); old != nil {
		p.twice = append(p.twice, m.Key)
		*old = m
		return members
	}
	return append(members, m)
}

// separator reads the comma behind the n-th member, or the end.
func (p *sfReader) separator(n int) {
	if p.want != "" {
		return
	}
	p.skip(" \t")
	if p.at == p.end {
		return
	}
	comma := p.at
	switch {
	case !p.take(','):
		p.fail("a comma or the end")
	case n == field.MaxMembers:
		p.failAt(comma, fmt.Sprintf("the end, as there are %d members", n))
	default:
		p.skip(" \t")
		if p.at == p.end {
			p.fail("a member behind the comma")
		}
	}
}

func (p *sfReader) key(want string) string {
	if c := p.next(); !isSFKeyStart(c) {
		p.fail(want)
		return ""
	}
	return p.span(isSFKey)
}

// member reads an item or an inner list.
func (p *sfReader) member() sfMember {
	if p.take('(') {
		return p.inner()
	}
	return p.item()
}

// inner reads an inner list behind its parenthesis (RFC 9651 §4.2.1.2).
func (p *sfReader) inner() (m sfMember) {
	m.Kind = field.Inner
	for p.want == "" {
		p.skip(" ")
		if p.take(')') {
			m.Params = p.parameters()
			return m
		}
		if len(m.List) == field.MaxMembers {
			p.fail(fmt.Sprintf("the end of the inner list, as it has %d members", field.MaxMembers))
			break
		}
		m.List = append(m.List, p.item())
		if c := p.next(); c != ' ' && c != ')' {
			p.fail("a space or a closing parenthesis")
		}
	}
	return m
}

func (p *sfReader) item() sfMember {
	m := p.bare()
	m.Params = p.parameters()
	return m
}

// parameters reads parameters (RFC 9651 §4.2.3.2).
func (p *sfReader) parameters() (params []sfMember) {
	for p.want == "" && p.take(';') {
		p.skip(" ")
		key := p.key("the key of a parameter (lower-case letter or *)")
		m := sfMember{Kind: field.Boolean, Bool: true}
		if p.take('=') {
			m = p.bare()
		}
		m.Key = key
		params = p.set(params, m)
	}
	return params
}
