package check

import (
	"freshet/internal/field"
	"freshet/internal/rule"
)

// expiresNotes are about Expires and Pragma, which Cache-Control has replaced (RFC 9111
// §5.3 and §5.4), and Warning.
var expiresNotes = []Note{
	{
		ID: "cache-expires-contradicts", Severity: Warn, Relates: true,
		Sentence: "max-age and Expires disagree on whether the answer is fresh at all; most caches heed max-age",
		Clause:   "RFC 9111 §5.3", Remedy: "leave out Expires",
		Fires:  ok200("Cache-Control: max-age=3600", "Expires: Thu, 01 Jan 2015 00:00:00 GMT"),
		Silent: ok200("Cache-Control: max-age=3600", "Expires: Thu, 01 Oct 2026 13:00:00 GMT"),
		find: func(x *subject, report func(where, detail string)) {
			if maxAge, expires, ok := x.lifetimes(); ok && (maxAge > 0) != (expires > 0) {
				report(of("Expires"), "max-age says "+spanText(maxAge)+", Expires "+spanText(expires))
			}
		},
	},
	{
		ID: "cache-expires-differs", Severity: Info, Relates: true,
		Sentence: "max-age and Expires say different times; caches heed max-age",
		Clause:   "RFC 9111 §5.3", Remedy: "leave out Expires",
		Fires:  ok200("Cache-Control: max-age=3600", "Expires: Fri, 02 Oct 2026 12:00:00 GMT"),
		Silent: ok200("Cache-Control: max-age=3600", "Expires: Thu, 01 Oct 2026 13:00:30 GMT"),
		find: func(x *subject, report func(where, detail string)) {
			maxAge, expires, ok := x.lifetimes()
			if apart := max(maxAge-expires, expires-maxAge); ok && maxAge > 0 && expires > 0 && apart > max(minute, maxAge/20) {
				report(of("Expires"), "max-age says "+spanText(maxAge)+", Expires "+spanText(expires))
			}
		},
	},
	{
		ID: "cache-expires-zero", Severity: Info,
		Sentence: "Expires is no date, which recipients must take for the past",
		Clause:   "RFC 9111 §5.3", Remedy: "send Cache-Control: no-cache instead",
		Fires:  ok200("Expires: 0"),
		Silent: ok200("Expires: Thu, 01 Oct 2026 12:00:00 GMT"),
		find: func(x *subject, report func(where, detail string)) {
			for _, line := range x.lines("Expires") {
				if line == "0" || line == "-1" {
					report(of("Expires"), line)
				}
			}
		},
	},
	{
		ID: "cache-expires-no-date", Severity: Warn,
		Sentence: "Expires is no date, so it is taken for the past",
		Clause:   "RFC 9111 §5.3", Remedy: "write a date such as Thu, 01 Oct 2026 12:00:00 GMT, or better send max-age",
		Fires:  ok200("Expires: Thu, 01 Oct 2026 14:00:00 +0200"),
		Silent: ok200("Expires: Thu, 01 Oct 2026 12:00:00 GMT"),
		find: func(x *subject, report func(where, detail string)) {
			for _, line := range x.lines("Expires") {
				if _, ok := field.ParseDateFold(line, x.now); !ok && line != "0" && line != "-1" && line != "" {
					report(of("Expires"), line)
				}
			}
		},
	},
	{
		ID: "cache-expires-without-date", Severity: Warn, Relates: true,
		Sentence: "the lifetime is to be counted from Date, which is missing, so each recipient counts from when the answer came to it",
		Clause:   "RFC 9111 §4.2.1", Remedy: "send Date, or max-age instead of Expires",
		Fires:  ok200("-Date", "Expires: Thu, 01 Oct 2026 13:00:00 GMT"),
		Silent: ok200("-Date", "Cache-Control: max-age=3600", "Expires: Thu, 01 Oct 2026 13:00:00 GMT"),
		find: func(x *subject, report func(where, detail string)) {
			if x.private.Store && x.private.Terms.From == rule.FreshByExpires && !x.has("Date") && x.private.Terms.Lifetime > 0 {
				report(of("Expires"), x.get("Expires"))
			}
		},
	},
	{
		ID: "cache-pragma-alone", Severity: Warn, Relates: true,
		Sentence: "Pragma means nothing in answers, and without Cache-Control nothing else tells caches what it is meant to",
		Clause:   "RFC 9111 §5.4", Remedy: "send Cache-Control: no-cache",
		Fires:  ok200("Pragma: no-cache"),
		Silent: ok200("Pragma: no-cache", "Cache-Control: no-cache"),
		find: func(x *subject, report func(where, detail string)) {
			if x.has("Pragma") && !x.has("Cache-Control") && !x.has("Expires") {
				report(of("Pragma"), x.get("Pragma"))
			}
		},
	},
	{
		ID: "cache-pragma-idle", Severity: Info, Relates: true,
		Sentence: "Pragma means nothing in answers; Cache-Control or Expires says what caches heed",
		Clause:   "RFC 9111 §5.4", Remedy: "leave Pragma out",
		Fires:  ok200("Pragma: no-cache", "Cache-Control: no-cache"),
		Silent: ok200("Cache-Control: no-cache"),
		find: func(x *subject, report func(where, detail string)) {
			if x.has("Pragma") && (x.has("Cache-Control") || x.has("Expires")) {
				report(of("Pragma"), x.get("Pragma"))
			}
		},
	},
	{
		ID: "cache-pragma-contradicts", Severity: Warn, Relates: true,
		Sentence: "Pragma was meant to prevent caching, but Cache-Control allows it, and that counts",
		Clause:   "RFC 9111 §5.4", Remedy: "leave Pragma out, or send Cache-Control: no-cache",
		Fires:  ok200("Pragma: no-cache", "Cache-Control: max-age=3600"),
		Silent: ok200("Pragma: no-cache", "Cache-Control: no-cache"),
		find: func(x *subject, report func(where, detail string)) {
			if x.hasToken("Pragma", "no-cache") && x.private.Store && x.private.Explicit && !x.private.Terms.NoCache && x.private.Terms.Lifetime > 0 {
				report(of("Pragma"), x.get("Cache-Control"))
			}
		},
	},
	{
		ID: "cache-warning", Severity: Info,
		Sentence: "Warning is obsolete, and caches neither write nor read it any more",
		Clause:   "RFC 9111 §5.5", Remedy: "leave it out; Age and Cache-Status tell what it told",
		Fires:  ok200("Warning: 110 - \"Response is Stale\""),
		Silent: ok200("Cache-Status: x; hit; ttl=-5", "Age: 65"),
		find: func(x *subject, report func(where, detail string)) {
			if x.has("Warning") {
				report(of("Warning"), x.get("Warning"))
			}
		},
	},
}

// lifetimes returns what max-age and Expires each say, in seconds; what is past
// is 0. They can be compared if both are there once, and can be read.
func (s *subject) lifetimes() (maxAge, expires int64, ok bool) {
	maxAge, ok = s.cc.seconds("max-age")
	if !ok || s.cc.bare("no-cache") || s.cc.has("no-store") || len(s.lines("Expires")) != 1 {
		return 0, 0, false
	}
	until, ok := s.date("Expires")
	from, dated := s.date("Date")
	if !ok || !dated {
		return 0, 0, false
	}
	return maxAge, min(max(until-from, 0), 1<<31), true
}
