package check

import (
	"encoding/base64"
	"strings"
	"unicode/utf8"

	"freshet/internal/field"
)

// bare reads an item without parameters (RFC 9651 §4.2.3.1).
func (p *sfReader) bare() (m sfMember) {
	if p.want != "" {
		return m
	}
	switch c := p.next(); {
	case c == '-' || isDigit(c):
		return p.number()
	case c == '*' || isAlpha(c):
		return sfMember{Kind: field.Token, Text: p.span(isSFToken)}
	case p.take('"'):
		return p.quoted('\\')
	case p.take('?'):
		one := p.take('1')
		if !one && !p.take('0') {
			p.fail("0 or 1 behind the question mark")
		}
		return sfMember{Kind: field.Boolean, Bool: one}
	case p.take(':'):
		return p.bytes()
	case p.take('@'):
		from := p.at
		m = p.number()
		if m.Kind == field.Decimal {
			p.failAt(from, "a whole number of seconds")
		}
		m.Kind = field.Date
		return m
	case p.take('%'):
		if !p.take('"') {
			p.fail("a quotation mark behind the percent sign")
			return m
		}
		return p.quoted('%')
	}
	p.fail("a value (number, \"string\", token, :bytes:, ?0 or ?1, @date)")
	return m
}

// bytes reads a byte sequence behind its colon (RFC 9651 §4.2.7). Padding may
// be left out, as there.
func (p *sfReader) bytes() sfMember {
	from := p.at
	coded := p.span(isBase64)
	if !p.take(':') {
		p.fail("base64 or a closing colon")
		return sfMember{}
	}
	raw, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(coded, "="))
	if err != nil {
		p.failAt(from, "base64 of whole bytes")
	}
	return sfMember{Kind: field.Bytes, Text: string(raw)}
}

// number reads an integer of up to 15 digits, or a decimal of up to 12 and 3
// (RFC 9651 §4.2.4).
func (p *sfReader) number() (m sfMember) {
	from := p.at
	negative := p.take('-')
	whole := p.span(isDigit)
	m.Kind = field.Integer
	fraction := ""
	switch {
	case whole == "":
		p.fail("a digit")
		return m
	case len(whole) > 15:
		p.failAt(from, "a number of at most 15 digits")
		return m
	case p.take('.'):
		m.Kind = field.Decimal
		fraction = p.span(isDigit)
		switch {
		case fraction == "":
			p.fail("a digit behind the point")
			return m
		case len(whole) > 12:
			p.failAt(from, "at most 12 digits before the point")
			return m
		case len(fraction) > 3:
			p.failAt(p.at-len(fraction)+3, "at most 3 digits behind the point")
			return m
		}
		fraction += "00"[:3-len(fraction)]
	}
	for _, c := range []byte(whole + fraction) {
		m.Int = m.Int*10 + int64(c-'0')
	}
	if negative {
		m.Int = -m.Int
	}
	return m
}

// quoted reads a string or, with escape %, a display string behind its quote
// (RFC 9651 §4.2.5, §4.2.10).
func (p *sfReader) quoted(escape byte) (m sfMember) {
	m.Kind = field.String
	if escape == '%' {
		m.Kind = field.Display
	}
	from := p.at
	var b strings.Builder
	for p.at < p.end {
		switch c := p.text[p.at]; {
		case c == '"':
			p.at++
			m.Text = b.String()
			if m.Kind == field.Display && !utf8.ValidString(m.Text) {
				p.failAt(from, "UTF-8 in percent-coding")
			}
			return m
		case c == escape && c == '%':
			octet, ok := p.percent()
			if !ok {
				p.fail("two hexadecimal digits in lower case behind the percent sign")
				return m
			}
			b.WriteByte(octet)
		case c == escape:
			p.at++
			if c = p.next(); c != '"' && c != '\\' {
				p.fail(`\" or \\`)
				return m
			}
			b.WriteByte(c)
			p.at++
		case c < ' ' || c > '~':
			p.fail("printable ASCII within a string")
			return m
		default:
			b.WriteByte(c)
			p.at++
		}
	}
	p.fail("the closing quotation mark")
	return m
}

// percent reads a percent sign and two digits.
func (p *sfReader) percent() (octet byte, ok bool) {
	p.at++
	for range 2 {
		c := p.next()
		switch {
		case isDigit(c):
			octet = octet<<4 | (c - '0')
		case 'a' <= c && c <= 'f':
			octet = octet<<4 | (c - 'a' + 10)
		default:
			return 0, false
		}
		p.at++
	}
	return octet, true
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func isAlpha(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }

func isSFKeyStart(c byte) bool { return 'a' <= c && c <= 'z' || c == '*' }

func isSFKey(c byte) bool {
	return isSFKeyStart(c) || isDigit(c) || c == '_' || c == '-' || c == '.'
}

func isSFToken(c byte) bool {
	return isAlpha(c) || isDigit(c) || strings.IndexByte("!#$%&'*+-.^_`|~:/", c) >= 0 && c != 0
}

func isBase64(c byte) bool { return isAlpha(c) || isDigit(c) || c == '+' || c == '/' || c == '=' }
