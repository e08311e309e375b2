package gateway

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"

	"freshet/internal/rule"
	"freshet/internal/wire"
)

// Limits of a head.
const (
	DefaultMaxHead = 32 << 10 // octets
	maxHead        = outputBuffer
	maxFields      = 256
)

// Kind is what an answer of a program is (RFC 3875 §6.2).
type Kind uint8

// The kinds.
const (
	Document       Kind = iota // with a body; a redirect with a document, too
	LocalRedirect              // the path in Local is to be answered instead
	ClientRedirect             // the client is to ask for another address
)

// Head is what an answer of a program begins with.
type Head struct {
	Kind   Kind
	Status int         // 200 unless the program said something else
	Header http.Header // without Status, and without what frames a message but Content-Length
	Local  string      // path and query of a LocalRedirect
	Length int64       // Content-Length, -1 without
}

// ReadHead reads the fields that an answer begins with, of at most most octets
// (0: DefaultMaxHead; never more than 64 KiB) and 256 lines. Lines end with LF or CRLF.
// With nph the first line is a status line (RFC 3875 §5).
//
// The head is valid until o is released; its strings and the values of its
// fields are longer.
//
// Faults are rule.ScriptNoHead (the output ended, or failed with Err),
// rule.ScriptHeadTooLarge and rule.ScriptHeadInvalid.
func (o *Output) ReadHead(nph bool, most int) (*Head, *Fault) {
	if most <= 0 {
		most = DefaultMaxHead
	}
	most = min(most, maxHead)
	n, end, err := 0, 0, o.err
	got := len(o.data) // by Gather
	for end == 0 {
		if n >= most {
			return nil, &Fault{Rule: rule.ScriptHeadTooLarge, Detail: fmt.Sprintf("more than %d octets", most)}
		}
		if got == 0 && err == nil {
			got, err = o.src.Read(o.buf.octets[n:])
		}
		from := n
		n, got = n+got, 0
		if end = headEnd(o.buf.octets[:n], from); end > most {
			return nil, &Fault{Rule: rule.ScriptHeadTooLarge, Detail: fmt.Sprintf("more than %d octets", most)}
		}
		if err != nil {
			o.err = err
			if end == 0 && n < most {
				return nil, noHead(o.buf.octets[:n], err)
			}
		}
	}
	o.data = o.buf.octets[end:n]
	return o.buf.parseHead(o.buf.octets[:end], nph)
}

func noHead(got []byte, err error) *Fault {
	f := &Fault{Rule: rule.ScriptNoHead, Detail: "it printed nothing"}
	if err != io.EOF {
		f.Err = err
	}
	if len(got) > 0 {
		line, _, _ := bytes.Cut(got, []byte("\n"))
		f.Detail = "there is no empty line after " + quoted(line)
	}
	return f
}

// quoted is a line as operators are shown it.
func quoted(line []byte) string {
	const most = 80
	if len(line) > most {
		return strconv.Quote(string(line[:most])) + "…"
	}
	return strconv.Quote(string(line))
}

// headEnd returns where the body begins, 0 when the empty line has not come.
// What is before from was looked at already.
func headEnd(b []byte, from int) int {
	for i := max(from-2, 0); i < len(b); i++ {
		if b[i] != '\n' {
			continue
		}
		switch {
		case i == 0, i == 1 && b[0] == '\r':
			return i + 1
		case i+1 < len(b) && b[i+1] == '\n':
			return i + 2
		case i+2 < len(b) && b[i+1] == '\r' && b[i+2] == '\n':
			return i + 3
		}
	}
	return 0
}

// parseHead parses a whole head. All that is kept of it shares one string.
func (u *outputMemory) parseHead(b []byte, nph bool) (*Head, *Fault) {
	h := &u.head
	*h = Head{Status: http.StatusOK, Header: h.Header, Length: -1}
	if h.Header == nil {
		h.Header = make(http.Header)
	}
	text := string(b)
	p := headParser{h: h, values: make([]string, 0, min(strings.Count(text, "\n"), maxFields))}
	for n := 0; text != ""; n++ {
		line, rest, _ := strings.Cut(text, "\n")
		text = rest
		line = strings.TrimSuffix(line, "\r")
		if line == "" {
			break
		}
		if n >= maxFields {
			return nil, &Fault{Rule: rule.ScriptHeadTooLarge, Detail: fmt.Sprintf("more than %d lines", maxFields)}
		}
		wrong := ""
		if n == 0 && nph {
			wrong = p.statusLine(line)
		} else {
			wrong = p.field(line)
		}
		if wrong != "" {
			return nil, &Fault{Rule: rule.ScriptHeadInvalid, Detail: wrong + ": " + quoted([]byte(line))}
		}
	}
	if wrong := p.finish(nph); wrong != "" {
		return nil, &Fault{Rule: rule.ScriptHeadInvalid, Detail: wrong}
	}
	return h, nil
}

