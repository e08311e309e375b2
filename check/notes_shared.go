package check

import (
	"fmt"
	"regexp"
	"strings"

	"freshet/freshness"
	"freshet/internal/field"
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
		ID: "age-of-what-must-not-be-stored", Severity: Warn, Relates: true,
		Sentence: "Age says that the answer comes from a cache, but Cache-Control forbids to store it",
		Clause:   "RFC 9111 §5.2.2.5", Remedy: "look at the rules of that cache, and whether it changes Cache-Control on the way",
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
	{
		ID: "cache-status-hit-and-forwarded", Severity: Warn,
		Sentence: "a cache says that it answered by itself, and why it did not",
		Clause:   "RFC 9211 §2.2", Remedy: "send either hit or fwd",
		Fires:  ok200("Cache-Control: max-age=60", "Cache-Status: cdn; hit; fwd=stale"),
		Silent: ok200("Cache-Control: max-age=60", "Cache-Status: origin; hit, cdn; fwd=uri-miss"),
		find: func(x *subject, report func(where, detail string)) {
			x.cacheStatus(func(m *sfMember) {
				if m.param("hit") != nil && m.param("fwd") != nil {
					report(of("Cache-Status"), m.Text)
				}
			})
		},
	},
	{
		ID: "cache-status-reason-unknown", Severity: Info,
		Sentence: "a cache forwarded the request for a reason that is not registered",
		Clause:   "RFC 9211 §2.2", Remedy: "say one of bypass, method, uri-miss, vary-miss, miss, request, stale and partial, and the rest as detail",
		Fires:  ok200("Cache-Control: max-age=60", "Cache-Status: cdn; fwd=cold"),
		Silent: ok200("Cache-Control: max-age=60", "Cache-Status: cdn; fwd=uri-miss; detail=cold"),
		find: func(x *subject, report func(where, detail string)) {
			x.cacheStatus(func(m *sfMember) {
				if fwd := m.param("fwd"); fwd != nil && !anyFold([]string{"bypass", "method", "uri-miss", "vary-miss", "miss", "request", "stale", "partial"}, fwd.Text) {
					report(of("Cache-Status"), fwd.Text)
				}
			})
		},
	},
	{
		ID: "cache-status-parameter-unknown", Severity: Info,
		Sentence: "a parameter of Cache-Status is not registered",
		Clause:   "RFC 9211 §2", Remedy: "say it as detail",
		Fires:  ok200("Cache-Control: max-age=60", "Cache-Status: cdn; hit; tier=2"),
		Silent: ok200("Cache-Control: max-age=60", "Cache-Status: cdn; hit; detail=\"tier 2\""),
		find: func(x *subject, report func(where, detail string)) {
			x.cacheStatus(func(m *sfMember) {
				for _, p := range m.Params {
					if !anyFold([]string{"hit", "fwd", "fwd-status", "ttl", "stored", "collapsed", "key", "detail"}, p.Key) {
						report(of("Cache-Status"), p.Key)
					}
				}
			})
		},
	},
	{
		ID: "cache-status-parameter-kind", Severity: Warn,
		Sentence: "a parameter of Cache-Status has a value of the wrong kind",
		Clause:   "RFC 9211 §2", Remedy: "write hit, stored and collapsed without a value, ttl and fwd-status as integers, fwd as a token, key as a string",
		Fires:  ok200("Cache-Control: max-age=60", "Cache-Status: cdn; hit; ttl=\"30\""),
		Silent: ok200("Cache-Control: max-age=60", "Cache-Status: cdn; hit; ttl=30"),
		find: func(x *subject, report func(where, detail string)) {
			kinds := map[string]field.Kind{
				"hit": field.Boolean, "stored": field.Boolean, "collapsed": field.Boolean, "fwd": field.Token,
				"fwd-status": field.Integer, "ttl": field.Integer, "key": field.String,
			}
			x.cacheStatus(func(m *sfMember) {
				for _, p := range m.Params {
					if kind, known := kinds[p.Key]; known && p.Kind != kind {
						report(of("Cache-Status"), p.Key)
					}
				}
			})
		},
	},
	{
		ID: "cache-status-hit-without-age", Severity: Warn, Relates: true,
		Sentence: "the cache next to the client answered by itself, but the answer has no Age, so it looks younger than it is",
		Clause:   "RFC 9111 §5.1", Remedy: "let the cache send Age",
		Fires:  ok200("Cache-Control: max-age=60", "Cache-Status: cdn; hit"),
		Silent: ok200("Cache-Control: max-age=60", "Cache-Status: cdn; hit", "Age: 0"),
		find: func(x *subject, report func(where, detail string)) {
			last := ""
			x.cacheStatus(func(m *sfMember) {
				last = ""
				if hit := m.param("hit"); hit != nil && hit.Bool {
					last = m.Text
				}
			})
			if last != "" && !x.has("Age") {
				report(of("Cache-Status"), last)
			}
		},
	},
	{
		ID: "cache-status-stored-against-rules", Severity: Warn, Relates: true,
		Sentence: "a cache says that it stored an answer of which Cache-Control forbids that",
		Clause:   "RFC 9111 §3", Remedy: "look at the rules of that cache",
		Fires:  ok200("Cache-Control: no-store", "Cache-Status: cdn; fwd=miss; stored"),
		Silent: ok200("Cache-Control: max-age=60", "Cache-Status: cdn; fwd=miss; stored"),
		find: func(x *subject, report func(where, detail string)) {
			x.cacheStatus(func(m *sfMember) {
				stored := m.param("stored")
				if stored != nil && stored.Bool && (x.shared.Rule == rule.NotStoredNoStore || x.shared.Rule == rule.NotStoredPrivate) {
					report(of("Cache-Status"), m.Text+" beside "+x.get("Cache-Control"))
				}
			})
		},
	},
	{
		ID: "cache-status-ttl-contradicts", Severity: Info, Relates: true,
		Sentence: "the time for which a cache calls the answer fresh is not what its fields say",
		Clause:   "RFC 9211 §2.4", Remedy: "expect it of a cache with rules of its own; else look which one is wrong",
		Fires:  ok200("Cache-Control: max-age=60", "Age: 10", "Cache-Status: cdn; hit; ttl=3000"),
		Silent: ok200("Cache-Control: max-age=60", "Age: 10", "Cache-Status: cdn; hit; ttl=50"),
		find: func(x *subject, report func(where, detail string)) {
			var ttl *sfMember
			x.cacheStatus(func(m *sfMember) { ttl = m.param("ttl") })
			if ttl == nil || ttl.Kind != field.Integer || !x.shared.Store || !x.shared.Explicit {
				return
			}
			own := x.shared.Terms.TTL(x.Received) / second
			if apart := max(own-ttl.Int, ttl.Int-own); apart > minute {
				report(of("Cache-Status"), fmt.Sprintf("ttl=%d, by the fields %d", ttl.Int, own))
			}
		},
	},
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

// cacheStatus calls yield for each cache of Cache-Status, the origin's first.
func (s *subject) cacheStatus(yield func(m *sfMember)) {
	members := parseSF(sfList, s.lines("Cache-Status")).Members
	for i := range members {
		yield(&members[i])
	}
}
