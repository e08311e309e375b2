package check

import (
	"fmt"
	"strings"

	"freshet/freshness"
	"freshet/internal/field"
)

// conditionalNotes are about validators and preconditions (RFC 9110 §8.8 and
// §13).
var conditionalNotes = []Note{
	{
		ID: "etag-unquoted", Severity: Bad,
		Sentence: "the entity-tag has no quotes, so caches that follow the grammar have nothing to validate by",
		Clause:   "RFC 9110 §8.8.3", Remedy: "write the quotes: ETag: \"abc\"",
		Fires:  ok200("ETag: abc", "Cache-Control: no-cache"),
		Silent: ok200("ETag: \"abc\"", "Cache-Control: no-cache"),
		find: func(x *subject, report func(where, detail string)) {
			for _, line := range x.lines("ETag") {
				if line != "" && !field.ValidTag(line) && !strings.Contains(line, `"`) {
					report(of("ETag"), line)
				}
			}
		},
	},
	{
		ID: "etag-malformed", Severity: Bad,
		Sentence: "the value is no entity-tag",
		Clause:   "RFC 9110 §8.8.3", Remedy: "write one tag in quotes, with W/ before them when it is weak",
		Fires:  ok200("ETag: w/\"abc\"", "Cache-Control: no-cache"),
		Silent: ok200("ETag: W/\"abc\"", "Cache-Control: no-cache"),
		find: func(x *subject, report func(where, detail string)) {
			for _, line := range x.lines("ETag") {
				if !field.ValidTag(line) && strings.Contains(line, `"`) {
					report(of("ETag"), line)
				}
			}
		},
	},
	{
		ID: "etag-empty", Severity: Warn,
		Sentence: "the entity-tag is empty, so it can tell nothing apart",
		Clause:   "RFC 9110 §8.8.3", Remedy: "send a tag that changes with the content, or none",
		Fires:  ok200("ETag: \"\"", "Cache-Control: no-cache"),
		Silent: ok200("ETag: \"0\"", "Cache-Control: no-cache"),
		find: func(x *subject, report func(where, detail string)) {
			if tag := x.get("ETag"); tag == `""` || tag == `W/""` {
				report(of("ETag"), tag)
			}
		},
	},
	{
		ID: "etag-weak-with-ranges", Severity: Info, Relates: true,
		Sentence: "ranges are offered, but the weak entity-tag cannot prove that two parts belong together, so downloads start over",
		Clause:   "RFC 9110 §13.1.5", Remedy: "send a strong entity-tag",
		Fires:  ok200("ETag: W/\"a\"", "Accept-Ranges: bytes", "Cache-Control: no-cache"),
		Silent: ok200("ETag: \"a\"", "Accept-Ranges: bytes", "Cache-Control: no-cache"),
		find: func(x *subject, report func(where, detail string)) {
			if x.hasToken("Accept-Ranges", "bytes") && strings.HasPrefix(x.get("ETag"), "W/") && x.Status == 200 && !x.strongDate() {
				report(of("ETag"), x.get("ETag"))
			}
		},
	},
	{
		ID: "etag-of-another-coding", Severity: Warn, Relates: true,
		Sentence: "by its ending the entity-tag is that of a coding which the answer does not have",
		Clause:   "RFC 9110 §8.8.3.3", Remedy: "give each coding its own tag",
		Fires:  ok200("ETag: \"5d8c72a5edda8d6a-gzip\"", "Content-Encoding: br", "Vary: Accept-Encoding", "Cache-Control: no-cache"),
		Silent: ok200("ETag: \"5d8c72a5edda8d6a-gzip\"", "Content-Encoding: gzip", "Vary: Accept-Encoding", "Cache-Control: no-cache"),
		find: func(x *subject, report func(where, detail string)) {
			tag := strings.TrimSuffix(strings.ToLower(x.get("ETag")), `"`)
			if x.Status == 304 { // which need not state the coding
				return
			}
			for _, coding := range []string{"gzip", "br", "zstd", "deflate"} {
				for _, joint := range []string{"-", "--", ";", "-df-"} {
					if strings.HasSuffix(tag, joint+coding) && !x.hasToken("Content-Encoding", coding) {
						report(of("ETag"), x.get("ETag"))
						return
					}
				}
			}
		},
	},
	{
		ID: "last-modified-ahead", Severity: Warn, Relates: true,
		Sentence: "the content was changed after the answer was made, so recipients must not believe the date",
		Clause:   "RFC 9110 §8.8.2.1", Remedy: "send the time of the answer at most",
		Fires:  ok200("Last-Modified: Fri, 02 Oct 2026 12:00:00 GMT", "Cache-Control: no-cache"),
		Silent: ok200("Last-Modified: Thu, 01 Oct 2026 12:00:00 GMT", "Cache-Control: no-cache"),
		find: func(x *subject, report func(where, detail string)) {
			modified, ok := x.date("Last-Modified")
			if date, dated := x.date("Date"); ok && dated && modified > date {
				report(of("Last-Modified"), spanText(min(modified-date, 1<<31))+" after Date")
			}
		},
	},
	{
		ID: "last-modified-is-now", Severity: Info, Relates: true,
		Sentence: "the content was changed in the moment of the answer, which is so with each request if the time is that of the answer",
		Clause:   "RFC 9110 §8.8.2", Remedy: "send the time of the last change, or none",
		Fires:  ok200("Last-Modified: Thu, 01 Oct 2026 12:00:00 GMT", "Cache-Control: no-cache"),
		Silent: ok200("Last-Modified: Thu, 01 Oct 2026 11:50:00 GMT", "Cache-Control: no-cache"),
		find: func(x *subject, report func(where, detail string)) {
			modified, ok := x.date("Last-Modified")
			if date, dated := x.date("Date"); ok && dated && modified == date && x.private.Store {
				report(of("Last-Modified"), x.get("Last-Modified"))
			}
		},
	},
	{
		ID: "last-modified-epoch", Severity: Warn,
		Sentence: "the content was last changed in 1970 or before, which looks like a time that was lost",
		Clause:   "RFC 9110 §8.8.2", Remedy: "send the true time, or none",
		Fires:  ok200("Last-Modified: Thu, 01 Jan 1970 00:00:01 GMT", "Cache-Control: no-cache"),
		Silent: ok200("Last-Modified: Sat, 20 Nov 1999 00:00:01 GMT", "Cache-Control: no-cache"),
		find: func(x *subject, report func(where, detail string)) {
			if modified, ok := x.date("Last-Modified"); ok && modified < 2*day {
				report(of("Last-Modified"), x.get("Last-Modified"))
			}
		},
	},
	{
		ID: "validator-missing", Severity: Info,
		Sentence: "the answer has nothing to be validated by, so it is transferred in full when it is stale",
		Clause:   "RFC 9110 §8.8", Remedy: "send an ETag or Last-Modified",
		Fires:  ok200("Cache-Control: max-age=60", "Content-Type: text/plain", "", "hello"),
		Silent: ok200("Cache-Control: max-age=60", "ETag: \"a\"", "Content-Type: text/plain", "", "hello"),
		find: func(x *subject, report func(where, detail string)) {
			if x.Status == 200 && x.private.Store && x.validator() == "" && !x.private.Terms.Immutable && x.Method == "GET" {
				report("the answer", "")
			}
		},
	},
	{
		ID: "not-modified-unasked", Severity: Bad, Relates: true,
		Sentence: "304 answers a request that has no precondition, so the client has nothing that it could use",
		Clause:   "RFC 9110 §15.4.5", Remedy: "send 304 only to requests with If-None-Match or If-Modified-Since",
		Fires:  answered("304 Not Modified", "ETag: \"a\""),
		Silent: answered("304 Not Modified", "ETag: \"a\"").asked("If-None-Match: \"a\""),
		find: func(x *subject, report func(where, detail string)) {
			if x.Status == 304 && len(x.asked("If-None-Match"))+len(x.asked("If-Modified-Since")) == 0 {
				report("the answer", "")
			}
		},
	},
	{
		ID: "not-modified-to-unsafe-method", Severity: Bad, Relates: true,
		Sentence: "304 is for GET and HEAD; other methods whose precondition fails get 412",
		Clause:   "RFC 9110 §13.1.2", Remedy: "send 412",
		Fires:  answered("304 Not Modified", "ETag: \"a\"").asked("PUT / HTTP/1.1", "If-None-Match: \"a\""),
		Silent: answered("412 Precondition Failed").asked("PUT / HTTP/1.1", "If-None-Match: \"a\""),
		find: func(x *subject, report func(where, detail string)) {
			if x.Status == 304 && x.Method != "GET" && x.Method != "HEAD" {
				report("the answer", x.Method)
			}
		},
	},
	{
		ID: "not-modified-another-tag", Severity: Bad, Relates: true,
		Sentence: "304 says that nothing changed, with an entity-tag that the request did not ask about",
		Clause:   "RFC 9110 §15.4.5", Remedy: "send 200 when no tag of If-None-Match is the current one",
		Fires:  answered("304 Not Modified", "ETag: \"b\"").asked("If-None-Match: \"a\""),
		Silent: answered("304 Not Modified", "ETag: W/\"a\"").asked("If-None-Match: \"b\", \"a\""),
		find: func(x *subject, report func(where, detail string)) {
			asked := x.askedValue("If-None-Match")
			if tag := x.get("ETag"); x.Status == 304 && field.ValidTag(tag) && asked != "" && strings.TrimSpace(asked) != "*" && !namesTag(asked, tag) {
				report(of("ETag"), tag+", asked about "+asked)
			}
		},
	},
	{
		ID: "not-modified-without-tag", Severity: Warn, Relates: true,
		Sentence: "the request asked about entity-tags, and 304 does not say which of them is the current one",
		Clause:   "RFC 9110 §15.4.5", Remedy: "send the ETag that a 200 would have",
		Fires:  answered("304 Not Modified").asked("If-None-Match: \"a\", \"b\""),
		Silent: answered("304 Not Modified", "ETag: \"a\"").asked("If-None-Match: \"a\", \"b\""),
		find: func(x *subject, report func(where, detail string)) {
			if x.Status == 304 && !x.has("ETag") && len(x.asked("If-None-Match")) > 0 {
				report("the answer", "")
			}
		},
	},
	{
		ID: "not-modified-although-newer", Severity: Bad, Relates: true,
		Sentence: "304 states a Last-Modified that is later than the date that the request asked about",
		Clause:   "RFC 9110 §13.1.3", Remedy: "send 200",
		Fires:  answered("304 Not Modified", "Last-Modified: Wed, 02 Sep 2026 00:00:00 GMT").asked("If-Modified-Since: Tue, 01 Sep 2026 00:00:00 GMT"),
		Silent: answered("304 Not Modified", "Last-Modified: Tue, 01 Sep 2026 00:00:00 GMT").asked("If-Modified-Since: Tue, 01 Sep 2026 00:00:00 GMT"),
		find: func(x *subject, report func(where, detail string)) {
			modified, ok := x.date("Last-Modified")
			since, asked := field.ParseDateFold(x.askedValue("If-Modified-Since"), x.now)
			if x.Status == 304 && ok && asked && len(x.asked("If-None-Match")) == 0 && modified > since {
				report(of("Last-Modified"), x.get("Last-Modified"))
			}
		},
	},
	{
		ID: "not-modified-describes-body", Severity: Info,
		Sentence: "304 has fields that describe a body, which it does not have; caches that take them over can be misled",
		Clause:   "RFC 9110 §15.4.5", Remedy: "send ETag, Last-Modified, Cache-Control, Expires, Vary and Content-Location with 304, and no Content-Encoding, Content-Range or Content-Type",
		Fires:  answered("304 Not Modified", "ETag: \"a\"", "Content-Encoding: gzip").asked("If-None-Match: \"a\""),
		Silent: answered("304 Not Modified", "ETag: \"a\"", "Cache-Control: max-age=60").asked("If-None-Match: \"a\""),
		find: func(x *subject, report func(where, detail string)) {
			for _, name := range []string{"Content-Encoding", "Content-Range", "Content-Disposition"} {
				if x.Status == 304 && x.has(name) {
					report(of(name), x.get(name))
				}
			}
		},
	},
	{
		ID: "unchanged-sent-again", Severity: Warn, Relates: true,
		Sentence: "the request asked about the entity-tag that the answer has, and got the whole answer again",
		Clause:   "RFC 9110 §13.1.2", Remedy: "answer such requests with 304",
		Fires:  ok200("ETag: \"a\"", "Cache-Control: no-cache").asked("If-None-Match: \"a\""),
		Silent: ok200("ETag: \"b\"", "Cache-Control: no-cache").asked("If-None-Match: \"a\""),
		find: func(x *subject, report func(where, detail string)) {
			tag := x.get("ETag")
			if asked := x.askedValue("If-None-Match"); x.Status == 200 && (x.Method == "GET" || x.Method == "HEAD") && field.ValidTag(tag) && namesTag(asked, tag) {
				report(of("ETag"), tag)
			}
		},
	},
	{
		ID: "unmodified-sent-again", Severity: Info, Relates: true,
		Sentence: "the request asked about the very date that is Last-Modified, and got the whole answer again",
		Clause:   "RFC 9110 §13.1.3", Remedy: "answer such requests with 304",
		Fires:  ok200("Last-Modified: Tue, 01 Sep 2026 00:00:00 GMT", "Cache-Control: no-cache").asked("If-Modified-Since: Tue, 01 Sep 2026 00:00:00 GMT"),
		Silent: ok200("Last-Modified: Wed, 02 Sep 2026 00:00:00 GMT", "Cache-Control: no-cache").asked("If-Modified-Since: Tue, 01 Sep 2026 00:00:00 GMT"),
		find: func(x *subject, report func(where, detail string)) {
			modified, ok := x.date("Last-Modified")
			since, asked := field.ParseDateFold(x.askedValue("If-Modified-Since"), x.now)
			if x.Status == 200 && (x.Method == "GET" || x.Method == "HEAD") && ok && asked && len(x.asked("If-None-Match")) == 0 && modified <= since {
				report(of("Last-Modified"), x.get("Last-Modified"))
			}
		},
	},
	{
		ID: "precondition-failed-unasked", Severity: Bad, Relates: true,
		Sentence: "412 says that a precondition failed, but the request has none",
		Clause:   "RFC 9110 §15.5.13", Remedy: "send another status code",
		Fires:  answered("412 Precondition Failed"),
		Silent: answered("412 Precondition Failed").asked("PUT / HTTP/1.1", "If-Match: \"a\""),
		find: func(x *subject, report func(where, detail string)) {
			n := 0
			for _, name := range []string{"If-Match", "If-None-Match", "If-Unmodified-Since", "If-Modified-Since", "If", "If-Schedule-Tag-Match"} {
				n += len(x.asked(name))
			}
			if x.Status == 412 && n == 0 {
				report("the answer", "")
			}
		},
	},
	{
		ID: "precondition-required-although-given", Severity: Warn, Relates: true,
		Sentence: "428 demands a precondition, which the request has",
		Clause:   "RFC 6585 §3", Remedy: "send another status code",
		Fires:  answered("428 Precondition Required").asked("PUT / HTTP/1.1", "If-Match: \"a\""),
		Silent: answered("428 Precondition Required").asked("PUT / HTTP/1.1"),
		find: func(x *subject, report func(where, detail string)) {
			if x.Status == 428 && len(x.asked("If-Match"))+len(x.asked("If-Unmodified-Since")) > 0 {
				report("the answer", "")
			}
		},
	},
	{
		ID: "group-without-lifetime", Severity: Info, Relates: true,
		Sentence: "the answer belongs to cache groups, but no shared cache stores it",
		Clause:   "RFC 9875 §2", Remedy: "leave Cache-Groups out, or let the answer be stored",
		Fires:  ok200("Cache-Groups: \"a\"", "Cache-Control: no-store"),
		Silent: ok200("Cache-Groups: \"a\"", "Cache-Control: max-age=60"),
		find: func(x *subject, report func(where, detail string)) {
			if x.has("Cache-Groups") && !x.shared.Store {
				report(of("Cache-Groups"), x.get("Cache-Control"))
			}
		},
	},
	{
		ID: "group-invalidation-idle", Severity: Info, Relates: true,
		Sentence: "Cache-Group-Invalidation is heeded in answers to methods that change something, not in this one",
		Clause:   "RFC 9875 §3", Remedy: "send it with answers to POST, PUT, PATCH or DELETE",
		Fires:  ok200("Cache-Group-Invalidation: \"a\"", "Cache-Control: no-store"),
		Silent: ok200("Cache-Group-Invalidation: \"a\"").asked("POST / HTTP/1.1"),
		find: func(x *subject, report func(where, detail string)) {
			if x.has("Cache-Group-Invalidation") && freshness.SafeMethod(x.Method) {
				report(of("Cache-Group-Invalidation"), fmt.Sprintf("the method is %s", x.Method))
			}
		},
	},
}

// namesTag reports whether a list of entity-tags has one, by weak comparison
// (RFC 9110 §8.8.3.2).
func namesTag(list, tag string) bool {
	tag = strings.TrimPrefix(tag, "W/")
	for {
		elem, _, rest, ok := field.NextTag(list)
		if !ok {
			return false
		}
		if elem == tag {
			return true
		}
		list = rest
	}
}

// strongDate reports whether Last-Modified can prove that two parts belong
// together (RFC 9110 §8.8.2.2).
func (s *subject) strongDate() bool {
	modified, ok := s.date("Last-Modified")
	date, dated := s.date("Date")
	return ok && dated && date-modified >= minute
}
