package check

import (
	"slices"
	"strings"
)

// preflight reports whether the request is one by which a browser asks for leave
// to send another (Fetch §3.3.2).
func (s *subject) preflight() bool {
	return s.Method == "OPTIONS" && len(s.asked("Origin")) > 0 && len(s.asked("Access-Control-Request-Method")) > 0
}

// allowsOrigin reports whether the answer allows the origin that asks.
func (s *subject) allowsOrigin() bool {
	v := s.get(allowOrigin)
	return v == "*" || v != "" && v == s.askedValue("Origin")
}

const (
	exampleAsk = "OPTIONS http://example.com/\nOrigin: https://a.example\nAccess-Control-Request-Method: PUT\n" +
		"Access-Control-Request-Headers: authorization,x-own"
	exampleLeave = "HTTP/1.1 204 No Content\nAccess-Control-Allow-Origin: https://a.example\nVary: Origin\n" +
		"Access-Control-Allow-Methods: PUT\nAccess-Control-Allow-Headers: Authorization, X-Own\nAccess-Control-Max-Age: 600\n\n"
)

// preflightNotes compare a preflight with its answer.
var preflightNotes = []Note{
	{
		ID: "preflight-incomplete", Severity: Warn, Relates: true,
		Sentence: "the request has a field of preflights, but is none: it lacks OPTIONS, Origin or Access-Control-Request-Method",
		Clause:   "Fetch §3.3.2", Remedy: "send OPTIONS with Origin and Access-Control-Request-Method",
		Fires:  Example{Request: "GET /\nOrigin: https://a.example\nAccess-Control-Request-Method: PUT", Response: "HTTP/1.1 200 OK\n\n"},
		Silent: Example{Request: exampleAsk, Response: exampleLeave},
		find: func(x *subject, report func(where, detail string)) {
			for _, name := range []string{"Access-Control-Request-Method", "Access-Control-Request-Headers"} {
				if len(x.asked(name)) > 0 && !x.preflight() {
					report(ofRequest(name), x.Method)
				}
			}
		},
	},
	{
		ID: "preflight-status", Severity: Bad, Relates: true,
		Sentence: "the answer to a preflight allows the origin, but its status is no success, and browsers take it as a refusal",
		Clause:   "Fetch §4.8", Remedy: "answer OPTIONS with 204, before redirects and authentication",
		Fires:  Example{Request: exampleAsk, Response: "HTTP/1.1 401 Unauthorized\nWWW-Authenticate: Basic realm=\"x\"\nAccess-Control-Allow-Origin: https://a.example\nVary: Origin\n\n"},
		Silent: Example{Request: exampleAsk, Response: exampleLeave},
		find: func(x *subject, report func(where, detail string)) {
			if x.preflight() && x.allowsOrigin() && x.class() != 2 {
				report("the answer", "")
			}
		},
	},
	{
		ID: "preflight-method", Severity: Bad, Relates: true,
		Sentence: "the answer to a preflight allows the origin, but not the method that it asks for",
		Clause:   "Fetch §4.8", Remedy: "add the method to Access-Control-Allow-Methods",
		Fires:  Example{Request: exampleAsk, Response: strings.Replace(exampleLeave, "PUT", "GET, PATCH", 1)},
		Silent: Example{Request: exampleAsk, Response: exampleLeave},
		find: func(x *subject, report func(where, detail string)) {
			method := x.askedValue("Access-Control-Request-Method")
			simple := slices.Contains([]string{"GET", "HEAD", "POST"}, method)
			listed := slices.Contains(x.list(allowMethods), method) || slices.Contains(x.list(allowMethods), "*") && !x.credentialed()
			if x.preflight() && x.allowsOrigin() && x.class() == 2 && !simple && !listed {
				report(of(allowMethods), method)
			}
		},
	},
	{
		ID: "preflight-header", Severity: Bad, Relates: true,
		Sentence: "the answer to a preflight allows the origin, but not a field that it asks for",
		Clause:   "Fetch §4.8", Remedy: "add the field to Access-Control-Allow-Headers",
		Fires:  Example{Request: exampleAsk, Response: strings.Replace(exampleLeave, "Authorization, ", "", 1)},
		Silent: Example{Request: exampleAsk, Response: exampleLeave},
		find: func(x *subject, report func(where, detail string)) {
			if !x.preflight() || !x.allowsOrigin() || x.class() != 2 || x.hasToken(allowHeaders, "*") {
				return
			}
			allowed := x.list(allowHeaders)
			for _, name := range x.askedList("Access-Control-Request-Headers") {
				if !anyFold(allowed, name) {
					report(of(allowHeaders), name)
				}
			}
		},
	},
	{
		ID: "preflight-star-authorization", Severity: Bad, Relates: true,
		Sentence: "a preflight asks for Authorization, which * does not cover",
		Clause:   "Fetch §4.8", Remedy: "list Authorization beside *",
		Fires:  Example{Request: exampleAsk, Response: strings.Replace(exampleLeave, "Authorization, X-Own", "*", 1)},
		Silent: Example{Request: exampleAsk, Response: strings.Replace(exampleLeave, "X-Own", "*", 1)},
		find: func(x *subject, report func(where, detail string)) {
			asks := anyFold(x.askedList("Access-Control-Request-Headers"), "Authorization")
			if x.preflight() && asks && x.hasToken(allowHeaders, "*") && !x.hasToken(allowHeaders, "Authorization") {
				report(of(allowHeaders), "")
			}
		},
	},
	{
		ID: "preflight-refused", Severity: Info, Relates: true,
		Sentence: "the answer to a preflight does not allow the origin that asks",
		Clause:   "Fetch §4.10", Remedy: "send Access-Control-Allow-Origin if the origin is to be let in",
		Fires:  Example{Request: exampleAsk, Response: "HTTP/1.1 204 No Content\nAllow: GET, PUT\n\n"},
		Silent: Example{Request: exampleAsk, Response: exampleLeave},
		find: func(x *subject, report func(where, detail string)) {
			if x.preflight() && !x.allowsOrigin() {
				report("the answer", x.askedValue("Origin"))
			}
		},
	},
	{
		ID: "preflight-not-kept", Severity: Info, Relates: true,
		Sentence: "the answer to a preflight does not say how long it holds, so browsers ask again after 5 s",
		Clause:   "Fetch §4.8", Remedy: "send Access-Control-Max-Age, for instance 7200",
		Fires:  Example{Request: exampleAsk, Response: strings.Replace(exampleLeave, "Access-Control-Max-Age: 600\n", "", 1)},
		Silent: Example{Request: exampleAsk, Response: exampleLeave},
		find: func(x *subject, report func(where, detail string)) {
			if x.preflight() && x.allowsOrigin() && x.class() == 2 && !x.has("Access-Control-Max-Age") {
				report("the answer", "")
			}
		},
	},
	{
		ID: "preflight-fields-elsewhere", Severity: Info, Relates: true,
		Sentence: "the answer has fields that browsers read in answers to preflights alone",
		Clause:   "Fetch §3.3.3", Remedy: "send them in answers to OPTIONS",
		Fires:  Example{Response: "HTTP/1.1 200 OK\nAccess-Control-Allow-Origin: *\nAccess-Control-Allow-Methods: GET\n\n"},
		Silent: Example{Request: "OPTIONS /", Response: "HTTP/1.1 204 No Content\nAccess-Control-Allow-Origin: *\nAccess-Control-Allow-Methods: GET\n\n"},
		find: func(x *subject, report func(where, detail string)) {
			for _, name := range []string{allowMethods, allowHeaders, "Access-Control-Max-Age"} {
				if x.Method != "OPTIONS" && x.has(name) {
					report(of(name), "")
				}
			}
		},
	},
}
