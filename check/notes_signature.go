package check

import (
	"fmt"
	"strings"

	"freshet/internal/field"
)

// derivedComponents are the components of a message that are no fields (RFC 9421
// §2.2); true for those that answers have, too.
var derivedComponents = map[string]bool{
	"@method": false, "@target-uri": false, "@authority": false, "@scheme": false, "@request-target": false,
	"@path": false, "@query": false, "@query-param": false, "@status": true,
}

// covered calls f for each component that a signature of the answer covers.
func (s *subject) covered(f func(label string, component *sfMember)) {
	for _, m := range s.sf("Signature-Input") {
		if m.Kind != field.Inner {
			continue
		}
		for i := range m.List {
			f(m.Key, &m.List[i])
		}
	}
}

// carries reports whether the message has what a component names.
func (s *subject) carries(c *sfMember) bool {
	switch {
	case strings.HasPrefix(c.Text, "@"):
		return true
	case c.param("req") != nil:
		return len(s.asked(c.Text)) > 0
	case c.param("tr") != nil:
		for name := range s.Trailer {
			if strings.EqualFold(name, c.Text) {
				return true
			}
		}
		return false
	}
	return s.has(c.Text)
}

// intParam returns a parameter that is a whole number.
func intParam(m *sfMember, key string) (n int64, ok bool) {
	if p := m.param(key); p != nil && p.Kind == field.Integer {
		return p.Int, true
	}
	return 0, false
}

const exampleSignature = "Signature: s=:aGk=:\n"

