package check

import "freshet/internal/rule"

// cachingNotes are about RFC 9111.
var cachingNotes = []Note{
	{
		ID: "cache-no-freshness", Severity: Warn,
		Sentence: "nothing says how long the answer is fresh, so each cache guesses",
		Clause:   "RFC 9111 §4.2.2", Remedy: "send Cache-Control: max-age, or no-cache",
		Fires:  Example{Response: "HTTP/1.1 200 OK\nLast-Modified: Tue, 01 Sep 2026 00:00:00 GMT\n\n"},
		Silent: Example{Response: "HTTP/1.1 200 OK\nCache-Control: max-age=60\n\n"},
		find: func(x *subject, report func(where, detail string)) {
			if x.private.Store && x.private.Terms.From == rule.FreshHeuristic {
				report("the answer", "")
			}
		},
	},
}
