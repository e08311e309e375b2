package check

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
)

const (
	allowOrigin      = "Access-Control-Allow-Origin"
	allowCredentials = "Access-Control-Allow-Credentials"
	allowMethods     = "Access-Control-Allow-Methods"
	allowHeaders     = "Access-Control-Allow-Headers"
	exposeHeaders    = "Access-Control-Expose-Headers"
)

// isOrigin reports whether s is an origin as browsers write it: a scheme, a host
// and perhaps a port that is not the scheme's own, in lower case, and nothing
// behind.
func isOrigin(s string) bool {
	u, err := url.Parse(s)
	if err != nil || u.Scheme == "" || u.Host == "" || u.Scheme+"://"+u.Host != s {
		return false
	}
	ownPort := u.Scheme == "https" && u.Port() == "443" || u.Scheme == "http" && u.Port() == "80"
	return s == strings.ToLower(s) && !strings.ContainsAny(s, "*, ") && !ownPort
}

// credentialed reports whether scripts may read answers to requests with
// cookies. Only the value true does it, in lower case.
func (s *subject) credentialed() bool { return s.get(allowCredentials) == "true" }

// corsNotes are about sharing answers with other origins (Fetch §3.3).
var corsNotes = slices.Concat(corsOriginNotes, corsListNotes, preflightNotes)

