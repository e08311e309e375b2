package check

import (
	"fmt"
	"slices"
	"strings"

	"freshet/internal/field"
)

// Bounds on heads: what common servers and caches take by default (nginx 8 KiB a
// line and 4 to 8 lines, Apache 8190 bytes a line and 100 lines).
const (
	longValue = 8 << 10
	longHead  = 16 << 10
	manyLines = 100
)

// fieldNotes hold for every field of the table.
var fieldNotes = []Note{
	{
		ID: "field-name-invalid", Severity: Bad,
		Sentence: "the name of a field has characters that names cannot have",
		Clause:   "RFC 9110 §5.1", Remedy: "write names with letters, digits and hyphens",
		Fires:  Example{Response: "HTTP/1.1 200 OK\nContent Type: text/html\n\n"},
		Silent: Example{Response: "HTTP/1.1 200 OK\nX-Own.Name_1: text/html\n\n"},
		find: func(x *subject, report func(where, detail string)) {
			for name := range x.answerFields {
				if !field.IsToken(name) {
					report("the answer", name)
				}
			}
		},
	},
	{
		ID: "field-control-character", Severity: Bad,
		Sentence: "a value has a control character, for which recipients refuse the message or put a space",
		Clause:   "RFC 9110 §5.5", Remedy: "leave control characters out of field values",
		Fires:  Example{Response: "HTTP/1.1 200 OK\nX-Note: a\x01b\n\n"},
		Silent: Example{Response: "HTTP/1.1 200 OK\nX-Note: a\tb\n\n"},
		find: func(x *subject, report func(where, detail string)) {
			for name, lines := range x.answerFields {
				for _, line := range lines {
					if strings.ContainsFunc(line, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }) {
						report(of(spelled(name)), fmt.Sprintf("%q", line))
					}
				}
			}
		},
	},
	{
		ID: "field-not-ascii", Severity: Warn,
		Sentence: "a value has letters beyond ASCII, which recipients read in different ways",
		Clause:   "RFC 9110 §5.5", Remedy: "encode the letters as the field provides for, such as by percent signs",
		Fires:  Example{Response: "HTTP/1.1 200 OK\nX-City: Köln\n\n"},
		Silent: Example{Response: "HTTP/1.1 200 OK\nX-City: K%C3%B6ln\n\n"},
		find: func(x *subject, report func(where, detail string)) {
			for name, lines := range x.answerFields {
				for _, line := range lines {
					if strings.ContainsFunc(line, func(r rune) bool { return r >= 0x80 }) {
						report(of(spelled(name)), fmt.Sprintf("%q", line))
					}
				}
			}
		},
	},
	{
		ID: "field-syntax", Severity: Bad,
		Sentence: "the value does not follow the grammar of its field, so recipients ignore it or guess",
		Clause:   "RFC 9110 §5.5", Remedy: "write the value in the form that the field has",
		Fires:  ok200("Last-Modified: yesterday", "Cache-Control: no-cache"),
		Silent: ok200("Last-Modified: Tue, 01 Sep 2026 00:00:00 GMT", "Cache-Control: no-cache"),
		find: func(x *subject, report func(where, detail string)) {
			for name, lines := range x.answerFields {
				row := knownField(name)
				if row == nil || row.in&inAnswer == 0 || row.grammar.structured || hasOwnSyntaxNote(row.name) {
					continue
				}
				for _, wrong := range row.grammar.faults(lines) {
					report(of(row.name), fmt.Sprintf("%s is not %s", wrong, row.grammar.form))
				}
			}
		},
	},
	{
		ID: "field-empty", Severity: Warn,
		Sentence: "the field is empty, which means nothing",
		Clause:   "RFC 9110 §5.5", Remedy: "give the field a value, or leave it out",
		Fires:  Example{Response: "HTTP/1.1 200 OK\nContent-Encoding:\n\n"},
		Silent: Example{Response: "HTTP/1.1 405 Method Not Allowed\nAllow:\n\n"},
		find: func(x *subject, report func(where, detail string)) {
			for name, lines := range x.answerFields {
				row := knownField(name)
				if row != nil && row.in&inAnswer != 0 && !row.is(mayEmpty|vendor) && !row.grammar.emptyIsSaid() && strings.Trim(strings.Join(lines, ""), " \t,") == "" {
					report(of(row.name), "")
				}
			}
		},
	},
	{
		ID: "field-repeated-differently", Severity: Bad,
		Sentence: "a field that may stand once stands several times with different values, and recipients differ in which one counts",
		Clause:   "RFC 9110 §5.3", Remedy: "send the field once; look for a second place that sets it",
		Fires:  Example{Response: "HTTP/1.1 200 OK\nContent-Type: text/html\nContent-Type: text/plain\n\n"},
		Silent: Example{Response: "HTTP/1.1 200 OK\nCache-Control: public\nCache-Control: max-age=60\n\n"},
		find: func(x *subject, report func(where, detail string)) {
			x.repeated(func(row *fieldRow, lines []string, equal bool) {
				if !equal {
					report(of(row.name), strings.Join(lines, " | "))
				}
			})
		},
	},
	{
		ID: "field-repeated", Severity: Warn,
		Sentence: "a field that may stand once stands several times with the same value",
		Clause:   "RFC 9110 §5.3", Remedy: "send the field once; look for a second place that sets it",
		Fires:  Example{Response: "HTTP/1.1 200 OK\nContent-Type: text/html\nContent-Type: text/html\n\n"},
		Silent: Example{Response: "HTTP/1.1 200 OK\nContent-Type: text/html\n\n"},
		find: func(x *subject, report func(where, detail string)) {
			x.repeated(func(row *fieldRow, lines []string, equal bool) {
				if equal {
					report(of(row.name), lines[0])
				}
			})
		},
	},
	{
		ID: "field-request-only", Severity: Warn,
		Sentence: "the field means something in requests only",
		Clause:   "RFC 9110 §10.1", Remedy: "leave the field out of the answer",
		Fires:  Example{Response: "HTTP/1.1 200 OK\nIf-None-Match: \"a\"\n\n"},
		Silent: Example{Response: "HTTP/1.1 200 OK\nETag: \"a\"\n\n"},
		find: func(x *subject, report func(where, detail string)) {
			for name := range x.answerFields {
				if row := knownField(name); row != nil && row.in == inAsk && !row.is(vendor) {
					report(of(row.name), x.get(name))
				}
			}
		},
	},
	{
		ID: "field-answer-only", Severity: Warn,
		Sentence: "the field of the request means something in answers only",
		Clause:   "RFC 9110 §10.2", Remedy: "leave the field out of the request",
		Fires:  Example{Request: "GET / HTTP/1.1\nETag: \"a\"\n", Response: "HTTP/1.1 200 OK\n\n"},
		Silent: Example{Request: "GET / HTTP/1.1\nIf-None-Match: \"a\"\n", Response: "HTTP/1.1 200 OK\n\n"},
		find: func(x *subject, report func(where, detail string)) {
			for name := range sortedFields(x.RequestHeader) {
				if row := knownField(name); row != nil && row.in == inAnswer && !row.is(vendor) {
					report(ofRequest(row.name), x.askedValue(name))
				}
			}
		},
	},
	{
		ID: "field-obsolete", Severity: Info,
		Sentence: "the field is obsolete",
		Clause:   "", Remedy: "leave the field out, or send what has taken its place",
		Fires:  Example{Response: "HTTP/1.1 200 OK\nP3P: CP=\"x\"\n\n"},
		Silent: Example{Response: "HTTP/1.1 200 OK\nX-Frame-Options: DENY\n\n"},
		find: func(x *subject, report func(where, detail string)) {
			for name := range x.answerFields {
				if row := knownField(name); row != nil && row.is(obsolete) && !hasOwnObsoleteNote(row.name) {
					report(of(row.name), row.instead)
				}
			}
		},
	},
	{
		ID: "field-misspelled", Severity: Warn,
		Sentence: "the field is not known, but its name is nearly that of one that is",
		Clause:   "RFC 9110 §16.3", Remedy: "correct the name",
		Fires:  Example{Response: "HTTP/1.1 200 OK\nCache-Contol: max-age=60\n\n"},
		Silent: Example{Response: "HTTP/1.1 200 OK\nCache-Warmth: 60\n\n"},
		find: func(x *subject, report func(where, detail string)) {
			for name := range x.answerFields {
				if knownField(name) != nil || !field.IsToken(name) {
					continue
				}
				if row := meantFor(name); row != nil {
					report(of(name), "meant for "+row.name+"?")
				}
			}
		},
	},
	{
		ID: "field-name-underscore", Severity: Info,
		Sentence: "the name of a field has an underscore, and some servers drop such fields unseen",
		Clause:   "RFC 9110 §16.3.2.1", Remedy: "write a hyphen",
		Fires:  Example{Response: "HTTP/1.1 200 OK\nX_Trace: 1\n\n"},
		Silent: Example{Response: "HTTP/1.1 200 OK\nX-Trace: 1\n\n"},
		find: func(x *subject, report func(where, detail string)) {
			for name := range x.answerFields {
				if strings.Contains(name, "_") {
					report("the answer", name)
				}
			}
		},
	},
	{
		ID: "field-value-long", Severity: Warn,
		Sentence: "a field is so long that proxies with usual limits refuse the answer",
		Clause:   "RFC 9110 §5.4", Remedy: "shorten the value",
		Fires:  Example{Response: "HTTP/1.1 200 OK\nX-Data: " + strings.Repeat("a", longValue+1) + "\n\n"},
		Silent: Example{Response: "HTTP/1.1 200 OK\nX-Data: " + strings.Repeat("a", longValue/2) + "\n\n"},
		find: func(x *subject, report func(where, detail string)) {
			for name, lines := range x.answerFields {
				for _, line := range lines {
					if len(line) > longValue {
						report(of(spelled(name)), fmt.Sprintf("%d bytes", len(line)))
					}
				}
			}
		},
	},
	{
		ID: "head-long", Severity: Warn,
		Sentence: "the head of the answer is larger than some proxies take by default",
		Clause:   "RFC 9110 §5.4", Remedy: "send fewer or shorter fields",
		Fires:  Example{Response: "HTTP/1.1 200 OK\n" + strings.Repeat("X-Data: "+strings.Repeat("a", longValue/2)+"\n", 5) + "\n"},
		Silent: Example{Response: "HTTP/1.1 200 OK\n" + strings.Repeat("X-Data: "+strings.Repeat("a", longValue/2)+"\n", 3) + "\n"},
		find: func(x *subject, report func(where, detail string)) {
			size := 0
			for name, lines := range x.Header {
				for _, line := range lines {
					size += len(name) + len(line) + len(": \r\n")
				}
			}
			if size > longHead {
				report("the answer", fmt.Sprintf("%d bytes", size))
			}
		},
	},
	{
		ID: "head-many-lines", Severity: Warn,
		Sentence: "the answer has more field lines than some recipients take by default",
		Clause:   "RFC 9110 §5.4", Remedy: "send fewer fields",
		Fires:  Example{Response: "HTTP/1.1 200 OK\n" + strings.Repeat("Link: </a>; rel=x\n", manyLines) + "\n"},
		Silent: Example{Response: "HTTP/1.1 200 OK\n" + strings.Repeat("Link: </a>; rel=x\n", 10) + "\n"},
		find: func(x *subject, report func(where, detail string)) {
			n := 0
			for _, lines := range x.Header {
				n += len(lines)
			}
			if n > manyLines {
				report("the answer", fmt.Sprintf("%d lines", n))
			}
		},
	},
	{
		ID: "list-member-repeated", Severity: Info,
		Sentence: "a list names the same thing twice",
		Clause:   "RFC 9110 §5.6.1", Remedy: "name it once; look for a second place that adds it",
		Fires:  Example{Response: "HTTP/1.1 200 OK\nVary: Accept-Encoding, Origin, accept-encoding\n\n"},
		Silent: Example{Response: "HTTP/1.1 200 OK\nVary: Accept-Encoding, Origin\n\n"},
		find: func(x *subject, report func(where, detail string)) {
			for name, lines := range x.answerFields {
				row := knownField(name)
				if row == nil || row.grammar != gTokens && row.grammar != gFieldNames && row.grammar != gLanguages || row.name == "Content-Encoding" {
					continue
				}
				seen := map[string]bool{}
				for elem := range field.Elements(lines) {
					lower := strings.ToLower(elem)
					if seen[lower] {
						report(of(row.name), elem)
					}
					seen[lower] = true
				}
			}
		},
	},
	{
		ID: "list-empty-member", Severity: Info,
		Sentence: "a list has an empty member, which senders must not write",
		Clause:   "RFC 9110 §5.6.1.1", Remedy: "leave out the comma",
		Fires:  Example{Response: "HTTP/1.1 200 OK\nVary: Accept-Encoding, , Origin\n\n"},
		Silent: Example{Response: "HTTP/1.1 200 OK\nETag: \"a,,b\"\n\n"},
		find: func(x *subject, report func(where, detail string)) {
			for name, lines := range x.answerFields {
				row := knownField(name)
				if row == nil || !row.grammar.list || row.grammar == gFreeList {
					continue
				}
				for _, line := range lines {
					if hasEmptyMember(line) {
						report(of(row.name), line)
					}
				}
			}
		},
	},
	{
		ID: "field-status-unfit", Severity: Info,
		Sentence: "the field means nothing with this status code",
		Clause:   "RFC 9110 §15", Remedy: "leave the field out, or look whether the status code is the right one",
		Fires:  Example{Response: "HTTP/1.1 200 OK\nLocation: /there\n\n"},
		Silent: answered("201 Created", "Location: /there").asked("POST / HTTP/1.1"),
		find: func(x *subject, report func(where, detail string)) {
			for name := range x.answerFields {
				if fits := fittingStatus[name]; fits != nil && !fits(x.Status) {
					report(of(name), fmt.Sprintf("%d", x.Status))
				}
			}
		},
	},
}

