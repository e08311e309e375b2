package check

import (
	"fmt"
	"strings"

	"freshet/freshness"
	"freshet/internal/rule"
)

// sharedNotes are about caches between the origin and its visitors: what they
// may share, and what they say that they did.
var sharedNotes = []Note{
	{
		ID: "age-malformed", Severity: Bad,
		Sentence: "Age is no number of seconds, so the answer counts as younger than it is",
		Clause:   "RFC 9111 §5.1", Remedy: "look at the cache that writes it",
		Fires:  ok200("Cache-Control: max-age=60", "Age: -5"),
		Silent: ok200("Cache-Control: max-age=60", "Age: 5"),
		find: func(x *subject, report func(where, detail string)) {
			for _, line := range x.lines("Age") {
				if !isNumber(line) {
					report(of("Age"), line)
				}
			}
		},
	},
	{
		ID: "age-over-lifetime", Severity: Warn, Relates: true,
		Sentence: "the answer is older than it may be used fresh, so browsers that get it ask again each time",
		Clause:   "RFC 9111 §4.2", Remedy: "let the cache send a max-age that counts from now, or one longer than it keeps the answer itself",
		Fires:  ok200("Cache-Control: max-age=60, s-maxage=86400", "Age: 3600"),
		Silent: ok200("Cache-Control: max-age=7200, s-maxage=86400", "Age: 3600"),
		find: func(x *subject, report func(where, detail string)) {
			t := &x.private.Terms
			if x.private.Store && x.private.Explicit && !t.NoCache && t.Lifetime > 0 && x.age() > 0 && x.age() >= t.Lifetime/second {
				report(of("Age"), fmt.Sprintf("%s old, fresh for %s", spanText(x.age()), spanText(t.Lifetime/second)))
			}
		},
	},
	{
		ID: "age-of-what-must-not-be-stored", Severity: Info, Relates: true,
		Sentence: "Age says that the answer comes from a cache, but Cache-Control forbids to store it",
		Clause:   "RFC 9111 §5.2.2.5", Remedy: "expect it of a cache that changes Cache-Control on the way; else look at its rules",
		Fires:  ok200("Cache-Control: no-store", "Age: 10"),
		Silent: ok200("Cache-Control: max-age=60", "Age: 10"),
		find: func(x *subject, report func(where, detail string)) {
			if x.age() > 0 && (x.shared.Rule == rule.NotStoredNoStore || x.shared.Rule == rule.NotStoredPrivate) {
				report(of("Age"), x.get("Cache-Control"))
			}
		},
	},
	{
		ID: "age-without-cache", Severity: Info, Relates: true,
		Sentence: "Age says that a cache is on the way, and no other field says which",
		Clause:   "RFC 9111 §5.1", Remedy: "let the cache send Cache-Status or Via",
		Fires:  ok200("Cache-Control: max-age=60", "Age: 10"),
		Silent: ok200("Cache-Control: max-age=60", "Age: 10", "Cache-Status: cdn; hit"),
		find: func(x *subject, report func(where, detail string)) {
			if x.age() > 0 && !x.namesCache() {
				report(of("Age"), x.get("Age"))
			}
		},
	},
	{
		ID: "age-over-requested", Severity: Info, Relates: true,
		Sentence: "a cache answered although the request asked for a younger answer, or for validation",
		Clause:   "RFC 9111 §5.2.1", Remedy: "expect it of caches that do not let clients decide",
		Fires:  ok200("Cache-Control: max-age=60", "Age: 10").asked("Cache-Control: no-cache"),
		Silent: ok200("Cache-Control: max-age=60", "Age: 10").asked("Cache-Control: max-age=30"),
		find: func(x *subject, report func(where, detail string)) {
			d := freshness.ParseDirectives(x.asked("Cache-Control"), x.asked("Pragma"))
			if age := x.age(); age > 0 && (d.NoCache || d.MaxAge >= 0 && age > d.MaxAge/second+max(d.MaxStale/second, 0)) {
				report(of("Age"), "the request has "+x.askedValue("Cache-Control")+x.askedValue("Pragma"))
			}
		},
	},
	{
		ID: "authorized-answer-shared", Severity: Warn, Relates: true,
		Sentence: "the request has Authorization, and the answer lets shared caches give it to everyone else",
		Clause:   "RFC 9111 §3.5", Remedy: "send private, unless everyone may have the answer",
		Fires:  ok200("Cache-Control: public, max-age=60").asked("Authorization: Bearer x"),
		Silent: ok200("Cache-Control: max-age=60").asked("Authorization: Bearer x"),
		find: func(x *subject, report func(where, detail string)) {
			if x.shared.Store && x.shared.Authorized && !x.shared.Terms.NoCache && x.shared.Terms.Lifetime > 0 {
				report(of("Cache-Control"), x.get("Cache-Control"))
			}
		},
	},
	{
		ID: "answer-for-cookie-shared", Severity: Info, Relates: true,
		Sentence: "the request has a cookie, and the answer lets shared caches give it to those who have another",
		Clause:   "RFC 9111 §7.3", Remedy: "send private, if the answer depends on the cookie",
		Fires:  ok200("Cache-Control: public, max-age=60").asked("Cookie: id=1"),
		Silent: ok200("Cache-Control: private, max-age=60").asked("Cookie: id=1"),
		find: func(x *subject, report func(where, detail string)) {
			if x.shared.Store && x.shared.Cookied && x.shared.Explicit && x.shared.Terms.Lifetime > 0 && !x.hasToken("Vary", "Cookie") {
				report(of("Cache-Control"), x.get("Cache-Control"))
			}
		},
	},
	{
		ID: "targeted-without-cache-control", Severity: Info, Relates: true,
		Sentence: "CDN-Cache-Control tells some caches how long the answer is fresh, and nothing tells browsers",
		Clause:   "RFC 9213 §2.2", Remedy: "send Cache-Control, too",
		Fires:  ok200("CDN-Cache-Control: max-age=600"),
		Silent: ok200("CDN-Cache-Control: max-age=600", "Cache-Control: no-cache"),
		find: func(x *subject, report func(where, detail string)) {
			if x.has("CDN-Cache-Control") && !x.has("Cache-Control") && !x.has("Expires") {
				report(of("CDN-Cache-Control"), x.get("CDN-Cache-Control"))
			}
		},
	},
	{
		ID: "targeted-shares-private", Severity: Warn, Relates: true,
		Sentence: "Cache-Control says that the answer is for one user, or for no cache, and CDN-Cache-Control lets shared caches have it",
		Clause:   "RFC 9213 §2.2", Remedy: "say private in both, unless everyone may have the answer",
		Fires:  ok200("CDN-Cache-Control: max-age=600", "Cache-Control: private, max-age=60"),
		Silent: ok200("CDN-Cache-Control: max-age=600", "Cache-Control: max-age=60"),
		find: func(x *subject, report func(where, detail string)) {
			if x.shared.Store && x.shared.Terms.From == rule.FreshByTarget && x.shared.Terms.Lifetime > 0 && x.cc.bare("private") {
				report(of("CDN-Cache-Control"), "beside "+x.get("Cache-Control"))
			}
		},
	},
	{
		ID: "surrogate-control-leaks", Severity: Info,
		Sentence: "Surrogate-Control is for the cache in front of the origin, which takes it away, but here it is",
		Clause:   "Edge Architecture", Remedy: "send CDN-Cache-Control, or nothing where no such cache is",
		Fires:  ok200("Cache-Control: max-age=60", "Surrogate-Control: max-age=600"),
		Silent: ok200("Cache-Control: max-age=60", "CDN-Cache-Control: max-age=600"),
		find: func(x *subject, report func(where, detail string)) {
			if x.has("Surrogate-Control") {
				report(of("Surrogate-Control"), x.get("Surrogate-Control"))
			}
		},
	},
}

// age returns the value of Age, 0 when it says nothing.
func (s *subject) age() int64 {
	n, _ := s.number("Age")
	return n
}

// namesCache reports whether a field says that a cache is on the way.
func (s *subject) namesCache() bool {
	for _, name := range []string{"Via", "Cache-Status", "X-Cache", "X-Cache-Status", "X-Varnish", "X-Served-By", "X-Proxy-Cache", "X-Cache-Hits"} {
		if s.has(name) {
			return true
		}
	}
	for name := range s.Header {
		if strings.HasSuffix(name, "-Cache") || strings.HasSuffix(name, "-Cache-Status") {
			return true
		}
	}
	return false
}
