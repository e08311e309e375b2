package check

import (
	"fmt"
	"strings"

	"freshet/internal/rule"
)

// Times in seconds that notes compare with.
const (
	minute = 60
	hour   = 60 * minute
	day    = 24 * hour
)

// cachingNotes are about what RFC 9111 makes of an answer: whether its fields
// say one thing.
var cachingNotes = []Note{
	{
		ID: "cache-no-freshness", Severity: Warn,
		Sentence: "nothing says how long the answer is fresh, so each cache guesses",
		Clause:   "RFC 9111 §4.2.2", Remedy: "send Cache-Control: max-age, or no-cache",
		Fires:  ok200("Last-Modified: Tue, 01 Sep 2026 00:00:00 GMT"),
		Silent: ok200("Last-Modified: Tue, 01 Sep 2026 00:00:00 GMT", "Cache-Control: max-age=60"),
		find: func(x *subject, report func(where, detail string)) {
			if x.private.Store && x.private.Terms.From == rule.FreshHeuristic && !x.private.Terms.NoCache {
				report("the answer", "a guess is "+spanText(x.private.Terms.Lifetime/second))
			}
		},
	},
	{
		ID: "cache-not-reusable", Severity: Info,
		Sentence: "the answer has neither freshness nor a validator, so it is transferred in full each time",
		Clause:   "RFC 9111 §4", Remedy: "send Cache-Control: max-age, or an ETag",
		Fires:  ok200("Content-Type: text/plain", "", "hello"),
		Silent: ok200("Content-Type: text/plain", "Cache-Control: no-store", "", "hello"),
		find: func(x *subject, report func(where, detail string)) {
			if x.private.Rule == rule.NotStoredUseless && x.Status == 200 && !x.cc.bare("no-cache") && !x.cc.has("max-age") {
				report("the answer", "")
			}
		},
	},
	{
		ID: "cache-public-and-private", Severity: Bad,
		Sentence: "Cache-Control says both public and private",
		Clause:   "RFC 9111 §5.2.2.7", Remedy: "send private, if the answer is for one user, or else public",
		Fires:  ok200("Cache-Control: public, private, max-age=60"),
		Silent: ok200("Cache-Control: public, private=\"set-cookie\", max-age=60"),
		find: func(x *subject, report func(where, detail string)) {
			if x.cc.has("public") && x.cc.bare("private") {
				report(of("Cache-Control"), x.get("Cache-Control"))
			}
		},
	},
	{
		ID: "cache-no-store-contradicted", Severity: Warn,
		Sentence: "no-store forbids what another directive is there to allow",
		Clause:   "RFC 9111 §5.2.2.5", Remedy: "send no-store alone, or leave it out",
		Fires:  ok200("Cache-Control: no-store, max-age=3600"),
		Silent: ok200("Cache-Control: no-store, no-cache, must-revalidate, max-age=0"),
		find: func(x *subject, report func(where, detail string)) {
			if x.cc.has("no-store") && !x.cc.has("must-understand") {
				for _, name := range []string{"max-age", "s-maxage", "public", "immutable", "stale-while-revalidate", "stale-if-error"} {
					d := x.cc.get(name)
					if d == nil {
						continue
					}
					if n, ok := d.seconds(); !ok && !d.hasArg || n > 0 {
						report(of("Cache-Control"), d.raw)
					}
				}
			}
		},
	},
	{
		ID: "cache-no-store-is-enough", Severity: Info,
		Sentence: "what stands beside no-store adds nothing to it",
		Clause:   "RFC 9111 §5.2.2.5", Remedy: "send no-store alone",
		Fires:  ok200("Cache-Control: no-store, no-cache, must-revalidate"),
		Silent: ok200("Cache-Control: no-cache, must-revalidate"),
		find: func(x *subject, report func(where, detail string)) {
			if x.cc.has("no-store") && !x.cc.has("must-understand") {
				var idle []string
				for _, name := range []string{"no-cache", "must-revalidate", "proxy-revalidate", "private"} {
					if d := x.cc.get(name); d != nil {
						idle = append(idle, d.raw)
					}
				}
				if idle != nil {
					report(of("Cache-Control"), strings.Join(idle, ", "))
				}
			}
		},
	},
	{
		ID: "cache-no-store-with-validator", Severity: Info, Relates: true,
		Sentence: "the answer has a validator, but no-store means that nobody keeps what it could validate",
		Clause:   "RFC 9111 §5.2.2.5", Remedy: "send no-cache instead of no-store, if a 304 would do",
		Fires:  ok200("Cache-Control: no-store", "ETag: \"a\""),
		Silent: ok200("Cache-Control: no-cache", "ETag: \"a\""),
		find: func(x *subject, report func(where, detail string)) {
			if x.private.Rule == rule.NotStoredNoStore && x.validator() != "" && x.Status == 200 {
				report(of("Cache-Control"), x.validator()+" will never be asked")
			}
		},
	},
	{
		ID: "cache-no-cache-contradicted", Severity: Warn,
		Sentence: "no-cache demands validation before each use, so the time for which the answer says to be fresh counts nowhere",
		Clause:   "RFC 9111 §5.2.2.4", Remedy: "leave out no-cache, or the time",
		Fires:  ok200("Cache-Control: no-cache, max-age=3600", "ETag: \"a\""),
		Silent: ok200("Cache-Control: no-cache, max-age=0", "ETag: \"a\""),
		find: func(x *subject, report func(where, detail string)) {
			if !x.cc.bare("no-cache") || x.cc.has("no-store") {
				return
			}
			for _, name := range []string{"max-age", "s-maxage", "immutable", "stale-while-revalidate"} {
				d := x.cc.get(name)
				if d == nil {
					continue
				}
				if n, _ := d.seconds(); n > 0 || !d.hasArg {
					report(of("Cache-Control"), d.raw)
				}
			}
		},
	},
	{
		ID: "cache-no-cache-without-validator", Severity: Info, Relates: true,
		Sentence: "the answer is to be validated before each use, but has nothing to be validated by, so it is transferred in full each time",
		Clause:   "RFC 9111 §4.3", Remedy: "send an ETag",
		Fires:  ok200("Cache-Control: no-cache"),
		Silent: ok200("Cache-Control: no-cache", "ETag: \"a\""),
		find: func(x *subject, report func(where, detail string)) {
			if x.Status == 200 && x.Method == "GET" && x.validator() == "" && x.private.Rule == rule.NotStoredUseless && (x.cc.bare("no-cache") || x.cc.has("max-age")) {
				report(of("Cache-Control"), x.get("Cache-Control"))
			}
		},
	},
	{
		ID: "cache-must-understand-alone", Severity: Warn,
		Sentence: "must-understand stands without no-store, so caches that do not know it take no notice",
		Clause:   "RFC 9111 §5.2.2.3", Remedy: "send no-store beside it",
		Fires:  ok200("Cache-Control: must-understand, max-age=60"),
		Silent: ok200("Cache-Control: must-understand, no-store, max-age=60"),
		find: func(x *subject, report func(where, detail string)) {
			if x.cc.has("must-understand") && !x.cc.has("no-store") {
				report(of("Cache-Control"), x.get("Cache-Control"))
			}
		},
	},
	{
		ID: "cache-private-with-s-maxage", Severity: Info,
		Sentence: "s-maxage is for shared caches, which private forbids to store the answer",
		Clause:   "RFC 9111 §5.2.2.10", Remedy: "leave out one of them",
		Fires:  ok200("Cache-Control: private, max-age=60, s-maxage=60"),
		Silent: ok200("Cache-Control: private, max-age=60, s-maxage=0"),
		find: func(x *subject, report func(where, detail string)) {
			if n, ok := x.cc.seconds("s-maxage"); ok && n > 0 && x.cc.bare("private") && !x.cc.has("public") {
				report(of("Cache-Control"), x.get("Cache-Control"))
			}
		},
	},
	{
		ID: "cache-private-with-proxy-revalidate", Severity: Info,
		Sentence: "proxy-revalidate is for shared caches, which private forbids to store the answer",
		Clause:   "RFC 9111 §5.2.2.8", Remedy: "leave out proxy-revalidate, or send must-revalidate if browsers are meant",
		Fires:  ok200("Cache-Control: private, max-age=60, proxy-revalidate"),
		Silent: ok200("Cache-Control: private, max-age=60, must-revalidate"),
		find: func(x *subject, report func(where, detail string)) {
			if x.cc.has("proxy-revalidate") && x.cc.bare("private") && !x.cc.has("public") && !x.cc.has("no-store") {
				report(of("Cache-Control"), x.get("Cache-Control"))
			}
		},
	},
	{
		ID: "cache-immutable-without-freshness", Severity: Warn,
		Sentence: "immutable means something only while the answer is fresh, and nothing says for how long it is",
		Clause:   "RFC 8246 §2", Remedy: "send a long max-age beside it",
		Fires:  ok200("Cache-Control: immutable", "ETag: \"a\""),
		Silent: ok200("Cache-Control: immutable, max-age=31536000"),
		find: func(x *subject, report func(where, detail string)) {
			if x.cc.has("immutable") && !x.cc.bare("no-cache") && !x.cc.has("no-store") && !x.private.Explicit {
				report(of("Cache-Control"), x.get("Cache-Control"))
			}
		},
	},
	{
		ID: "cache-immutable-short", Severity: Info,
		Sentence: "immutable is for answers whose address changes with their content, but this one is fresh for a short time",
		Clause:   "RFC 8246 §2", Remedy: "send max-age=31536000, or leave out immutable",
		Fires:  ok200("Cache-Control: immutable, max-age=600"),
		Silent: ok200("Cache-Control: immutable, max-age=31536000"),
		find: func(x *subject, report func(where, detail string)) {
			if n := x.private.Terms.Lifetime / second; x.private.Terms.Immutable && x.private.Explicit && 0 < n && n < day {
				report(of("Cache-Control"), spanText(n))
			}
		},
	},
	{
		ID: "cache-stale-forbidden", Severity: Warn,
		Sentence: "must-revalidate forbids what another directive allows, to use the answer stale",
		Clause:   "RFC 9111 §5.2.2.2", Remedy: "leave out must-revalidate, or the other one",
		Fires:  ok200("Cache-Control: max-age=60, must-revalidate, stale-while-revalidate=30"),
		Silent: ok200("Cache-Control: max-age=60, stale-while-revalidate=30"),
		find: func(x *subject, report func(where, detail string)) {
			if x.cc.has("must-revalidate") && !x.cc.has("no-store") && !x.cc.bare("no-cache") {
				for _, name := range []string{"stale-while-revalidate", "stale-if-error"} {
					if n, _ := x.cc.seconds(name); n > 0 {
						report(of("Cache-Control"), x.cc.get(name).raw)
					}
				}
			}
		},
	},
	{
		ID: "cache-stale-forbidden-to-shared", Severity: Info,
		Sentence: "s-maxage forbids shared caches to use the answer stale, so stale-while-revalidate is for browsers alone, unless a cache departs from the RFC",
		Clause:   "RFC 9111 §5.2.2.10", Remedy: "send CDN-Cache-Control with max-age instead of s-maxage, if stale answers are wanted",
		Fires:  ok200("Cache-Control: max-age=60, s-maxage=600, stale-while-revalidate=30"),
		Silent: ok200("Cache-Control: max-age=60, stale-while-revalidate=30"),
		find: func(x *subject, report func(where, detail string)) {
			if !x.shared.Store || x.shared.Terms.From == rule.FreshByTarget || x.cc.has("must-revalidate") {
				return
			}
			if x.cc.has("s-maxage") || x.cc.has("proxy-revalidate") {
				if n, _ := x.cc.seconds("stale-while-revalidate"); n > 0 {
					report(of("Cache-Control"), x.get("Cache-Control"))
				}
			}
		},
	},
	{
		ID: "cache-stale-longer-than-fresh", Severity: Info,
		Sentence: "the answer may be used stale for longer than it is fresh, so visitors often see what is old",
		Clause:   "RFC 5861 §3", Remedy: "keep stale-while-revalidate shorter than the lifetime, unless that is meant",
		Fires:  ok200("Cache-Control: max-age=60, stale-while-revalidate=86400"),
		Silent: ok200("Cache-Control: max-age=600, stale-while-revalidate=60"),
		find: func(x *subject, report func(where, detail string)) {
			t := &x.private.Terms
			if x.private.Store && x.private.Explicit && !t.NoCache && !t.MustRevalidate && t.Lifetime > 0 && t.WhileRevalidate > t.Lifetime {
				report(of("Cache-Control"), fmt.Sprintf("fresh for %s, stale for %s", spanText(t.Lifetime/second), spanText(t.WhileRevalidate/second)))
			}
		},
	},
	{
		ID: "cache-stale-without-freshness", Severity: Warn,
		Sentence: "stale-while-revalidate is given, but nothing says from when on the answer is stale",
		Clause:   "RFC 5861 §3", Remedy: "send max-age beside it",
		Fires:  ok200("Cache-Control: stale-while-revalidate=60", "ETag: \"a\""),
		Silent: ok200("Cache-Control: max-age=0, stale-while-revalidate=60"),
		find: func(x *subject, report func(where, detail string)) {
			if n, _ := x.cc.seconds("stale-while-revalidate"); n > 0 && !x.private.Explicit && !x.shared.Explicit && !x.cc.has("no-store") {
				report(of("Cache-Control"), x.get("Cache-Control"))
			}
		},
	},
}