// fittingStatus says with which status codes a field means something, of those
// that do not with every one.
var fittingStatus = map[string]func(status int) bool{
	"Location":             func(status int) bool { return status == 201 || status == 202 || status/100 == 3 },
	"Retry-After":          func(status int) bool { return status == 202 || status/100 >= 3 },
	"Proxy-Authenticate":   func(status int) bool { return status == 407 },
	"Delta-Base":           func(status int) bool { return status == 226 },
	"Im":                   func(status int) bool { return status == 226 },
	"Sec-Websocket-Accept": func(status int) bool { return status == 101 },
}

// hasOwnSyntaxNote names the fields whose grammar another note judges, with more
// to say.
func hasOwnSyntaxNote(name string) bool {
	switch name {
	case "Expires", "Age", "Cache-Control", "ETag", "Content-Type", "Content-Encoding", "Location", "Link", "Retry-After":
		return true
	}
	return false
}

// hasOwnObsoleteNote names the obsolete fields of which another note speaks.
func hasOwnObsoleteNote(name string) bool {
	switch name {
	case "Pragma", "Warning":
		return true
	}
	return false
}

// emptyIsSaid reports whether an empty field says something: structured lists
// and dictionaries can be empty (RFC 9651 §3.1, §3.2).
func (g *grammar) emptyIsSaid() bool { return g.structured && g.sf != sfItem }

