package check

import (
	"fmt"
	"strings"

	"freshet/internal/field"
)

// longAddress is how long addresses may be that everyone has to take (RFC 9110
// §4.1).
const longAddress = 8000

// requestNotes are about the request, as far as its sender can do better.
var requestNotes = []Note{
	{
		ID: "request-field-syntax", Severity: Warn,
		Sentence: "the value of a request field does not follow its grammar, so servers ignore it or refuse the request",
		Clause:   "RFC 9110 §5.5", Remedy: "write the value in the form that the field has",
		Fires:  ok200().asked("If-Modified-Since: yesterday"),
		Silent: ok200().asked("If-Modified-Since: Tue, 01 Sep 2026 00:00:00 GMT", "Accept: text/html, */*;q=0.8"),
		find: func(x *subject, report func(where, detail string)) {
			for name, lines := range sortedFields(x.RequestHeader) {
				row := knownField(name)
				if row == nil || row.in&inAsk == 0 || row.grammar.structured || row.is(vendor) {
					continue
				}
				for _, wrong := range row.grammar.faults(lines) {
					report(ofRequest(row.name), fmt.Sprintf("%s is not %s", wrong, row.grammar.form))
				}
			}
		},
	},
	{
		ID: "request-field-misspelled", Severity: Warn,
		Sentence: "a field of the request is not known, but its name is nearly that of one that is",
		Clause:   "RFC 9110 §16.3", Remedy: "correct the name",
		Fires:  ok200().asked("If-Non-Match: \"a\""),
		Silent: ok200().asked("If-None-Match: \"a\"", "X-Trace: 1"),
		find: func(x *subject, report func(where, detail string)) {
			for name := range sortedFields(x.RequestHeader) {
				if knownField(name) != nil || !field.IsToken(name) {
					continue
				}
				if row := meantFor(name); row != nil {
					report(ofRequest(name), "meant for "+row.name+"?")
				}
			}
		},
	},
	{
		ID: "request-content-undefined", Severity: Info, Relates: true,
		Sentence: "the request has content, which means nothing with its method, and some servers refuse it",
		Clause:   "RFC 9110 §9.3.1", Remedy: "send it by POST",
		Fires:  ok200().asked("GET / HTTP/1.1", "Content-Length: 5"),
		Silent: ok200().asked("POST / HTTP/1.1", "Content-Length: 5"),
		find: func(x *subject, report func(where, detail string)) {
			length := x.askedValue("Content-Length")
			if anyEqual([]string{"GET", "HEAD", "DELETE"}, x.Method) && (length != "" && length != "0" || len(x.asked("Transfer-Encoding")) > 0) {
				report("the request", x.Method)
			}
		},
	},
	{
		ID: "request-address-long", Severity: Info,
		Sentence: "the address is longer than what everyone has to take",
		Clause:   "RFC 9110 §4.1", Remedy: "send the data by POST",
		Fires:  ok200().asked("GET /?q=" + strings.Repeat("a", longAddress) + " HTTP/1.1"),
		Silent: ok200().asked("GET /?q=" + strings.Repeat("a", longAddress/2) + " HTTP/1.1"),
		find: func(x *subject, report func(where, detail string)) {
			if len(x.URL) > longAddress {
				report("the request", fmt.Sprintf("%d bytes", len(x.URL)))
			}
		},
	},
	{
		ID: "request-host-differs", Severity: Info, Relates: true,
		Sentence: "Host is not that of the address, so another site may answer than the one that was meant",
		Clause:   "RFC 9110 §7.2", Remedy: "send the host of the address",
		Fires:  ok200().asked("Host: example.org"),
		Silent: ok200().asked("Host: Example.com:80"),
		find: func(x *subject, report func(where, detail string)) {
			host := x.askedValue("Host")
			name, _, _ := strings.Cut(host, ":")
			if host != "" && !strings.HasPrefix(host, "[") && x.target.Host != "" && !strings.EqualFold(name, x.target.Hostname()) {
				report(ofRequest("Host"), host)
			}
		},
	},
	{
		ID: "request-expects-unknown", Severity: Info,
		Sentence: "the request expects what no document names, and servers may refuse that with 417",
		Clause:   "RFC 9110 §10.1.1", Remedy: "expect 100-continue, or nothing",
		Fires:  ok200().asked("POST / HTTP/1.1", "Expect: miracles", "Content-Length: 5"),
		Silent: ok200().asked("POST / HTTP/1.1", "Expect: 100-Continue", "Content-Length: 5"),
		find: func(x *subject, report func(where, detail string)) {
			for _, expectation := range x.askedList("Expect") {
				if !strings.EqualFold(expectation, "100-continue") {
					report(ofRequest("Expect"), expectation)
				}
			}
		},
	},
	{
		ID: "request-continue-without-content", Severity: Warn, Relates: true,
		Sentence: "the request waits for 100 before it sends content, and has none",
		Clause:   "RFC 9110 §10.1.1", Remedy: "leave Expect out of requests without content",
		Fires:  ok200().asked("Expect: 100-continue"),
		Silent: ok200().asked("POST / HTTP/1.1", "Expect: 100-continue", "Transfer-Encoding: chunked"),
		find: func(x *subject, report func(where, detail string)) {
			length := x.askedValue("Content-Length")
			empty := x.Method == "GET" || x.Method == "HEAD" || length == "0"
			if anyFold(x.askedList("Expect"), "100-continue") && empty && (length == "" || length == "0") && len(x.asked("Transfer-Encoding")) == 0 {
				report(ofRequest("Expect"), x.Method)
			}
		},
	},
	{
		ID: "request-if-range-alone", Severity: Warn, Relates: true,
		Sentence: "If-Range says on what condition Range counts, and there is no Range",
		Clause:   "RFC 9110 §13.1.5", Remedy: "leave If-Range out",
		Fires:  ok200().asked("If-Range: \"a\""),
		Silent: ok200().asked("If-Range: \"a\"", "Range: bytes=5-"),
		find: func(x *subject, report func(where, detail string)) {
			if len(x.asked("If-Range")) > 0 && len(x.asked("Range")) == 0 {
				report(ofRequest("If-Range"), x.askedValue("If-Range"))
			}
		},
	},
	{
		ID: "request-if-range-weak", Severity: Warn,
		Sentence: "If-Range has a weak entity-tag, which never matches",
		Clause:   "RFC 9110 §13.1.5", Remedy: "ask for the whole, if there is no strong entity-tag",
		Fires:  ok200().asked("If-Range: W/\"a\"", "Range: bytes=5-"),
		Silent: ok200().asked("If-Range: \"a\"", "Range: bytes=5-"),
		find: func(x *subject, report func(where, detail string)) {
			if strings.HasPrefix(x.askedValue("If-Range"), "W/") {
				report(ofRequest("If-Range"), x.askedValue("If-Range"))
			}
		},
	},
	{
		ID: "request-range-not-get", Severity: Info, Relates: true,
		Sentence: "Range means something with GET only",
		Clause:   "RFC 9110 §14.2", Remedy: "leave it out of requests with other methods",
		Fires:  ok200().asked("POST / HTTP/1.1", "Range: bytes=0-4"),
		Silent: ok200().asked("GET / HTTP/1.1", "Range: bytes=0-4"),
		find: func(x *subject, report func(where, detail string)) {
			if len(x.asked("Range")) > 0 && x.Method != "GET" && x.Method != "HEAD" {
				report(ofRequest("Range"), x.Method)
			}
		},
	},
	{
		ID: "request-te-unnamed", Severity: Warn, Relates: true,
		Sentence: "TE is for this connection only, and Connection does not name it",
		Clause:   "RFC 9110 §10.1.4", Remedy: "name TE in Connection",
		Fires:  ok200().asked("TE: trailers"),
		Silent: ok200().asked("TE: trailers", "Connection: TE"),
		find: func(x *subject, report func(where, detail string)) {
			if len(x.asked("TE")) > 0 && !anyFold(x.askedList("Connection"), "TE") && !x.multiplexed() {
				report(ofRequest("TE"), x.askedValue("TE"))
			}
		},
	},
	{
		ID: "request-max-forwards-unfit", Severity: Info, Relates: true,
		Sentence: "Max-Forwards means something with TRACE and OPTIONS only",
		Clause:   "RFC 9110 §7.6.2", Remedy: "leave it out",
		Fires:  ok200().asked("Max-Forwards: 5"),
		Silent: answered("405 Method Not Allowed", "Allow: GET, HEAD").asked("TRACE / HTTP/1.1", "Max-Forwards: 5"),
		find: func(x *subject, report func(where, detail string)) {
			if len(x.asked("Max-Forwards")) > 0 && x.Method != "TRACE" && x.Method != "OPTIONS" {
				report(ofRequest("Max-Forwards"), x.Method)
			}
		},
	},
	{
		ID: "request-password-in-clear", Severity: Warn, Relates: true,
		Sentence: "the request carries a password or token over http, where everybody on the way can read it",
		Clause:   "RFC 7617 §4", Remedy: "use https",
		Fires:  ok200("Cache-Control: no-store").asked("Authorization: Basic bWU6c2VjcmV0"),
		Silent: ok200("Cache-Control: no-store").asked("GET https://example.com/ HTTP/1.1", "Authorization: Basic bWU6c2VjcmV0"),
		find: func(x *subject, report func(where, detail string)) {
			scheme, _, _ := strings.Cut(x.askedValue("Authorization"), " ")
			if anyFold([]string{"Basic", "Bearer"}, scheme) && x.target.Scheme == "http" && !insideHost(x.target.Hostname()) {
				report(ofRequest("Authorization"), scheme)
			}
		},
	},
}
