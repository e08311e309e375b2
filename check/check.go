// Package check says how browsers and caches will treat an answer, what is
// wrong with it, and what to do about that.
//
//	x := &check.Exchange{Method: "GET", URL: u, Status: 200, Header: h}
//	findings := check.Passive(x)
//	for _, f := range findings {
//		fmt.Println(f.Note.Severity, f.Note.ID, f.Where, f.Detail)
//	}
//	fmt.Println(check.VerdictOf(x)) // what browsers and shared caches do with it
//
// Passive checks read one exchange; they are pure. What caches do is decided by
// package freshness, as in the caches themselves: there is one implementation of
// each rule.
//
// It is no crawler of other people's sites, and no security scanner: it asks for
// what it was told to, and judges what HTTP says about itself.
package check

import "net/http"

//go:generate go test . -run ^TestNotesPage$ -update

// Severity says how much a finding matters.
type Severity uint8

// The severities.
const (
	Info Severity = iota // worth knowing; nothing is wrong
	Warn                 // works, but costs speed, or depends on luck
	Bad                  // breaks a rule that recipients rely on
)

var severityNames = [...]string{Info: "info", Warn: "warn", Bad: "bad"}

// String returns the severity's name: info, warn or bad.
func (s Severity) String() string { return severityNames[s] }

// An Exchange is a request and its answer, as they were on the wire. What a client
// of net/http takes away is to be put back, or not asked about: Transfer-Encoding
// and Trailer, and Content-Encoding when it has decoded the body.
type Exchange struct {
	Method        string
	URL           string      // absolute
	RequestHeader http.Header // as sent

	Proto    string // of the answer: "HTTP/1.1", "HTTP/2.0"
	Status   int
	Header   http.Header // of the answer; canonical names, lines in their order
	Trailer  http.Header
	Body     []byte // as it was sent, coded; at most what was kept of it
	BodySize int64  // bytes that came; -1 when that is not known
	Received int64  // when the head came, nanoseconds since 1970
}

// A Note is something that can be found: a row of the table.
type Note struct {
	ID       string // stable, kebab-case
	Severity Severity
	Sentence string // what is the matter, one sentence without a full stop
	Clause   string // where it is written: "RFC 9111 §5.2.2.5", or "" for advice
	Remedy   string // what to change; "" when nothing is wrong
	Relates  bool   // it compares two fields, or request and answer

	Fires, Silent Example // exchanges in which it is found, and nearly

	// find reports each place where the note applies.
	find func(x *subject, report func(where, detail string))
}

// An Example is an exchange as text: heads as on the wire, with LF for CR LF.
// An empty request is GET http://example.com/ without fields. The answer comes
// on Thu, 01 Oct 2026 12:00:00 GMT, which is also its Date when it states none;
// the line "-Date" means that it has none. What stands behind an empty line is
// the body; when nothing does, its size is not known.
type Example struct{ Request, Response, Trailer string }

// A Finding is a note that applies.
type Finding struct {
	Note   *Note
	Where  string // "Cache-Control of the answer"; "" for the exchange as a whole
	Detail string // the value, or the numbers, that it is about; may be ""
}

// maxPerNote is how many findings of one note are kept, of an answer with very
// many fields.
const maxPerNote = 16

// Passive returns what there is to say about an exchange, the worst first. Of
// one note there are at most 16 findings. The zero method is GET. A missing
// time of receipt is taken from Date.
func Passive(x *Exchange) []Finding {
	s := newSubject(x)
	var all []Finding
	for severity := Bad; ; severity-- {
		for n := range Notes {
			if n.Severity == severity && n.find != nil {
				all = n.appendFindings(all, s)
			}
		}
		if severity == Info {
			return all
		}
	}
}

// appendFindings appends where the note applies.
func (n *Note) appendFindings(all []Finding, s *subject) []Finding {
	room := maxPerNote
	n.find(s, func(where, detail string) {
		if room > 0 {
			room--
			all = append(all, Finding{n, where, shorten(detail)})
		}
	})
	return all
}

// A group is a table of notes, each in a file of its own.
type group struct {
	about string
	notes []Note
}

var groups = []group{
	{"Status codes, methods and times", messageNotes},
	{"Where a message ends", lengthNotes},
	{"Connections and protocols", connectionNotes},
	{"Redirects", redirectNotes},
	{"Authentication", authenticationNotes},
	{"Requests", requestNotes},
	{"Every field", fieldNotes},
	{"Dates", dateNotes},
	{"Trailers", trailerNotes},
	{"How Cache-Control is written", directiveNotes},
	{"What Cache-Control says", cachingNotes},
	{"Expires, Pragma and Warning", expiresNotes},
	{"Shared caches", sharedNotes},
	{"Cache-Status", cacheStatusNotes},
	{"What is kept for how long", keptNotes},
	{"Vary", varyNotes},
	{"Validators and preconditions", conditionalNotes},
	{"Ranges", rangeNotes},
	{"Codings, languages and places", contentNotes},
	{"Types", typeNotes},
	{"Content-Disposition", dispositionNotes},
	{"Protection, links, and what else browsers follow", securityNotes},
	{"Cookies", cookieNotes},
	{"Other origins", corsNotes},
	{"Structured fields", structuredNotes},
}

// Notes calls yield for every note that one exchange can show.
func Notes(yield func(*Note) bool) {
	for _, g := range groups {
		for i := range g.notes {
			if !yield(&g.notes[i]) {
				return
			}
		}
	}
}