// faults returns what of a field's lines does not follow its grammar.
func (g *grammar) faults(lines []string) []string {
	values := lines
	if g.list {
		values = elements(lines)
	}
	var wrong []string
	for _, s := range values {
		if s != "" && !g.valid(s) {
			wrong = append(wrong, s)
		}
	}
	return wrong
}

// repeated calls yield for the fields that may stand once and do not.
func (s *subject) repeated(yield func(row *fieldRow, lines []string, equal bool)) {
	for name, lines := range s.answerFields {
		if row := knownField(name); len(lines) > 1 && row != nil && row.in&inAnswer != 0 && !row.is(vendor) && row.grammar.once() {
			rest := lines[1:]
			yield(row, lines, !slices.ContainsFunc(rest, func(line string) bool { return line != lines[0] }))
		}
	}
}

// answerFields yields the fields of the answer, sorted by name.
func (s *subject) answerFields(yield func(name string, lines []string) bool) {
	sortedFields(s.Header)(yield)
}

// hasEmptyMember reports whether a line has a comma too many.
func hasEmptyMember(line string) bool {
	blank, quoted := true, false
	for i := 0; i < len(line); i++ {
		switch c := line[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted, blank = !quoted, false
		case c == ',' && !quoted:
			if blank {
				return true
			}
			blank = true
		case c != ' ' && c != '\t':
			blank = false
		}
	}
	return blank && strings.Contains(line, ",")
}