// headParser notes what a head has besides its fields.
type headParser struct {
	h        *Head
	values   []string // room for one of each line
	status   bool
	location string
	others   bool // there is a field that a local redirect may not have
}

// statusLine reads the first line of a program that makes all of the head
// itself.
func (p *headParser) statusLine(line string) (wrong string) {
	version, rest, _ := strings.Cut(line, " ")
	code, reason, _ := strings.Cut(rest, " ")
	if !wire.ValidFieldValue(strings.Trim(reason, " \t")) {
		return "the reason has a control character"
	}
	if version != "HTTP/1.1" && version != "HTTP/1.0" {
		return "the name nph- promises a status line"
	}
	return p.setStatus(code)
}

// setStatus takes a code that a final answer may have.
func (p *headParser) setStatus(code string) (wrong string) {
	n, err := strconv.Atoi(code)
	if err != nil || len(code) != 3 || n < 200 || n > 599 {
		return "no status code from 200 to 599"
	}
	p.h.Status, p.status = n, true
	return ""
}

// field reads a field line (RFC 3875 §6.3).
func (p *headParser) field(line string) (wrong string) {
	name, value, ok := strings.Cut(line, ":")
	if !ok {
		if strings.HasPrefix(line, "HTTP/") {
			return "a status line is for programs whose name begins with nph-; print Status: instead"
		}
		return "no field"
	}
	value = strings.Trim(value, " \t")
	if !wire.ValidFieldName(name) || !wire.ValidFieldValue(value) {
		return "no field"
	}
	switch name = wire.CanonicalName(name); name {
	case "Status":
		if p.status {
			return "a second status"
		}
		code, _, _ := strings.Cut(value, " ")
		return p.setStatus(code)
	case "Location":
		if p.location != "" || value == "" {
			return "a second Location, or an empty one"
		}
		p.location = value
	case "Content-Length":
		n, err := strconv.ParseUint(value, 10, 63)
		if err != nil || p.h.Length >= 0 && p.h.Length != int64(n) {
			return "no length, or another one"
		}
		p.h.Length, p.others = int64(n), true
		p.add("Content-Length", strconv.FormatUint(n, 10))
		return ""
	case "Transfer-Encoding":
		return "the server frames the answer"
	default:
		p.others = true
	}
	p.add(name, value)
	return ""
}

// add notes a line of a field; of a length the last one.
func (p *headParser) add(name, value string) {
	if had := p.h.Header[name]; len(had) > 0 && name != "Content-Length" {
		p.h.Header[name] = append(had, value)
		return
	}
	n := len(p.values)
	p.values = append(p.values, value)
	p.h.Header[name] = p.values[n : n+1 : n+1]
}

// finish decides which kind of answer it is (RFC 3875 §6.2).
func (p *headParser) finish(nph bool) (wrong string) {
	h := p.h
	for _, name := range wire.HopByHop {
		delete(h.Header, name)
	}
	if wire.LengthlessStatus(h.Status) || h.Status == http.StatusResetContent { // RFC 9110 §15.3.6
		delete(h.Header, "Content-Length")
		h.Length = -1
	}
	switch {
	case p.location == "" && !p.status && h.Header["Content-Type"] == nil:
		return "there is no Content-Type, no Location and no Status"
	case nph || p.location == "" || p.status:
	case !p.others && localPath(p.location):
		h.Kind, h.Local = LocalRedirect, p.location
	default:
		h.Kind, h.Status = ClientRedirect, http.StatusFound
	}
	return ""
}

// localPath reports whether a Location is a path of this server, and not the
// address of another one without its scheme. A fragment is for the client, so
// what has one is for it, too (RFC 3875 §6.3.2).
func localPath(s string) bool {
	return strings.HasPrefix(s, "/") && !strings.HasPrefix(s, "//") && !strings.HasPrefix(s, `/\`) &&
		strings.IndexByte(s, '#') < 0
}
