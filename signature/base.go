package signature

import (
	"encoding/base64"
	"strconv"
	"strings"

	"freshet/internal/field"
)

// MaxComponents is how many components a signature may cover: each one is looked
// for in the message.
const MaxComponents = 64

// appendBase appends the signature base (RFC 9421 §2.5):
//
//	"@method": GET
//	"content-type": text/plain
//	"@signature-params": ("@method" "content-type");created=1618884473
//
// bad is the component whose value cannot be told, and wrong why; "" is nothing.
// What is parsed for it is kept in read, for the next base of the message.
func (m *Message) appendBase(dst []byte, e *entry, read *reading) (base []byte, bad, wrong string) {
	covers := e.covers.all
	fields, _ := m.Header.(Header)
	lead := 1 // the first one ends no line
	if e.known != nil && m.isUsual() {
		o := &e.known.opening
		if !o.isOf(m) {
			o.remember(m, covers)
		}
		if len(o.base) > 0 {
			dst = append(dst, o.base[lead:]...)
			lead = 0
		}
		covers = covers[o.whole:]
		if o.target {
			dst = append(dst, m.Target...)
			covers = covers[1:]
		}
	}
	for i := range covers {
		c := &covers[i]
		if c.wrong != "" {
			return dst, c.text(), c.wrong
		}
		dst = append(dst, c.lead[lead:]...)
		lead = 0
		if c.bare {
			// Most fields have one line that is its own value.
			var lines []string
			if fields != nil && c.known != unlisted {
				lines = fields[canonical[c.known]]
			} else {
				lines = m.linesOf(c.known, c.name, false)
			}
			if len(lines) == 1 && isTrimmed(lines[0]) && printable(lines[0]) {
				dst = append(dst, lines[0]...)
				continue
			}
		}
		from := len(dst)
		if c.derived && !c.req {
			dst, wrong = m.appendDerived(dst, &c.component, read)
		} else {
			dst, wrong = m.appendComponent(dst, &c.component, read)
		}
		if wrong != "" {
			return dst, c.text(), wrong
		}
		if !isValue(dst[from:]) {
			return dst, c.text(), notPrintable
		}
	}
	dst = append(dst, "\n\"@signature-params\": "[lead:]...)
	if e.broken {
		return dst, notBase64, "a parameter is not base64"
	}
	return append(dst, e.text...), "", ""
}

// isValue reports whether b can be the value of a component.
func isValue(b []byte) bool {
	if printable(b) {
		return true
	}
	for _, c := range b {
		if c < ' ' && c != '\t' || c > '~' {
			return false
		}
	}
	return true
}

const (
	coveredTwice = "it is covered twice"
	notPrintable = "its value is not printable ASCII"

	notThere    = "the message does not have it"
	notDerived  = "it cannot be told of this message"
	notKnown    = "it is not known"
	ofRequests  = "it is of a request; an answer names it with the parameter req"
	ofAnswers   = "it is of an answer"
	noRequest   = "the request is not known"
	reqInReq    = "req is for signatures of answers"
	notOfType   = "it is not the structured field that it has to be"
	unknownType = "it is not known to be a structured field"
)

// appendComponent appends the value of a component.
func (m *Message) appendComponent(dst []byte, c *component, read *reading) ([]byte, string) {
	if c.req {
		switch {
		case m.Status == 0:
			return dst, reqInReq
		case m.Request == nil:
			return dst, noRequest
		}
		m = m.Request
	}
	if c.derived {
		return m.appendDerived(dst, c, read)
	}
	lines := m.linesOf(c.known, c.name, c.tr)
	if len(lines) == 0 {
		return dst, notThere
	}
	switch {
	case c.bs:
		return appendBinary(dst, lines), ""
	case c.keyed:
		if t := m.typeOf(c.name); t != Dictionary && t != NotStructured {
			return dst, notOfType
		}
		members, wrong := read.dictionary(m, c, lines)
		if wrong != "" {
			return dst, wrong
		}
		return appendMember(dst, members, c.key)
	case c.sf && m.typeOf(c.name) == Dictionary:
		members, wrong := read.dictionary(m, c, lines)
		if wrong != "" {
			return dst, wrong
		}
		dst, ok := field.AppendMembers(dst, members)
		if !ok {
			return dst, notOfType
		}
		return dst, ""
	case c.sf:
		if !read.takesLines(lines) {
			return dst, tooMuch
		}
		return appendStrict(dst, lines, m.typeOf(c.name))
	}
	for i, line := range lines {
		if i > 0 {
			dst = append(dst, ", "...)
		}
		dst = appendUnfolded(dst, line)
	}
	return dst, ""
}

