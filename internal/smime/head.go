package smime

import (
	"bytes"
	"io"
	"mime"
	"strings"
)

// Limits of the head of a mail.
const (
	maxFields    = 1000
	maxHeadBytes = 256 << 10
)

// A head is the header fields of a mail, or of a part of one.
type head struct {
	fields []fieldLines
}

// fieldLines is a field as it stood there, with its folds and line ends.
type fieldLines struct {
	name  string
	lines []byte
}

// readHead splits a mail after its head. It is not ok when there is none, as in
// what is no mail.
func readHead(text []byte) (h *head, body []byte, ok bool) {
	h = &head{}
	rest := text
	for {
		line := lineOf(rest)
		bare := bytes.TrimRight(line, "\r\n")
		switch {
		case len(line) == 0 || len(bare) == 0:
			// The end of the text ends a head, too.
			return h, rest[len(line):], true
		case len(h.fields) == maxFields || len(text)-len(rest)+len(line) > maxHeadBytes:
			return nil, nil, false
		case bare[0] == ' ' || bare[0] == '\t':
			if len(h.fields) == 0 {
				return nil, nil, false
			}
			last := &h.fields[len(h.fields)-1]
			last.lines = append(last.lines[:len(last.lines):len(last.lines)], line...)
		default:
			name, ok := fieldName(bare)
			if !ok {
				return nil, nil, false
			}
			h.fields = append(h.fields, fieldLines{name, line})
		}
		rest = rest[len(line):]
	}
}

// lineOf returns the first line with its end.
func lineOf(b []byte) []byte {
	if i := bytes.IndexByte(b, '\n'); i >= 0 {
		return b[:i+1]
	}
	return b
}

// fieldName returns what stands before the colon (RFC 5322 §2.2).
func fieldName(line []byte) (string, bool) {
	i := bytes.IndexByte(line, ':')
	if i <= 0 {
		return "", false
	}
	name := bytes.TrimRight(line[:i], " \t") // RFC 5322 §4.5
	for _, c := range name {
		if c <= ' ' || c > '~' {
			return "", false
		}
	}
	return string(name), len(name) > 0
}

// get returns the value of a field, unfolded, and how many there are.
func (h *head) get(name string) (value string, n int) {
	for _, f := range h.fields {
		if !strings.EqualFold(f.name, name) {
			continue
		}
		if n++; n == 1 {
			_, after, _ := bytes.Cut(f.lines, []byte(":"))
			value = strings.TrimSpace(strings.NewReplacer("\r", "", "\n", "").Replace(string(after)))
		}
	}
	return value, n
}

// one returns the value of a field that may stand there once.
func (h *head) one(name string) (string, *Problem) {
	value, n := h.get(name)
	if n > 1 {
		return "", problem("two-fields", "have it sent again", "the mail has %d %s fields, of which programs choose different ones", n, name)
	}
	return value, nil
}

// contentType returns the type and its parameters; text/plain when there is none
// (RFC 2045 §5.2).
func (h *head) contentType() (kind string, params map[string]string, p *Problem) {
	value, p := h.one("Content-Type")
	if p != nil || value == "" {
		return "text/plain", nil, p
	}
	kind, params, err := mime.ParseMediaType(value)
	if err != nil {
		return "", nil, problem("bad-type", "have it sent again", "the Content-Type of the mail cannot be read")
	}
	return kind, params, nil
}

// isContent reports whether a field is about the body, and goes where that goes.
func isContent(name string) bool {
	return len(name) > 8 && strings.EqualFold(name[:8], "Content-")
}

// isMail reports whether the head is that of a mail or MIME entity, and not just
// text with colons.
func (h *head) isMail() bool {
	for _, name := range []string{"From", "MIME-Version", "Content-Type"} {
		if _, n := h.get(name); n > 0 {
			return true
		}
	}
	return false
}

// bareCR reports whether text has a carriage return alone (RFC 5322 §2.3): what
// is one field to some is two to others.
func bareCR(text []byte) bool {
	for i, c := range text {
		if c == '\r' && (i+1 == len(text) || text[i+1] != '\n') {
			return true
		}
	}
	return false
}

func anyCharset(_ string, r io.Reader) (io.Reader, error) { return r, nil }

// canonical gives lines the ends that are signed, CR LF (RFC 8551 §3.1.1).
func canonical(text []byte) []byte {
	n := 0
	for i, c := range text {
		if c == '\n' && (i == 0 || text[i-1] != '\r') {
			n++
		}
	}
	if n == 0 {
		return text
	}
	out := make([]byte, 0, len(text)+n)
	for i, c := range text {
		if c == '\n' && (i == 0 || text[i-1] != '\r') {
			out = append(out, '\r')
		}
		out = append(out, c)
	}
	return out
}