// corsOriginNotes are about who may read an answer.
var corsOriginNotes = []Note{
	{
		ID: "cors-origin-several", Severity: Bad,
		Sentence: "Access-Control-Allow-Origin names several origins, and browsers then allow none",
		Clause:   "Fetch §4.10", Remedy: "answer with the one origin that asks if it is among them, and with Vary: Origin",
		Fires:  Example{Response: "HTTP/1.1 200 OK\nAccess-Control-Allow-Origin: https://a.example, https://b.example\n\n"},
		Silent: Example{Response: "HTTP/1.1 200 OK\nAccess-Control-Allow-Origin: https://a.example\nVary: Origin\n\n"},
		find: func(x *subject, report func(where, detail string)) {
			if v := x.get(allowOrigin); strings.ContainsAny(v, ", ") {
				report(of(allowOrigin), v)
			}
		},
	},
	{
		ID: "cors-origin-invalid", Severity: Bad,
		Sentence: "Access-Control-Allow-Origin is neither * nor an origin, and never equals what browsers compare with it",
		Clause:   "Fetch §3.2", Remedy: "write scheme, host and port alone, as in https://app.example",
		Fires:  Example{Response: "HTTP/1.1 200 OK\nAccess-Control-Allow-Origin: https://a.example/\n\n"},
		Silent: Example{Response: "HTTP/1.1 200 OK\nAccess-Control-Allow-Origin: https://a.example:8443\n\n"},
		find: func(x *subject, report func(where, detail string)) {
			v := x.get(allowOrigin)
			if v != "" && v != "*" && v != "null" && !strings.ContainsAny(v, ", ") && !isOrigin(v) {
				report(of(allowOrigin), v)
			}
		},
	},
	{
		ID: "cors-origin-null", Severity: Warn,
		Sentence: "the answer is shared with the origin null, which any page can take by a sandboxed frame",
		Clause:   "Fetch §3.3.3", Remedy: "name the origins that may read it, or * when it is public",
		Fires:  Example{Response: "HTTP/1.1 200 OK\nAccess-Control-Allow-Origin: null\n\n"},
		Silent: Example{Response: "HTTP/1.1 200 OK\nAccess-Control-Allow-Origin: *\n\n"},
		find: func(x *subject, report func(where, detail string)) {
			if x.get(allowOrigin) == "null" {
				report(of(allowOrigin), "")
			}
		},
	},
	{
		ID: "cors-credentials-invalid", Severity: Bad,
		Sentence: "Access-Control-Allow-Credentials is not true in lower case, the only value that it can have",
		Clause:   "Fetch §3.3.4", Remedy: "send true, or leave the field out",
		Fires:  Example{Response: "HTTP/1.1 200 OK\nAccess-Control-Allow-Origin: https://a.example\nAccess-Control-Allow-Credentials: True\n\n"},
		Silent: Example{Response: "HTTP/1.1 200 OK\nAccess-Control-Allow-Origin: https://a.example\nAccess-Control-Allow-Credentials: true\n\n"},
		find: func(x *subject, report func(where, detail string)) {
			if v := x.get(allowCredentials); x.has(allowCredentials) && v != "true" && v != "false" {
				report(of(allowCredentials), v)
			}
		},
	},
	{
		ID: "cors-star-credentials", Severity: Bad, Relates: true,
		Sentence: "every origin is allowed, and credentials too: browsers refuse the answer when the request has any",
		Clause:   "Fetch §3.3.5", Remedy: "answer with the origin that asks and Vary: Origin, or leave credentials out",
		Fires:  Example{Response: "HTTP/1.1 200 OK\nAccess-Control-Allow-Origin: *\nAccess-Control-Allow-Credentials: true\n\n"},
		Silent: Example{Response: "HTTP/1.1 200 OK\nAccess-Control-Allow-Origin: *\n\n"},
		find: func(x *subject, report func(where, detail string)) {
			if x.get(allowOrigin) == "*" && x.credentialed() {
				report(of(allowOrigin), "")
			}
		},
	},
	{
		ID: "cors-credentials-alone", Severity: Info, Relates: true,
		Sentence: "credentials are allowed, but no origin is",
		Clause:   "Fetch §4.10", Remedy: "leave Access-Control-Allow-Credentials out where Access-Control-Allow-Origin is not sent",
		Fires:  Example{Response: "HTTP/1.1 200 OK\nAccess-Control-Allow-Credentials: true\n\n"},
		Silent: Example{Response: "HTTP/1.1 200 OK\nAccess-Control-Allow-Origin: https://a.example\nAccess-Control-Allow-Credentials: true\n\n"},
		find: func(x *subject, report func(where, detail string)) {
			if x.credentialed() && !x.has(allowOrigin) {
				report(of(allowCredentials), "")
			}
		},
	},
	{
		ID: "cors-origin-without-vary", Severity: Warn, Relates: true,
		Sentence: "the answer allows the origin that asks, and a cache may give it to another one, which then must not read it",
		Clause:   "Fetch §3.3", Remedy: "send Vary: Origin, also to requests without Origin, unless this one origin is always named",
		Fires: Example{Request: "GET http://example.com/\nOrigin: https://a.example",
			Response: "HTTP/1.1 200 OK\nAccess-Control-Allow-Origin: https://a.example\nCache-Control: max-age=60\n\n"},
		Silent: Example{Request: "GET http://example.com/\nOrigin: https://a.example",
			Response: "HTTP/1.1 200 OK\nAccess-Control-Allow-Origin: https://a.example\nCache-Control: max-age=60\nVary: Accept-Encoding, origin\n\n"},
		find: func(x *subject, report func(where, detail string)) {
			v := x.get(allowOrigin)
			varies := x.hasToken("Vary", "Origin") || x.hasToken("Vary", "*")
			if v != "" && v != "*" && v == x.askedValue("Origin") && !varies && x.private.Store {
				report(of(allowOrigin), v)
			}
		},
	},
	{
		ID: "cors-origin-other", Severity: Info, Relates: true,
		Sentence: "the answer allows another origin than the one that asks, which cannot read it",
		Clause:   "Fetch §4.10", Remedy: "check that this is meant",
		Fires: Example{Request: "GET http://example.com/\nOrigin: https://b.example",
			Response: "HTTP/1.1 200 OK\nAccess-Control-Allow-Origin: https://a.example\n\n"},
		Silent: Example{Request: "GET http://example.com/\nOrigin: https://a.example",
			Response: "HTTP/1.1 200 OK\nAccess-Control-Allow-Origin: https://a.example\n\n"},
		find: func(x *subject, report func(where, detail string)) {
			v, origin := x.get(allowOrigin), x.askedValue("Origin")
			if origin != "" && isOrigin(v) && v != origin {
				report(of(allowOrigin), v+", asked by "+origin)
			}
		},
	},
	{
		ID: "cors-star-vary", Severity: Info, Relates: true,
		Sentence: "every origin gets the same leave, but Vary lets caches keep a copy for each",
		Clause:   "Fetch §3.3", Remedy: "leave Origin out of Vary",
		Fires:  Example{Response: "HTTP/1.1 200 OK\nAccess-Control-Allow-Origin: *\nVary: Origin\n\n"},
		Silent: Example{Response: "HTTP/1.1 200 OK\nAccess-Control-Allow-Origin: *\nVary: Accept-Encoding\n\n"},
		find: func(x *subject, report func(where, detail string)) {
			if x.get(allowOrigin) == "*" && x.hasToken("Vary", "Origin") {
				report(of("Vary"), "")
			}
		},
	},
	{
		ID: "cors-origin-insecure", Severity: Warn, Relates: true,
		Sentence: "an answer over https lets an origin on http read it with credentials, and so whoever sits between",
		Clause:   "Fetch §3.3.5", Remedy: "allow origins on https alone",
		Fires: Example{Request: "GET https://example.com/\nOrigin: http://a.example",
			Response: "HTTP/1.1 200 OK\nAccess-Control-Allow-Origin: http://a.example\nAccess-Control-Allow-Credentials: true\nVary: Origin\n\n"},
		Silent: Example{Request: "GET https://example.com/\nOrigin: http://localhost:3000",
			Response: "HTTP/1.1 200 OK\nAccess-Control-Allow-Origin: http://localhost:3000\nAccess-Control-Allow-Credentials: true\nVary: Origin\n\n"},
		find: func(x *subject, report func(where, detail string)) {
			v := x.get(allowOrigin)
			u, err := url.Parse(v)
			if err != nil || u.Scheme != "http" || !x.secure() || !x.credentialed() {
				return
			}
			if from := (&subject{target: u}); !from.loopback() {
				report(of(allowOrigin), v)
			}
		},
	},
	{
		ID: "timing-allow-origin-invalid", Severity: Warn,
		Sentence: "Timing-Allow-Origin has something that is neither * nor an origin, and matches nothing",
		Clause:   "Fetch §4.11", Remedy: "write scheme, host and port alone, as in https://app.example",
		Fires:  Example{Response: "HTTP/1.1 200 OK\nTiming-Allow-Origin: app.example\n\n"},
		Silent: Example{Response: "HTTP/1.1 200 OK\nTiming-Allow-Origin: https://app.example, null\n\n"},
		find: func(x *subject, report func(where, detail string)) {
			for _, v := range x.list("Timing-Allow-Origin") {
				if v != "*" && v != "null" && !isOrigin(v) {
					report(of("Timing-Allow-Origin"), v)
				}
			}
		},
	},
}