// appendUnfolded appends a line of a field without the whitespace around it, and
// with one space for each fold (RFC 9421 §2.1 item 3).
func appendUnfolded(dst []byte, line string) []byte {
	if !isTrimmed(line) {
		line = strings.Trim(line, " \t\r\n")
	}
	for {
		i := strings.IndexByte(line, '\n')
		if i < 0 {
			return append(dst, line...)
		}
		after := strings.TrimLeft(line[i+1:], " \t")
		if len(after) == len(line)-i-1 {
			return append(dst, line...) // no fold: a line that nothing may have
		}
		dst = append(dst, strings.TrimRight(line[:i], " \t\r")...)
		dst = append(dst, ' ')
		line = after
	}
}

// isTrimmed reports whether a line of a field has no whitespace around it.
func isTrimmed(line string) bool {
	return line != "" && line[0] > ' ' && line[len(line)-1] > ' '
}

// appendBinary appends lines as sequences of bytes (RFC 9421 §2.1.3).
func appendBinary(dst []byte, lines []string) []byte {
	var few [256]byte
	for i, line := range lines {
		if i > 0 {
			dst = append(dst, ", "...)
		}
		dst = append(dst, ':')
		dst = base64.StdEncoding.AppendEncode(dst, appendUnfolded(few[:0], line))
		dst = append(dst, ':')
	}
	return dst
}

// appendMember appends a member of a dictionary (RFC 9421 §2.1.2).
func appendMember(dst []byte, members []field.Member, key string) ([]byte, string) {
	m := find(members, key)
	if m == nil {
		return dst, notThere
	}
	dst, ok := field.AppendStructured(dst, &m.Structured)
	if !ok {
		return dst, notOfType
	}
	return dst, ""
}

// appendStrict appends a structured field that is no dictionary in its one form
// (RFC 9421 §2.1.1).
func appendStrict(dst []byte, lines []string, t FieldType) ([]byte, string) {
	var ok bool
	switch t {
	case List, Item:
		var values []field.Structured
		values, ok = field.ParseValues(lines)
		ok = ok && (t == List || len(values) == 1 && values[0].Kind != field.Inner)
		for i := 0; ok && i < len(values); i++ {
			if i > 0 {
				dst = append(dst, ", "...)
			}
			dst, ok = field.AppendStructured(dst, &values[i])
		}
	default:
		return dst, unknownType
	}
	if !ok {
		return dst, notOfType
	}
	return dst, ""
}

// appendDerived appends what is no field (RFC 9421 §2.2).
func (m *Message) appendDerived(dst []byte, c *component, read *reading) ([]byte, string) {
	if c.known == atStatus {
		if m.Status < 100 || m.Status > 999 {
			return dst, ofAnswers
		}
		return strconv.AppendInt(dst, int64(m.Status), 10), ""
	}
	if m.Status != 0 {
		return dst, ofRequests
	}
	switch {
	case c.known == atMethod && m.Method != "":
		return append(dst, m.Method...), ""
	}
	t := m.split()
	ok := false
	switch from := len(dst); c.known {
	case atScheme:
		dst = appendLower(dst, t.scheme)
		ok = len(dst) > from
	case atAuthority:
		dst = appendAuthority(dst, &t)
		ok = len(dst) > from
	case atRequestTarget:
		dst = append(dst, m.Target...)
		ok = len(dst) > from
	case atTargetURI:
		dst = appendLower(dst, t.scheme)
		dst = append(dst, "://"...)
		dst = append(dst, t.authority...)
		dst = append(dst, t.path...)
		dst = append(dst, t.query...)
		ok = t.whole && t.scheme != "" && t.authority != ""
	case atPath:
		dst = append(dst, t.path...)
		ok = t.whole
	case atQuery:
		dst = append(dst, t.query...)
		if t.query == "" {
			dst = append(dst, '?')
		}
		ok = t.whole
	case atQueryParam:
		if !read.takes(len(t.query)) {
			return dst, tooMuch
		}
		return appendQueryParam(dst, t.query, c.param)
	default:
		return dst, notKnown
	}
	if !ok {
		return dst, notDerived
	}
	return dst, ""
}
