package check

import (
	"strings"
)

// trailerNotes are about fields behind the body (RFC 9110 §6.5).
var trailerNotes = []Note{
	{
		ID: "trailer-field-forbidden", Severity: Bad,
		Sentence: "the field stands behind the body, where it comes too late for what it says, so recipients drop it",
		Clause:   "RFC 9110 §6.5.1", Remedy: "send the field in the head",
		Fires:  Example{Response: "HTTP/1.1 200 OK\nTrailer: Content-Type\n\n", Trailer: "Content-Type: text/html\n"},
		Silent: Example{Response: "HTTP/1.1 200 OK\nTrailer: Server-Timing\n\n", Trailer: "Server-Timing: db;dur=1\n"},
		find: func(x *subject, report func(where, detail string)) {
			for name, lines := range sortedFields(x.Trailer) {
				if row := knownField(name); row != nil && row.is(noTrailer) {
					report(row.name+" of the trailers", strings.Join(lines, ", "))
				}
			}
		},
	},
	{
		ID: "trailer-not-announced", Severity: Info, Relates: true,
		Sentence: "a field stands behind the body that Trailer did not announce",
		Clause:   "RFC 9110 §6.6.2", Remedy: "name the field in Trailer",
		Fires:  Example{Response: "HTTP/1.1 200 OK\n\n", Trailer: "Server-Timing: db;dur=1\n"},
		Silent: Example{Response: "HTTP/1.1 200 OK\nTrailer: Server-Timing\n\n", Trailer: "Server-Timing: db;dur=1\n"},
		find: func(x *subject, report func(where, detail string)) {
			for name := range sortedFields(x.Trailer) {
				if !x.hasToken("Trailer", name) {
					report("the trailers", spelled(name))
				}
			}
		},
	},
	{
		ID: "trailer-announced-forbidden", Severity: Warn, Relates: true,
		Sentence: "Trailer announces a field that may not stand behind a body",
		Clause:   "RFC 9110 §6.5.1", Remedy: "send the field in the head",
		Fires:  Example{Response: "HTTP/1.1 200 OK\nTrailer: Content-Length\n\n"},
		Silent: Example{Response: "HTTP/1.1 200 OK\nTrailer: Content-Digest\n\n"},
		find: func(x *subject, report func(where, detail string)) {
			for _, name := range x.list("Trailer") {
				if row := knownField(name); row != nil && row.is(noTrailer) {
					report(of("Trailer"), row.name)
				}
			}
		},
	},
}