// neverExposed are fields that no script gets, whatever is allowed; safelisted
// are those that every script gets (Fetch §2.2.2).
var (
	neverExposed = []string{"Set-Cookie", "Set-Cookie2"}
	safelisted   = []string{"Cache-Control", "Content-Language", "Content-Length", "Content-Type", "Expires", "Last-Modified", "Pragma"}
)

// corsListNotes are about the lists of methods and fields.
var corsListNotes = []Note{
	{
		ID: "cors-star-literal", Severity: Warn, Relates: true,
		Sentence: "a list says *, but with credentials that is no wildcard: it is the name *",
		Clause:   "Fetch §3.3.5", Remedy: "list the names",
		Fires: Example{Response: "HTTP/1.1 200 OK\nAccess-Control-Allow-Origin: https://a.example\nAccess-Control-Allow-Credentials: true\n" +
			"Access-Control-Expose-Headers: *\n\n"},
		Silent: Example{Response: "HTTP/1.1 200 OK\nAccess-Control-Allow-Origin: *\nAccess-Control-Expose-Headers: *\n\n"},
		find: func(x *subject, report func(where, detail string)) {
			for _, name := range []string{allowMethods, allowHeaders, exposeHeaders} {
				if x.credentialed() && x.hasToken(name, "*") {
					report(of(name), "")
				}
			}
		},
	},
	{
		ID: "cors-method-case", Severity: Warn,
		Sentence: "a method is listed in lower case, and methods are compared by case",
		Clause:   "Fetch §4.8", Remedy: "write it in upper case",
		Fires:  Example{Request: "OPTIONS /", Response: "HTTP/1.1 204 No Content\nAccess-Control-Allow-Methods: put\n\n"},
		Silent: Example{Request: "OPTIONS /", Response: "HTTP/1.1 204 No Content\nAccess-Control-Allow-Methods: PUT\n\n"},
		find: func(x *subject, report func(where, detail string)) {
			for _, m := range x.list(allowMethods) {
				upper := strings.ToUpper(m)
				if m != upper && slices.Contains([]string{"PUT", "DELETE", "PATCH", "OPTIONS", "QUERY", "CONNECT", "TRACE"}, upper) {
					report(of(allowMethods), m)
				}
			}
		},
	},
	{
		ID: "cors-expose-never", Severity: Warn,
		Sentence: "a field is exposed that browsers never show to scripts",
		Clause:   "Fetch §2.2.2", Remedy: "leave it out",
		Fires:  Example{Response: "HTTP/1.1 200 OK\nAccess-Control-Allow-Origin: *\nAccess-Control-Expose-Headers: Set-Cookie\n\n"},
		Silent: Example{Response: "HTTP/1.1 200 OK\nAccess-Control-Allow-Origin: *\nAccess-Control-Expose-Headers: ETag\n\n"},
		find: func(x *subject, report func(where, detail string)) {
			for _, name := range x.list(exposeHeaders) {
				if anyFold(neverExposed, name) {
					report(of(exposeHeaders), name)
				}
			}
		},
	},
	{
		ID: "cors-expose-needless", Severity: Info,
		Sentence: "a field is exposed that scripts may read anyway",
		Clause:   "Fetch §2.2.2", Remedy: "leave it out",
		Fires:  Example{Response: "HTTP/1.1 200 OK\nAccess-Control-Allow-Origin: *\nAccess-Control-Expose-Headers: Content-Type\n\n"},
		Silent: Example{Response: "HTTP/1.1 200 OK\nAccess-Control-Allow-Origin: *\nAccess-Control-Expose-Headers: X-Total\n\n"},
		find: func(x *subject, report func(where, detail string)) {
			for _, name := range x.list(exposeHeaders) {
				if anyFold(safelisted, name) {
					report(of(exposeHeaders), name)
				}
			}
		},
	},
	{
		ID: "cors-expose-alone", Severity: Info, Relates: true,
		Sentence: "fields are exposed to scripts of other origins, but no origin is allowed",
		Clause:   "Fetch §3.3.3", Remedy: "leave Access-Control-Expose-Headers out where Access-Control-Allow-Origin is not sent",
		Fires:  Example{Response: "HTTP/1.1 200 OK\nAccess-Control-Expose-Headers: X-Total\n\n"},
		Silent: Example{Response: "HTTP/1.1 200 OK\nAccess-Control-Allow-Origin: *\nAccess-Control-Expose-Headers: X-Total\n\n"},
		find: func(x *subject, report func(where, detail string)) {
			if x.has(exposeHeaders) && !x.has(allowOrigin) {
				report(of(exposeHeaders), "")
			}
		},
	},
	{
		ID: "cors-max-age-invalid", Severity: Warn,
		Sentence: "Access-Control-Max-Age is no number of seconds, and browsers take 5",
		Clause:   "Fetch §4.8", Remedy: "state seconds",
		Fires:  Example{Request: "OPTIONS /", Response: "HTTP/1.1 204 No Content\nAccess-Control-Max-Age: 1h\n\n"},
		Silent: Example{Request: "OPTIONS /", Response: "HTTP/1.1 204 No Content\nAccess-Control-Max-Age: 600\n\n"},
		find: func(x *subject, report func(where, detail string)) {
			v := x.get("Access-Control-Max-Age")
			if _, ok := parseNumber(v); v != "" && v != "-1" && !ok {
				report(of("Access-Control-Max-Age"), v)
			}
		},
	},
	{
		ID: "cors-max-age-cut", Severity: Info,
		Sentence: "Access-Control-Max-Age is longer than any browser keeps the answer to a preflight",
		Clause:   "Fetch §4.8", Remedy: "state 86400 at most; some browsers keep it for 7200 s",
		Fires:  Example{Request: "OPTIONS /", Response: "HTTP/1.1 204 No Content\nAccess-Control-Max-Age: 1728000\n\n"},
		Silent: Example{Request: "OPTIONS /", Response: "HTTP/1.1 204 No Content\nAccess-Control-Max-Age: 86400\n\n"},
		find: func(x *subject, report func(where, detail string)) {
			const longest = 86400
			if n, ok := x.number("Access-Control-Max-Age"); ok && n > longest {
				report(of("Access-Control-Max-Age"), fmt.Sprintf("%d s", n))
			}
		},
	},
}
