package check

import (
	"fmt"
	"net"
	"strings"
)

const hstsField = "Strict-Transport-Security"

// hsts are the directives of the first line of Strict-Transport-Security, the
// only one that browsers read (RFC 6797 §8.1).
func (s *subject) hsts() directives {
	lines := s.lines(hstsField)
	if len(lines) == 0 {
		return nil
	}
	var all directives
	for part := range strings.SplitSeq(lines[0], ";") {
		d := directive{raw: trimSpace(part)}
		d.name, d.arg, d.hasArg = strings.Cut(d.raw, "=")
		d.name, d.arg = strings.ToLower(trimSpace(d.name)), trimSpace(d.arg)
		if n := len(d.arg); n > 1 && d.arg[0] == '"' && d.arg[n-1] == '"' {
			d.arg, d.quoted = d.arg[1:n-1], true
		}
		if d.raw != "" {
			all = append(all, d)
		}
	}
	return all
}

// What the list of sites that browsers are shipped with asks for.
const preloadSeconds = 31536000

// hstsNotes are about Strict-Transport-Security (RFC 6797).
var hstsNotes = []Note{
	{
		ID: "hsts-max-age", Severity: Bad,
		Sentence: "Strict-Transport-Security has no max-age that is a number, and browsers ignore all of it",
		Clause:   "RFC 6797 §6.1.1", Remedy: "send max-age=31536000, divided from other directives by a semicolon",
		Fires:  Example{Request: "GET https://example.com/", Response: "HTTP/1.1 200 OK\nStrict-Transport-Security: max-age=31536000, includeSubDomains\n\n"},
		Silent: Example{Request: "GET https://example.com/", Response: "HTTP/1.1 200 OK\nStrict-Transport-Security: max-age=\"31536000\"; includeSubDomains\n\n"},
		find: func(x *subject, report func(where, detail string)) {
			if _, ok := x.hsts().seconds("max-age"); x.has(hstsField) && !ok {
				report(of(hstsField), x.lines(hstsField)[0])
			}
		},
	},
	{
		ID: "hsts-directive-twice", Severity: Bad,
		Sentence: "a directive of Strict-Transport-Security stands twice, and browsers ignore all of it",
		Clause:   "RFC 6797 §6.1", Remedy: "send it once",
		Fires:  Example{Request: "GET https://example.com/", Response: "HTTP/1.1 200 OK\nStrict-Transport-Security: max-age=31536000; max-age=0\n\n"},
		Silent: Example{Request: "GET https://example.com/", Response: "HTTP/1.1 200 OK\nStrict-Transport-Security: max-age=31536000\n\n"},
		find: func(x *subject, report func(where, detail string)) {
			seen := map[string]bool{}
			for _, d := range x.hsts() {
				if seen[d.name] {
					report(of(hstsField), d.name)
				}
				seen[d.name] = true
			}
		},
	},
	{
		ID: "hsts-directive-unknown", Severity: Info,
		Sentence: "Strict-Transport-Security has a directive that browsers do not know and ignore",
		Clause:   "RFC 6797 §6.1", Remedy: "leave it out",
		Fires:  Example{Request: "GET https://example.com/", Response: "HTTP/1.1 200 OK\nStrict-Transport-Security: max-age=31536000; includeSubDomain\n\n"},
		Silent: Example{Request: "GET https://example.com/", Response: "HTTP/1.1 200 OK\nStrict-Transport-Security: max-age=31536000; includesubdomains; preload\n\n"},
		find: func(x *subject, report func(where, detail string)) {
			for _, d := range x.hsts() {
				if d.name != "max-age" && d.name != "includesubdomains" && d.name != "preload" {
					report(of(hstsField), d.raw)
				}
			}
		},
	},
	{
		ID: "hsts-flag-value", Severity: Warn,
		Sentence: "a directive of Strict-Transport-Security that is a flag has a value, for which browsers may ignore all of it",
		Clause:   "RFC 6797 §6.1.2", Remedy: "write it bare, or leave it out",
		Fires:  Example{Request: "GET https://example.com/", Response: "HTTP/1.1 200 OK\nStrict-Transport-Security: max-age=31536000; includeSubDomains=true\n\n"},
		Silent: Example{Request: "GET https://example.com/", Response: "HTTP/1.1 200 OK\nStrict-Transport-Security: max-age=31536000; includeSubDomains\n\n"},
		find: func(x *subject, report func(where, detail string)) {
			for _, d := range x.hsts() {
				if d.hasArg && (d.name == "includesubdomains" || d.name == "preload") {
					report(of(hstsField), d.raw)
				}
			}
		},
	},
	{
		ID: "hsts-over-http", Severity: Warn, Relates: true,
		Sentence: "Strict-Transport-Security comes over http, where browsers ignore it",
		Clause:   "RFC 6797 §7.2", Remedy: "send it over https alone, and redirect from http",
		Fires:  Example{Request: "GET http://example.com/", Response: "HTTP/1.1 200 OK\nStrict-Transport-Security: max-age=31536000\n\n"},
		Silent: Example{Request: "GET https://example.com/", Response: "HTTP/1.1 200 OK\nStrict-Transport-Security: max-age=31536000\n\n"},
		find: func(x *subject, report func(where, detail string)) {
			if x.has(hstsField) && !x.trustworthy() {
				report(of(hstsField), "")
			}
		},
	},
	{
		ID: "hsts-on-address", Severity: Warn, Relates: true,
		Sentence: "Strict-Transport-Security comes from an address without a name, where browsers ignore it",
		Clause:   "RFC 6797 §8.1.1", Remedy: "serve the site by a name",
		Fires:  Example{Request: "GET https://192.0.2.1/", Response: "HTTP/1.1 200 OK\nStrict-Transport-Security: max-age=31536000\n\n"},
		Silent: Example{Request: "GET https://example.com/", Response: "HTTP/1.1 200 OK\nStrict-Transport-Security: max-age=31536000\n\n"},
		find: func(x *subject, report func(where, detail string)) {
			if x.has(hstsField) && x.secure() && net.ParseIP(x.target.Hostname()) != nil && !x.loopback() {
				report(of(hstsField), x.target.Hostname())
			}
		},
	},
	{
		ID: "hsts-preload-unfit", Severity: Warn,
		Sentence: "Strict-Transport-Security asks for preloading, but does not say what the list demands",
		Clause:   "", Remedy: "send max-age=31536000 at least, and includeSubDomains, or leave preload out",
		Fires:  Example{Request: "GET https://example.com/", Response: "HTTP/1.1 200 OK\nStrict-Transport-Security: max-age=31536000; preload\n\n"},
		Silent: Example{Request: "GET https://example.com/", Response: "HTTP/1.1 200 OK\nStrict-Transport-Security: max-age=31536000; includeSubDomains; preload\n\n"},
		find: func(x *subject, report func(where, detail string)) {
			all := x.hsts()
			n, ok := all.seconds("max-age")
			if !all.has("preload") || !ok {
				return
			}
			if n < preloadSeconds {
				report(of(hstsField), fmt.Sprintf("max-age=%d", n))
			}
			if !all.has("includesubdomains") {
				report(of(hstsField), "no includeSubDomains")
			}
		},
	},
	{
		ID: "hsts-short", Severity: Info,
		Sentence: "Strict-Transport-Security protects visitors who come back within a few days only",
		Clause:   "RFC 6797 §11.2", Remedy: "raise max-age to a year once https has proved itself",
		Fires:  Example{Request: "GET https://example.com/", Response: "HTTP/1.1 200 OK\nStrict-Transport-Security: max-age=86400\n\n"},
		Silent: Example{Request: "GET https://example.com/", Response: "HTTP/1.1 200 OK\nStrict-Transport-Security: max-age=15768000\n\n"},
		find: func(x *subject, report func(where, detail string)) {
			const month = 30 * 24 * 3600
			if n, ok := x.hsts().seconds("max-age"); ok && 0 < n && n < month {
				report(of(hstsField), fmt.Sprintf("%d s", n))
			}
		},
	},
	{
		ID: "hsts-ends", Severity: Info,
		Sentence: "Strict-Transport-Security tells browsers to forget that the host wants https",
		Clause:   "RFC 6797 §6.1.1", Remedy: "raise max-age unless that is meant",
		Fires:  Example{Request: "GET https://example.com/", Response: "HTTP/1.1 200 OK\nStrict-Transport-Security: max-age=0\n\n"},
		Silent: Example{Request: "GET https://example.com/", Response: "HTTP/1.1 200 OK\nStrict-Transport-Security: max-age=31536000\n\n"},
		find: func(x *subject, report func(where, detail string)) {
			if n, ok := x.hsts().seconds("max-age"); ok && n == 0 {
				report(of(hstsField), "")
			}
		},
	},
	{
		ID: "hsts-missing", Severity: Info, Relates: true,
		Sentence: "the page comes over https, but nothing keeps browsers from asking over http the next time",
		Clause:   "RFC 6797 §6.1", Remedy: "send Strict-Transport-Security: max-age=31536000 when all of the site is on https",
		Fires:  Example{Request: "GET https://example.com/", Response: "HTTP/1.1 200 OK\nContent-Type: text/html\n\n"},
		Silent: Example{Request: "GET http://example.com/", Response: "HTTP/1.1 200 OK\nContent-Type: text/html\n\n"},
		find: func(x *subject, report func(where, detail string)) {
			if x.secure() && x.page() && x.Status == 200 && !x.has(hstsField) && !x.loopback() {
				report("the answer", "")
			}
		},
	},
}
