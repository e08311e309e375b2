package check

import (
	"fmt"
	"strings"

	"freshet/freshness"
	"freshet/internal/field"
	"freshet/internal/wire"
)

// messageNotes are about status codes, methods and times, and the fields that go
// with those (RFC 9110).
var messageNotes = []Note{
	{
		ID: "status-impossible", Severity: Bad,
		Sentence: "the status code is none: they are three digits from 100 to 599",
		Clause:   "RFC 9110 §15", Remedy: "send a registered status code",
		Fires:  answered("600 Odd"),
		Silent: answered("599 Odd"),
		find: func(x *subject, report func(where, detail string)) {
			if x.Status < 100 || x.Status > 599 {
				report("the answer", fmt.Sprint(x.Status))
			}
		},
	},
	{
		ID: "status-unregistered", Severity: Info,
		Sentence: "the status code is not registered, so recipients take it for the first of its hundred",
		Clause:   "RFC 9110 §15", Remedy: "send a registered status code",
		Fires:  answered("499 Gone Away"),
		Silent: answered("429 Too Many Requests"),
		find: func(x *subject, report func(where, detail string)) {
			if x.Status >= 100 && x.Status <= 599 && wire.Phrase(x.Status) == "" && !x.statusIs(208, 226, 306, 418, 506, 508, 510) {
				report("the answer", fmt.Sprint(x.Status))
			}
		},
	},
	{
		ID: "method-not-allowed-without-allow", Severity: Bad,
		Sentence: "405 has no Allow, which must say what methods there are",
		Clause:   "RFC 9110 §15.5.6", Remedy: "send Allow",
		Fires:  answered("405 Method Not Allowed"),
		Silent: answered("405 Method Not Allowed", "Allow: GET, HEAD").asked("POST / HTTP/1.1"),
		find: func(x *subject, report func(where, detail string)) {
			if x.Status == 405 && !x.has("Allow") {
				report("the answer", "")
			}
		},
	},
	{
		ID: "allow-names-refused-method", Severity: Warn, Relates: true,
		Sentence: "405 says that the method is not allowed, and Allow that it is",
		Clause:   "RFC 9110 §15.5.6", Remedy: "correct Allow, or send another status code",
		Fires:  answered("405 Method Not Allowed", "Allow: GET, HEAD"),
		Silent: answered("405 Method Not Allowed", "Allow: GET, HEAD").asked("POST / HTTP/1.1"),
		find: func(x *subject, report func(where, detail string)) {
			if x.Status == 405 && anyEqual(x.list("Allow"), x.Method) {
				report(of("Allow"), x.Method)
			}
		},
	},
	{
		ID: "allow-lacks-method", Severity: Info, Relates: true,
		Sentence: "the request succeeded, but Allow does not name its method",
		Clause:   "RFC 9110 §10.2.1", Remedy: "correct Allow",
		Fires:  ok200("Allow: POST"),
		Silent: ok200("Allow: GET, HEAD"),
		find: func(x *subject, report func(where, detail string)) {
			if x.class() == 2 && x.has("Allow") && x.Method != "OPTIONS" && !anyEqual(x.list("Allow"), x.Method) {
				report(of("Allow"), x.get("Allow"))
			}
		},
	},
	{
		ID: "allow-lower-case", Severity: Warn,
		Sentence: "Allow writes a method in small letters, but case counts in methods",
		Clause:   "RFC 9110 §9.1", Remedy: "write it in capitals",
		Fires:  answered("405 Method Not Allowed", "Allow: get").asked("POST / HTTP/1.1"),
		Silent: answered("405 Method Not Allowed", "Allow: GET").asked("POST / HTTP/1.1"),
		find: func(x *subject, report func(where, detail string)) {
			for _, method := range x.list("Allow") {
				if upper := strings.ToUpper(method); upper != method && anyEqual([]string{"GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"}, upper) {
					report(of("Allow"), method)
				}
			}
		},
	},
	{
		ID: "allow-get-without-head", Severity: Info,
		Sentence: "Allow names GET and not HEAD, which all servers must support where they support GET",
		Clause:   "RFC 9110 §9.1", Remedy: "answer HEAD, and name it",
		Fires:  answered("405 Method Not Allowed", "Allow: GET").asked("POST / HTTP/1.1"),
		Silent: answered("405 Method Not Allowed", "Allow: GET, HEAD").asked("POST / HTTP/1.1"),
		find: func(x *subject, report func(where, detail string)) {
			if list := x.list("Allow"); anyEqual(list, "GET") && !anyEqual(list, "HEAD") {
				report(of("Allow"), x.get("Allow"))
			}
		},
	},
	{
		ID: "options-without-allow", Severity: Info, Relates: true,
		Sentence: "the answer to OPTIONS does not say what methods there are",
		Clause:   "RFC 9110 §9.3.7", Remedy: "send Allow",
		Fires:  answered("204 No Content").asked("OPTIONS / HTTP/1.1"),
		Silent: answered("204 No Content", "Allow: GET, HEAD").asked("OPTIONS / HTTP/1.1"),
		find: func(x *subject, report func(where, detail string)) {
			if x.Method == "OPTIONS" && x.class() == 2 && !x.has("Allow") && len(x.asked("Access-Control-Request-Method")) == 0 {
				report("the answer", "")
			}
		},
	},
	{
		ID: "trace-answered", Severity: Warn, Relates: true,
		Sentence: "the server answers TRACE, and sends back what the request says of its sender",
		Clause:   "RFC 9110 §9.3.8", Remedy: "refuse TRACE",
		Fires:  ok200("Content-Type: message/http").asked("TRACE / HTTP/1.1"),
		Silent: answered("405 Method Not Allowed", "Allow: GET, HEAD").asked("TRACE / HTTP/1.1"),
		find: func(x *subject, report func(where, detail string)) {
			if x.Method == "TRACE" && x.class() == 2 {
				report("the answer", "")
			}
		},
	},
	{
		ID: "retry-after-malformed", Severity: Warn,
		Sentence: "Retry-After is neither a number of seconds nor a date",
		Clause:   "RFC 9110 §10.2.3", Remedy: "write seconds, with digits only",
		Fires:  answered("503 Service Unavailable", "Retry-After: 5m"),
		Silent: answered("503 Service Unavailable", "Retry-After: 300"),
		find: func(x *subject, report func(where, detail string)) {
			for _, line := range x.lines("Retry-After") {
				if _, dated := field.ParseDateFold(line, x.now); !dated && !isNumber(line) {
					report(of("Retry-After"), line)
				}
			}
		},
	},
	{
		ID: "retry-after-past", Severity: Warn, Relates: true,
		Sentence: "Retry-After is a time before Date",
		Clause:   "RFC 9110 §10.2.3", Remedy: "send seconds, or compute the date anew for each answer",
		Fires:  answered("503 Service Unavailable", "Retry-After: Tue, 01 Sep 2026 00:00:00 GMT"),
		Silent: answered("503 Service Unavailable", "Retry-After: Thu, 01 Oct 2026 12:05:00 GMT"),
		find: func(x *subject, report func(where, detail string)) {
			from, dated := x.date("Date")
			if until, ok := x.date("Retry-After"); ok && dated && until < from {
				report(of("Retry-After"), x.get("Retry-After"))
			}
		},
	},
	{
		ID: "unavailable-without-retry-after", Severity: Info,
		Sentence: "nothing says when to try again, so clients do it at once, or never",
		Clause:   "RFC 9110 §15.6.4", Remedy: "send Retry-After, if the time is known",
		Fires:  answered("503 Service Unavailable"),
		Silent: answered("429 Too Many Requests", "Retry-After: 10"),
		find: func(x *subject, report func(where, detail string)) {
			if x.statusIs(429, 503) && !x.has("Retry-After") {
				report("the answer", fmt.Sprint(x.Status))
			}
		},
	},
	{
		ID: "date-missing", Severity: Warn,
		Sentence: "the answer has no Date, from which caches count its age",
		Clause:   "RFC 9110 §6.6.1", Remedy: "send Date",
		Fires:  ok200("-Date", "Content-Type: text/plain"),
		Silent: ok200("Content-Type: text/plain"),
		find: func(x *subject, report func(where, detail string)) {
			if !x.has("Date") && x.class() >= 2 && x.class() <= 4 {
				report("the answer", "")
			}
		},
	},
	{
		ID: "date-ahead", Severity: Warn,
		Sentence: "Date is in the future, so either clock is wrong, and caches take the answer for younger than it is",
		Clause:   "RFC 9110 §6.6.1", Remedy: "set the server's clock",
		Fires:  ok200("Date: Thu, 01 Oct 2026 12:10:00 GMT"),
		Silent: ok200("Date: Thu, 01 Oct 2026 12:00:20 GMT"),
		find: func(x *subject, report func(where, detail string)) {
			if date, ok := x.date("Date"); ok && x.now > 0 && date > x.now+minute {
				report(of("Date"), spanText(min(date-x.now, 1<<31))+" ahead")
			}
		},
	},
	{
		ID: "date-behind", Severity: Warn, Relates: true,
		Sentence: "the answer was made long ago by its Date, and Age does not say so: the server's clock is slow, or a cache on the way sends no Age",
		Clause:   "RFC 9111 §4.2.3", Remedy: "set the server's clock, or let the cache send Age",
		Fires:  ok200("Date: Thu, 01 Oct 2026 11:00:00 GMT"),
		Silent: ok200("Date: Thu, 01 Oct 2026 11:00:00 GMT", "Age: 3600"),
		find: func(x *subject, report func(where, detail string)) {
			if date, ok := x.date("Date"); ok && x.now > 0 && date < x.now-2*minute-x.age() {
				report(of("Date"), spanText(min(x.now-date, 1<<31))+" ago, Age says "+spanText(x.age()))
			}
		},
	},
	{
		ID: "continue-unasked", Severity: Info, Relates: true,
		Sentence: "100 tells the client to go on, but the request does not wait for that",
		Clause:   "RFC 9110 §15.2.1", Remedy: "send 100 only to requests with Expect",
		Fires:  answered("100 Continue").asked("POST / HTTP/1.1", "Content-Length: 5"),
		Silent: answered("100 Continue").asked("POST / HTTP/1.1", "Content-Length: 5", "Expect: 100-continue"),
		find: func(x *subject, report func(where, detail string)) {
			if x.Status == 100 && len(x.asked("Expect")) == 0 {
				report("the answer", "")
			}
		},
	},
	{
		ID: "created-by-safe-method", Severity: Warn, Relates: true,
		Sentence: "a request whose method promises to change nothing created something",
		Clause:   "RFC 9110 §9.2.1", Remedy: "create by POST or PUT, or send 200",
		Fires:  answered("201 Created", "Location: /a"),
		Silent: answered("201 Created", "Location: /a").asked("POST / HTTP/1.1"),
		find: func(x *subject, report func(where, detail string)) {
			if x.Status == 201 && freshness.SafeMethod(x.Method) {
				report("the answer", x.Method)
			}
		},
	},
	{
		ID: "early-data-unwanted", Severity: Warn, Relates: true,
		Sentence: "425 refuses early data, but the request did not come as such",
		Clause:   "RFC 8470 §5.2", Remedy: "send 425 only to requests with Early-Data: 1, or to those that the server read itself before the handshake was done",
		Fires:  answered("425 Too Early"),
		Silent: answered("425 Too Early").asked("Early-Data: 1"),
		find: func(x *subject, report func(where, detail string)) {
			if x.Status == 425 && len(x.asked("Early-Data")) == 0 {
				report("the answer", "")
			}
		},
	},
	{
		ID: "expectation-failed-unasked", Severity: Warn, Relates: true,
		Sentence: "417 says that an expectation cannot be met, but the request has none",
		Clause:   "RFC 9110 §15.5.18", Remedy: "send another status code",
		Fires:  answered("417 Expectation Failed"),
		Silent: answered("417 Expectation Failed").asked("Expect: 100-continue"),
		find: func(x *subject, report func(where, detail string)) {
			if x.Status == 417 && len(x.asked("Expect")) == 0 {
				report("the answer", "")
			}
		},
	},
	{
		ID: "not-acceptable-unasked", Severity: Warn, Relates: true,
		Sentence: "406 says that nothing fits what the request accepts, but the request accepts anything",
		Clause:   "RFC 9110 §15.5.7", Remedy: "send another status code",
		Fires:  answered("406 Not Acceptable"),
		Silent: answered("406 Not Acceptable").asked("Accept: image/webp"),
		find: func(x *subject, report func(where, detail string)) {
			if x.Status == 406 && len(x.asked("Accept"))+len(x.asked("Accept-Language"))+len(x.asked("Accept-Encoding"))+len(x.asked("Accept-Charset")) == 0 {
				report("the answer", "")
			}
		},
	},
	{
		ID: "length-required-although-given", Severity: Warn, Relates: true,
		Sentence: "411 demands Content-Length, which the request has",
		Clause:   "RFC 9110 §15.5.12", Remedy: "send another status code",
		Fires:  answered("411 Length Required").asked("POST / HTTP/1.1", "Content-Length: 5"),
		Silent: answered("411 Length Required").asked("POST / HTTP/1.1", "Transfer-Encoding: chunked"),
		find: func(x *subject, report func(where, detail string)) {
			if x.Status == 411 && len(x.asked("Content-Length")) > 0 {
				report("the answer", "")
			}
		},
	},
	{
		ID: "preference-unasked", Severity: Info, Relates: true,
		Sentence: "Preference-Applied names a preference that the request does not have",
		Clause:   "RFC 7240 §3", Remedy: "name only those of Prefer",
		Fires:  ok200("Preference-Applied: return=minimal"),
		Silent: ok200("Preference-Applied: return=minimal").asked("Prefer: return=minimal, wait=5"),
		find: func(x *subject, report func(where, detail string)) {
			for _, applied := range x.list("Preference-Applied") {
				if !anyFold(x.askedList("Prefer"), applied) {
					report(of("Preference-Applied"), applied)
				}
			}
		},
	},
	{
		ID: "sunset-past", Severity: Info, Relates: true,
		Sentence: "the resource was to be gone by now",
		Clause:   "RFC 8594 §3", Remedy: "send 410, or correct Sunset",
		Fires:  ok200("Sunset: Tue, 01 Sep 2026 00:00:00 GMT"),
		Silent: ok200("Sunset: Fri, 01 Jan 2027 00:00:00 GMT"),
		find: func(x *subject, report func(where, detail string)) {
			until, ok := x.date("Sunset")
			if date, dated := x.date("Date"); ok && dated && until < date && x.class() == 2 {
				report(of("Sunset"), x.get("Sunset"))
			}
		},
	},
	{
		ID: "sunset-before-deprecation", Severity: Warn, Relates: true,
		Sentence: "the resource is gone before it is deprecated",
		Clause:   "RFC 9745 §4", Remedy: "let Sunset be later than Deprecation",
		Fires:  ok200("Sunset: Fri, 01 Jan 2027 00:00:00 GMT", "Deprecation: @1830000000"),
		Silent: ok200("Sunset: Fri, 01 Jan 2027 00:00:00 GMT", "Deprecation: @1790000000"),
		find: func(x *subject, report func(where, detail string)) {
			until, ok := x.date("Sunset")
			if m := parseSF(sfItem, x.lines("Deprecation")).Members; ok && len(m) == 1 && m[0].Kind == field.Date && until < m[0].Int {
				report(of("Sunset"), x.get("Sunset"))
			}
		},
	},
}

// anyEqual reports whether list has s; case matters, as in methods.
func anyEqual(list []string, s string) bool {
	for _, elem := range list {
		if elem == s {
			return true
		}
	}
	return false
}
