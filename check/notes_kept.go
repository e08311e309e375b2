package check

import (
	"fmt"
	"regexp"

	"freshet/internal/rule"
)

// keptNotes are about answers that are kept for longer, or for shorter, than what they
// are suggests.
var keptNotes = []Note{
	{
		ID: "method-never-cached", Severity: Info, Relates: true,
		Sentence: "the answer says how long it is fresh, but answers to this method are not stored",
		Clause:   "RFC 9110 §9.2.3", Remedy: "leave the time out, or let clients use GET",
		Fires:  ok200("Cache-Control: max-age=60").asked("PUT /a HTTP/1.1"),
		Silent: ok200("Cache-Control: max-age=60").asked("GET /a HTTP/1.1"),
		find: func(x *subject, report func(where, detail string)) {
			if x.private.Rule == rule.NotStoredMethod && x.Method != "HEAD" && x.Method != "OPTIONS" && x.private.Explicit && x.private.Terms.Lifetime > 0 {
				report(of("Cache-Control"), x.Method)
			}
		},
	},
	{
		ID: "post-never-cached", Severity: Info, Relates: true,
		Sentence: "the answer to POST says how long it is fresh, but is not stored, as Content-Location does not say that it is what GET would give",
		Clause:   "RFC 9110 §9.3.3", Remedy: "send Content-Location with the address of the request, or no freshness",
		Fires:  ok200("Cache-Control: max-age=60").asked("POST /a HTTP/1.1"),
		Silent: ok200("Cache-Control: max-age=60", "Content-Location: /a").asked("POST /a HTTP/1.1"),
		find: func(x *subject, report func(where, detail string)) {
			if x.private.Rule == rule.NotStoredPOST && x.private.Explicit && x.private.Terms.Lifetime > 0 {
				report(of("Cache-Control"), x.get("Cache-Control"))
			}
		},
	},
	{
		ID: "error-cached-long", Severity: Warn,
		Sentence: "an error is kept for long after its cause may be gone",
		Clause:   "RFC 9111 §4.2", Remedy: "send a short max-age with errors, or no-store",
		Fires:  answered("500 Internal Server Error", "Cache-Control: max-age=86400"),
		Silent: answered("500 Internal Server Error", "Cache-Control: max-age=10"),
		find: func(x *subject, report func(where, detail string)) {
			most := int64(day)
			if x.class() == 5 {
				most = 5 * minute
			}
			fresh := x.private.Terms.Lifetime / second
			if x.class() >= 4 && x.Status != 410 && x.private.Store && x.private.Explicit && !x.private.Terms.NoCache && fresh > most {
				report("the answer", fmt.Sprintf("%d for %s", x.Status, spanText(fresh)))
			}
		},
	},
	{
		ID: "page-cached-long", Severity: Info, Relates: true,
		Sentence: "a page is fresh for so long that browsers will show an old one after a change",
		Clause:   "RFC 9111 §4.2", Remedy: "send a short max-age or no-cache with pages, and long ones with files whose name changes with their content",
		Fires:  ok200("Cache-Control: max-age=31536000", "Content-Type: text/html; charset=utf-8"),
		Silent: ok200("Cache-Control: max-age=31536000", "Content-Type: text/css; charset=utf-8"),
		find: func(x *subject, report func(where, detail string)) {
			if fresh := x.private.Terms.Lifetime / second; x.page() && x.Status == 200 && x.private.Store && x.private.Explicit && !x.private.Terms.NoCache && fresh > 7*day {
				report("the answer", spanText(fresh))
			}
		},
	},
	{
		ID: "fingerprint-cached-short", Severity: Info, Relates: true,
		Sentence: "the address seems to change with the content, but the answer is fresh for a short time",
		Clause:   "RFC 8246 §2", Remedy: "send Cache-Control: max-age=31536000, immutable",
		Fires:  ok200("Cache-Control: max-age=600", "Content-Type: text/css").asked("GET /app.3f9c2b7d1e.css HTTP/1.1"),
		Silent: ok200("Cache-Control: max-age=31536000", "Content-Type: text/css").asked("GET /app.3f9c2b7d1e.css HTTP/1.1"),
		find: func(x *subject, report func(where, detail string)) {
			fresh := x.private.Terms.Lifetime / second
			if x.Status == 200 && x.private.Store && fingerprint.MatchString(x.target.Path) && (fresh < 30*day || x.private.Terms.NoCache) {
				report("the answer", x.target.Path)
			}
		},
	},
}

// fingerprint matches paths of files with a hash in their name: eight or more
// hexadecimal digits of which one is a digit and one a letter.
var fingerprint = regexp.MustCompile(`[.\-_](?:[0-9]+[a-f]|[a-f]+[0-9])[0-9a-f]{6,}\.(?:js|mjs|css|woff2?|png|jpe?g|webp|avif|svg)$`)
