package check

import (
	"fmt"
	"strings"

	"freshet/freshness"
)

// rangeNotes are about parts of a representation (RFC 9110 §14).
var rangeNotes = []Note{
	{
		ID: "accept-ranges-unknown", Severity: Warn,
		Sentence: "Accept-Ranges names a unit that is not registered, so nobody asks for it",
		Clause:   "RFC 9110 §14.1", Remedy: "send bytes, or none",
		Fires:  ok200("Accept-Ranges: byte"),
		Silent: ok200("Accept-Ranges: none"),
		find: func(x *subject, report func(where, detail string)) {
			for _, unit := range x.list("Accept-Ranges") {
				if unit != "bytes" && unit != "none" {
					report(of("Accept-Ranges"), unit)
				}
			}
		},
	},
	{
		ID: "accept-ranges-none-and-more", Severity: Warn,
		Sentence: "Accept-Ranges says that no ranges are accepted, and which are",
		Clause:   "RFC 9110 §14.3", Remedy: "say one of them",
		Fires:  ok200("Accept-Ranges: none, bytes"),
		Silent: ok200("Accept-Ranges: bytes"),
		find: func(x *subject, report func(where, detail string)) {
			if list := x.list("Accept-Ranges"); len(list) > 1 && anyFold(list, "none") && anyFold(list, "bytes") {
				report(of("Accept-Ranges"), x.get("Accept-Ranges"))
			}
		},
	},
	{
		ID: "accept-ranges-contradicted", Severity: Warn, Relates: true,
		Sentence: "the answer is a part, and says that no parts can be asked for",
		Clause:   "RFC 9110 §14.3", Remedy: "send Accept-Ranges: bytes",
		Fires:  answered("206 Partial Content", "Accept-Ranges: none", "Content-Range: bytes 0-4/10").asked("Range: bytes=0-4"),
		Silent: answered("206 Partial Content", "Accept-Ranges: bytes", "Content-Range: bytes 0-4/10").asked("Range: bytes=0-4"),
		find: func(x *subject, report func(where, detail string)) {
			if x.Status == 206 && x.hasToken("Accept-Ranges", "none") {
				report(of("Accept-Ranges"), x.get("Accept-Ranges"))
			}
		},
	},
	{
		ID: "part-unasked", Severity: Bad, Relates: true,
		Sentence: "206 answers a request that did not ask for a part, so clients take it for the whole",
		Clause:   "RFC 9110 §15.3.7", Remedy: "send 200 to requests without Range; look for a cache that stores parts as if they were the whole",
		Fires:  answered("206 Partial Content", "Content-Range: bytes 0-4/10"),
		Silent: answered("206 Partial Content", "Content-Range: bytes 0-4/10").asked("Range: bytes=0-4"),
		find: func(x *subject, report func(where, detail string)) {
			if x.Status == 206 && len(x.asked("Range")) == 0 {
				report("the answer", x.get("Content-Range"))
			}
		},
	},
	{
		ID: "part-without-extent", Severity: Bad,
		Sentence: "206 does not say which part it is",
		Clause:   "RFC 9110 §15.3.7.1", Remedy: "send Content-Range, or multipart/byteranges",
		Fires:  answered("206 Partial Content", "Content-Length: 5").asked("Range: bytes=0-4"),
		Silent: answered("206 Partial Content", "Content-Type: multipart/byteranges; boundary=x").asked("Range: bytes=0-4,6-7"),
		find: func(x *subject, report func(where, detail string)) {
			if x.Status == 206 && !x.has("Content-Range") && x.mediaType != "multipart/byteranges" {
				report("the answer", "")
			}
		},
	},
	{
		ID: "parts-with-extent", Severity: Bad, Relates: true,
		Sentence: "an answer of several parts says of itself which part it is; each of the parts has to say that",
		Clause:   "RFC 9110 §15.3.7.2", Remedy: "send Content-Range in the parts only",
		Fires:  answered("206 Partial Content", "Content-Type: multipart/byteranges; boundary=x", "Content-Range: bytes 0-4/10").asked("Range: bytes=0-1,3-4"),
		Silent: answered("206 Partial Content", "Content-Type: multipart/byteranges; boundary=x").asked("Range: bytes=0-1,3-4"),
		find: func(x *subject, report func(where, detail string)) {
			if x.Status == 206 && x.mediaType == "multipart/byteranges" && x.has("Content-Range") {
				report(of("Content-Range"), x.get("Content-Range"))
			}
		},
	},
	{
		ID: "parts-for-one-range", Severity: Bad, Relates: true,
		Sentence: "the request asks for one range, and the answer is of several parts, which such clients need not understand",
		Clause:   "RFC 9110 §15.3.7.2", Remedy: "send one part, with Content-Range",
		Fires:  answered("206 Partial Content", "Content-Type: multipart/byteranges; boundary=x").asked("Range: bytes=0-4"),
		Silent: answered("206 Partial Content", "Content-Type: multipart/byteranges; boundary=x").asked("Range: bytes=0-4, 6-7"),
		find: func(x *subject, report func(where, detail string)) {
			asked := x.askedValue("Range")
			if x.Status == 206 && x.mediaType == "multipart/byteranges" && asked != "" && !strings.Contains(asked, ",") {
				report("the answer", asked)
			}
		},
	},
	{
		ID: "extent-impossible", Severity: Bad,
		Sentence: "Content-Range is no range that can exist",
		Clause:   "RFC 9110 §14.4", Remedy: "write first-last/size, as in bytes 0-99/200",
		Fires:  answered("206 Partial Content", "Content-Range: bytes 4-0/10").asked("Range: bytes=0-4"),
		Silent: answered("206 Partial Content", "Content-Range: bytes 0-4/*").asked("Range: bytes=0-4"),
		find: func(x *subject, report func(where, detail string)) {
			if value := x.get("Content-Range"); x.Status == 206 && isContentRange(value) && strings.HasPrefix(value, "bytes ") {
				if _, _, _, ok := freshness.ParseContentRange(value); !ok {
					report(of("Content-Range"), value)
				}
			}
		},
	},
	{
		ID: "extent-of-unknown", Severity: Info,
		Sentence: "the part does not say how long the whole is, so clients cannot tell when they have it",
		Clause:   "RFC 9110 §14.4", Remedy: "state the size, if it is known",
		Fires:  answered("206 Partial Content", "Content-Range: bytes 0-4/*").asked("Range: bytes=0-4"),
		Silent: answered("206 Partial Content", "Content-Range: bytes 0-4/10").asked("Range: bytes=0-4"),
		find: func(x *subject, report func(where, detail string)) {
			if _, _, size, ok := freshness.ParseContentRange(x.get("Content-Range")); x.Status == 206 && ok && size < 0 {
				report(of("Content-Range"), x.get("Content-Range"))
			}
		},
	},
	{
		ID: "extent-length-differs", Severity: Bad, Relates: true,
		Sentence: "Content-Length is not the length of the part that Content-Range tells of",
		Clause:   "RFC 9110 §14.4", Remedy: "correct one of them",
		Fires:  answered("206 Partial Content", "Content-Range: bytes 0-4/10", "Content-Length: 10").asked("Range: bytes=0-4"),
		Silent: answered("206 Partial Content", "Content-Range: bytes 0-4/10", "Content-Length: 5").asked("Range: bytes=0-4"),
		find: func(x *subject, report func(where, detail string)) {
			first, last, _, ok := freshness.ParseContentRange(x.get("Content-Range"))
			if n, has := x.number("Content-Length"); x.Status == 206 && ok && has && n != last-first+1 {
				report(of("Content-Range"), fmt.Sprintf("%s, Content-Length %d", x.get("Content-Range"), n))
			}
		},
	},
	{
		ID: "extent-unasked", Severity: Bad, Relates: true,
		Sentence: "the part does not begin where the request asked",
		Clause:   "RFC 9110 §15.3.7", Remedy: "send the range that was asked for, or 200",
		Fires:  answered("206 Partial Content", "Content-Range: bytes 0-4/10").asked("Range: bytes=5-9"),
		Silent: answered("206 Partial Content", "Content-Range: bytes 5-9/10").asked("Range: bytes=5-"),
		find: func(x *subject, report func(where, detail string)) {
			first, last, size, ok := freshness.ParseContentRange(x.get("Content-Range"))
			spec, single := strings.CutPrefix(x.askedValue("Range"), "bytes=")
			if x.Status != 206 || !ok || !single || strings.Contains(spec, ",") {
				return
			}
			from, to, _ := strings.Cut(strings.TrimSpace(spec), "-")
			start, named := parseNumber(from)
			if !named { // the last bytes
				count, _ := parseNumber(to)
				if size < 0 || last != size-1 {
					return
				}
				start = max(size-count, 0)
			}
			if first != start {
				report(of("Content-Range"), x.get("Content-Range")+", asked for "+spec)
			}
		},
	},
	{
		ID: "extent-without-part", Severity: Warn, Relates: true,
		Sentence: "Content-Range means something with 206 and 416 only",
		Clause:   "RFC 9110 §14.4", Remedy: "send 206, or leave it out",
		Fires:  ok200("Content-Range: bytes 0-9/10").asked("Range: bytes=0-9"),
		Silent: answered("416 Range Not Satisfiable", "Content-Range: bytes */10").asked("Range: bytes=20-"),
		find: func(x *subject, report func(where, detail string)) {
			if x.has("Content-Range") && !x.statusIs(206, 416, 304) && x.Method != "PUT" {
				report(of("Content-Range"), fmt.Sprint(x.Status))
			}
		},
	},
	{
		ID: "unsatisfiable-unasked", Severity: Bad, Relates: true,
		Sentence: "416 says that a range cannot be satisfied, but the request has none",
		Clause:   "RFC 9110 §15.5.17", Remedy: "send another status code",
		Fires:  answered("416 Range Not Satisfiable", "Content-Range: bytes */10"),
		Silent: answered("416 Range Not Satisfiable", "Content-Range: bytes */10").asked("Range: bytes=20-"),
		find: func(x *subject, report func(where, detail string)) {
			if x.Status == 416 && len(x.asked("Range")) == 0 {
				report("the answer", "")
			}
		},
	},
	{
		ID: "unsatisfiable-without-size", Severity: Info,
		Sentence: "416 does not say how long the representation is, so the client cannot ask better",
		Clause:   "RFC 9110 §15.5.17", Remedy: "send Content-Range: bytes */size",
		Fires:  answered("416 Range Not Satisfiable").asked("Range: bytes=20-"),
		Silent: answered("416 Range Not Satisfiable", "Content-Range: bytes */10").asked("Range: bytes=20-"),
		find: func(x *subject, report func(where, detail string)) {
			if x.Status == 416 && !strings.HasPrefix(x.get("Content-Range"), "bytes */") {
				report("the answer", x.get("Content-Range"))
			}
		},
	},
	{
		ID: "unsatisfiable-kept", Severity: Info,
		Sentence: "416 says how long it is fresh, but is of use to one request only",
		Clause:   "RFC 9111 §3", Remedy: "leave the freshness out",
		Fires:  answered("416 Range Not Satisfiable", "Content-Range: bytes */10", "Cache-Control: public, max-age=86400").asked("Range: bytes=20-"),
		Silent: answered("416 Range Not Satisfiable", "Content-Range: bytes */10", "Cache-Control: no-store").asked("Range: bytes=20-"),
		find: func(x *subject, report func(where, detail string)) {
			if x.Status == 416 && x.private.Explicit && x.private.Terms.Lifetime > 0 {
				report("the answer", x.get("Cache-Control"))
			}
		},
	},
	{
		ID: "part-coded-without-tag", Severity: Info, Relates: true,
		Sentence: "the part is one of coded bytes, which can be joined with others only if a strong entity-tag says that they are of the same coding",
		Clause:   "RFC 9110 §14.2", Remedy: "send a strong ETag for each coding, or parts of what is not coded",
		Fires:  answered("206 Partial Content", "Content-Range: bytes 0-4/10", "Content-Encoding: gzip", "Vary: Accept-Encoding").asked("Range: bytes=0-4", "Accept-Encoding: gzip"),
		Silent: answered("206 Partial Content", "Content-Range: bytes 0-4/10", "Content-Encoding: gzip", "Vary: Accept-Encoding", "ETag: \"a\"").asked("Range: bytes=0-4", "Accept-Encoding: gzip"),
		find: func(x *subject, report func(where, detail string)) {
			if x.Status == 206 && x.has("Content-Encoding") && !strings.HasPrefix(x.get("ETag"), `"`) {
				report(of("Content-Encoding"), x.get("Content-Encoding"))
			}
		},
	},
	{
		ID: "if-range-ignored-by-part", Severity: Bad, Relates: true,
		Sentence: "If-Range names another entity-tag than the part has, so the whole was to be sent",
		Clause:   "RFC 9110 §13.1.5", Remedy: "send 200 when If-Range does not match",
		Fires:  answered("206 Partial Content", "Content-Range: bytes 5-9/10", "ETag: \"b\"").asked("Range: bytes=5-", "If-Range: \"a\""),
		Silent: answered("206 Partial Content", "Content-Range: bytes 5-9/10", "ETag: \"a\"").asked("Range: bytes=5-", "If-Range: \"a\""),
		find: func(x *subject, report func(where, detail string)) {
			asked, tag := x.askedValue("If-Range"), x.get("ETag")
			if x.Status == 206 && strings.Contains(asked, `"`) && tag != "" && asked != tag {
				report(of("ETag"), tag+", asked for "+asked)
			}
		},
	},
}
