package check

import (
	"fmt"
	"strings"
)

// varyNotes are about what an answer says that it was chosen by.
var varyNotes = []Note{
	{
		ID: "vary-any", Severity: Warn, Relates: true,
		Sentence: "Vary: * means that no other request is the same, so the answer is never reused although it says how long it is fresh",
		Clause:   "RFC 9110 §12.5.5", Remedy: "list the fields that the answer depends on",
		Fires:  ok200("Vary: *", "Cache-Control: max-age=60"),
		Silent: ok200("Vary: *", "Cache-Control: no-store"),
		find: func(x *subject, report func(where, detail string)) {
			if x.private.VaryAny && x.hasToken("Vary", "*") && x.private.Explicit && x.private.Terms.Lifetime > 0 && !x.cc.has("no-store") {
				report(of("Vary"), x.get("Cache-Control"))
			}
		},
	},
	{
		ID: "vary-any-and-more", Severity: Info,
		Sentence: "what stands beside * in Vary means nothing",
		Clause:   "RFC 9110 §12.5.5", Remedy: "send either * or names",
		Fires:  ok200("Vary: *, Accept", "Cache-Control: no-cache"),
		Silent: ok200("Vary: Accept, Origin", "Cache-Control: no-cache"),
		find: func(x *subject, report func(where, detail string)) {
			if x.hasToken("Vary", "*") && len(x.list("Vary")) > 1 {
				report(of("Vary"), x.get("Vary"))
			}
		},
	},
	{
		ID: "vary-user-agent", Severity: Warn,
		Sentence: "each version of each browser gets its own copy, so shared caches hardly ever have the right one",
		Clause:   "RFC 9110 §12.5.5", Remedy: "vary by a field with few values, such as Sec-CH-UA-Mobile, or send one answer to all",
		Fires:  ok200("Vary: User-Agent", "Cache-Control: max-age=60"),
		Silent: ok200("Vary: User-Agent", "Cache-Control: private, max-age=60"),
		find: func(x *subject, report func(where, detail string)) {
			if x.sharedFresh() && x.hasToken("Vary", "User-Agent") {
				report(of("Vary"), x.get("Vary"))
			}
		},
	},
	{
		ID: "vary-cookie", Severity: Info,
		Sentence: "each visitor's cookies differ, so shared caches hardly ever have the right copy",
		Clause:   "RFC 9110 §12.5.5", Remedy: "send private, or an answer that does not depend on cookies",
		Fires:  ok200("Vary: Cookie", "Cache-Control: max-age=60"),
		Silent: ok200("Vary: Cookie", "Cache-Control: private, max-age=60"),
		find: func(x *subject, report func(where, detail string)) {
			if x.sharedFresh() && x.hasToken("Vary", "Cookie") {
				report(of("Vary"), x.get("Vary"))
			}
		},
	},
	{
		ID: "vary-endless", Severity: Warn,
		Sentence: "Vary names a field that is different in each request, so the answer is never reused",
		Clause:   "RFC 9110 §12.5.5", Remedy: "leave that field out of Vary",
		Fires:  ok200("Vary: Date", "Cache-Control: max-age=60"),
		Silent: ok200("Vary: Origin", "Cache-Control: max-age=60"),
		find: func(x *subject, report func(where, detail string)) {
			for _, name := range x.list("Vary") {
				if x.sharedFresh() && anyFold([]string{"Date", "Traceparent", "X-Request-ID", "X-Correlation-ID", "X-Real-IP", "X-Forwarded-For"}, name) {
					report(of("Vary"), name)
				}
			}
		},
	},
	{
		ID: "vary-answer-field", Severity: Warn,
		Sentence: "Vary names a field that requests do not have; it names those of the request which chose the answer",
		Clause:   "RFC 9110 §12.5.5", Remedy: "name the field of the request, such as Accept-Encoding for Content-Encoding",
		Fires:  ok200("Vary: ETag", "Cache-Control: max-age=60"),
		Silent: ok200("Vary: Accept-Encoding", "Cache-Control: max-age=60"),
		find: func(x *subject, report func(where, detail string)) {
			for _, name := range x.list("Vary") {
				row := knownField(name)
				if row != nil && row.in == inAnswer && !row.is(vendor) || anyFold([]string{"Content-Encoding", "Content-Language"}, name) {
					report(of("Vary"), name)
				}
			}
		},
	},
	{
		ID: "vary-key", Severity: Info,
		Sentence: "Vary names what is part of every cache's key, or what shared caches heed anyway",
		Clause:   "RFC 9110 §12.5.5", Remedy: "leave it out of Vary",
		Fires:  ok200("Vary: Host", "Cache-Control: max-age=60"),
		Silent: ok200("Vary: Accept", "Cache-Control: max-age=60"),
		find: func(x *subject, report func(where, detail string)) {
			for _, name := range x.list("Vary") {
				if anyFold([]string{"Host", "Method", "Authorization"}, name) {
					report(of("Vary"), name)
				}
			}
		},
	},
	{
		ID: "vary-precondition", Severity: Warn,
		Sentence: "Vary names a field of conditional or range requests, which never chooses between representations",
		Clause:   "RFC 9110 §12.5.5", Remedy: "leave it out of Vary",
		Fires:  ok200("Vary: If-None-Match", "Cache-Control: max-age=60"),
		Silent: ok200("Vary: Accept", "Cache-Control: max-age=60"),
		find: func(x *subject, report func(where, detail string)) {
			for _, name := range x.list("Vary") {
				if anyFold([]string{"If-None-Match", "If-Modified-Since", "If-Match", "If-Unmodified-Since", "If-Range", "Range"}, name) {
					report(of("Vary"), name)
				}
			}
		},
	},
	{
		ID: "vary-misspelled", Severity: Warn,
		Sentence: "Vary names a field that is not known, but nearly",
		Clause:   "RFC 9110 §12.5.5", Remedy: "correct the name",
		Fires:  ok200("Vary: Accept-Encodng", "Cache-Control: max-age=60"),
		Silent: ok200("Vary: X-Plan", "Cache-Control: max-age=60"),
		find: func(x *subject, report func(where, detail string)) {
			for _, name := range x.list("Vary") {
				if name == "*" || knownField(name) != nil {
					continue
				}
				if row := meantFor(name); row != nil {
					report(of("Vary"), fmt.Sprintf("%s, meant for %s?", name, row.name))
				}
			}
		},
	},
	{
		ID: "vary-many", Severity: Info,
		Sentence: "Vary names many fields, so two requests are rarely the same",
		Clause:   "RFC 9110 §12.5.5", Remedy: "name only those that the answer depends on",
		Fires:  ok200("Vary: Accept, Accept-Encoding, Accept-Language, Origin, X-A, X-B, X-C", "Cache-Control: max-age=60"),
		Silent: ok200("Vary: Accept, Accept-Encoding, Accept-Language, Origin", "Cache-Control: max-age=60"),
		find: func(x *subject, report func(where, detail string)) {
			if list := x.list("Vary"); x.sharedFresh() && len(list) > 6 {
				report(of("Vary"), strings.Join(list, ", "))
			}
		},
	},
}

// sharedFresh reports whether shared caches use the answer unasked.
func (s *subject) sharedFresh() bool {
	return s.shared.Store && !s.shared.Terms.NoCache && s.shared.Terms.Lifetime > 0
}