// signatureNotes are about signatures of messages (RFC 9421).
var signatureNotes = []Note{
	{
		ID: "signature-without-input", Severity: Bad, Relates: true,
		Sentence: "a signature has no description of what it covers, so it cannot be verified",
		Clause:   "RFC 9421 §4", Remedy: "send Signature-Input with the same label",
		Fires:  Example{Response: "HTTP/1.1 200 OK\nSignature-Input: t=(\"@status\");created=1790856000\n" + exampleSignature + "\n"},
		Silent: Example{Response: "HTTP/1.1 200 OK\nSignature-Input: s=(\"@status\");created=1790856000\n" + exampleSignature + "\n"},
		find: func(x *subject, report func(where, detail string)) {
			inputs := x.sf("Signature-Input")
			for _, m := range x.sf("Signature") {
				if sfFind(inputs, m.Key) == nil {
					report(of("Signature"), m.Key)
				}
			}
		},
	},
	{
		ID: "signature-missing", Severity: Bad, Relates: true,
		Sentence: "a signature is described, but not there",
		Clause:   "RFC 9421 §4", Remedy: "send Signature with the same label",
		Fires:  Example{Response: "HTTP/1.1 200 OK\nSignature-Input: s=(\"@status\");created=1790856000\n\n"},
		Silent: Example{Response: "HTTP/1.1 200 OK\nSignature-Input: s=(\"@status\");created=1790856000\n" + exampleSignature + "\n"},
		find: func(x *subject, report func(where, detail string)) {
			signatures := x.sf("Signature")
			for _, m := range x.sf("Signature-Input") {
				if sfFind(signatures, m.Key) == nil {
					report(of("Signature-Input"), m.Key)
				}
			}
		},
	},
	{
		ID: "signature-covers-absent", Severity: Bad, Relates: true,
		Sentence: "a signature covers a field that the message does not have, so it cannot be verified",
		Clause:   "RFC 9421 §2.5", Remedy: "sign what is sent; see whether something on the way has removed the field",
		Fires:  Example{Response: "HTTP/1.1 200 OK\nSignature-Input: s=(\"@status\" \"content-digest\");created=1790856000\n" + exampleSignature + "\n"},
		Silent: Example{Response: "HTTP/1.1 200 OK\nContent-Digest: " + emptyDigest + "\nSignature-Input: s=(\"@status\" \"content-digest\");created=1790856000\n" + exampleSignature + "\n"},
		find: func(x *subject, report func(where, detail string)) {
			x.covered(func(label string, c *sfMember) {
				if c.Kind == field.String && !x.carries(c) {
					report(of("Signature-Input"), label+": "+c.Text)
				}
			})
		},
	},
	{
		ID: "signature-component-unfit", Severity: Bad,
		Sentence: "a signature of an answer covers a component that answers do not have",
		Clause:   "RFC 9421 §2.2", Remedy: "write field names in lower case, and mark what is of the request by the parameter req",
		Fires:  Example{Response: "HTTP/1.1 200 OK\nSignature-Input: s=(\"@method\" \"Date\");created=1790856000\n" + exampleSignature + "\n"},
		Silent: Example{Response: "HTTP/1.1 200 OK\nSignature-Input: s=(\"@status\" \"@method\";req \"date\");created=1790856000\n" + exampleSignature + "\n"},
		find: func(x *subject, report func(where, detail string)) {
			x.covered(func(label string, c *sfMember) {
				inAnswers, derived := derivedComponents[c.Text]
				switch {
				case c.Kind != field.String, c.Text != strings.ToLower(c.Text),
					strings.HasPrefix(c.Text, "@") && !derived,
					derived && !inAnswers && c.param("req") == nil,
					c.Text == "@status" && c.param("req") != nil:
					report(of("Signature-Input"), label+": "+c.Text)
				}
			})
		},
	},
	{
		ID: "signature-expired", Severity: Bad, Relates: true,
		Sentence: "a signature had expired when the answer came",
		Clause:   "RFC 9421 §2.3", Remedy: "sign anew, or let caches keep the answer for no longer than the signature",
		Fires:  Example{Response: "HTTP/1.1 200 OK\nSignature-Input: s=(\"@status\");created=1790850000;expires=1790850600\n" + exampleSignature + "\n"},
		Silent: Example{Response: "HTTP/1.1 200 OK\nSignature-Input: s=(\"@status\");created=1790856000;expires=1790856600\n" + exampleSignature + "\n"},
		find: func(x *subject, report func(where, detail string)) {
			for _, m := range x.sf("Signature-Input") {
				if at, ok := intParam(&m, "expires"); ok && x.now > 0 && at < x.now {
					report(of("Signature-Input"), fmt.Sprintf("%s, %d s ago", m.Key, x.now-at))
				}
			}
		},
	},
	{
		ID: "signature-from-future", Severity: Warn, Relates: true,
		Sentence: "a signature was made after the answer came, by the clock of who signed",
		Clause:   "RFC 9421 §2.3", Remedy: "set the clock",
		Fires:  Example{Response: "HTTP/1.1 200 OK\nSignature-Input: s=(\"@status\");created=1790859600\n" + exampleSignature + "\n"},
		Silent: Example{Response: "HTTP/1.1 200 OK\nSignature-Input: s=(\"@status\");created=1790856010\n" + exampleSignature + "\n"},
		find: func(x *subject, report func(where, detail string)) {
			const tolerance = 60
			for _, m := range x.sf("Signature-Input") {
				if at, ok := intParam(&m, "created"); ok && x.now > 0 && at > x.now+tolerance {
					report(of("Signature-Input"), fmt.Sprintf("%s, in %d s", m.Key, at-x.now))
				}
			}
		},
	},
	{
		ID: "signature-shorter-than-cache", Severity: Warn, Relates: true,
		Sentence: "caches keep the answer for longer than its signature holds",
		Clause:   "RFC 9421 §2.3", Remedy: "lower max-age, or let the signature hold for longer",
		Fires:  Example{Response: "HTTP/1.1 200 OK\nCache-Control: max-age=3600\nSignature-Input: s=(\"@status\");created=1790856000;expires=1790856600\n" + exampleSignature + "\n"},
		Silent: Example{Response: "HTTP/1.1 200 OK\nCache-Control: max-age=600\nSignature-Input: s=(\"@status\");created=1790856000;expires=1790856600\n" + exampleSignature + "\n"},
		find: func(x *subject, report func(where, detail string)) {
			for _, m := range x.sf("Signature-Input") {
				at, ok := intParam(&m, "expires")
				if keep := x.sharedSeconds(); ok && x.now > 0 && at >= x.now && keep > at-x.now {
					report(of("Signature-Input"), fmt.Sprintf("%s for %d s, kept for %d s", m.Key, at-x.now, keep))
				}
			}
		},
	},
	{
		ID: "signature-without-digest", Severity: Info, Relates: true,
		Sentence: "no signature covers a digest, so the body can be changed unseen",
		Clause:   "RFC 9421 §7.2.8", Remedy: "send Content-Digest, and cover it",
		Fires:  Example{Response: "HTTP/1.1 200 OK\nContent-Type: text/plain\nSignature-Input: s=(\"@status\");created=1790856000\n" + exampleSignature + "\nhello"},
		Silent: Example{Response: "HTTP/1.1 200 OK\nContent-Type: text/plain\nContent-Digest: " + helloDigest + "\nSignature-Input: s=(\"@status\" \"content-digest\");created=1790856000\n" + exampleSignature + "\nhello"},
		find: func(x *subject, report func(where, detail string)) {
			signed, digest := false, false
			x.covered(func(_ string, c *sfMember) {
				signed = true
				digest = digest || strings.HasSuffix(c.Text, "-digest")
			})
			if signed && !digest && x.hasBody() {
				report(of("Signature-Input"), "")
			}
		},
	},
}
