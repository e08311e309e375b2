package check

import (
	"fmt"

	"freshet/internal/field"
	"freshet/internal/rule"
)

// cacheStatusNotes are about Cache-Status, by which caches say what they did
// (RFC 9211).
var cacheStatusNotes = []Note{
	{
		ID: "cache-status-hit-and-forwarded", Severity: Warn,
		Sentence: "a cache says that it answered by itself, and why it did not",
		Clause:   "RFC 9211 §2.2", Remedy: "send either hit or fwd",
		Fires:  ok200("Cache-Control: max-age=60", "Cache-Status: cdn; hit; fwd=stale", "Age: 0"),
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
		Fires:  ok200("Cache-Control: max-age=60", "Cache-Status: cdn; hit; tier=2", "Age: 0"),
		Silent: ok200("Cache-Control: max-age=60", "Cache-Status: cdn; hit; detail=\"tier 2\"", "Age: 0"),
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
		Fires:  ok200("Cache-Control: max-age=60", "Cache-Status: cdn; hit; ttl=\"30\"", "Age: 0"),
		Silent: ok200("Cache-Control: max-age=60", "Cache-Status: cdn; hit; ttl=30", "Age: 0"),
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
}

// cacheStatus calls yield for each cache of Cache-Status, the origin's first.
func (s *subject) cacheStatus(yield func(m *sfMember)) {
	members := parseSF(sfList, s.lines("Cache-Status")).Members
	for i := range members {
		yield(&members[i])
	}
}
