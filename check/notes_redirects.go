package check

import (
	"fmt"
	"net/netip"
	"net/url"
	"strings"
)

// redirectNotes are about answers that send the client elsewhere (RFC 9110
// §15.4).
var redirectNotes = []Note{
	{
		ID: "redirect-to-nowhere", Severity: Bad,
		Sentence: "the answer sends the client elsewhere, but Location does not say where",
		Clause:   "RFC 9110 §15.4", Remedy: "send Location",
		Fires:  answered("301 Moved Permanently"),
		Silent: answered("301 Moved Permanently", "Location: /a"),
		find: func(x *subject, report func(where, detail string)) {
			if x.statusIs(301, 302, 303, 307, 308) && strings.TrimSpace(x.get("Location")) == "" {
				report("the answer", fmt.Sprint(x.Status))
			}
		},
	},
	{
		ID: "redirect-to-itself", Severity: Bad, Relates: true,
		Sentence: "Location is the address that was asked for, so browsers go round in a circle",
		Clause:   "RFC 9110 §15.4", Remedy: "send another Location, or the answer itself",
		Fires:  answered("301 Moved Permanently", "Location: http://example.com/a").asked("GET /a HTTP/1.1"),
		Silent: answered("301 Moved Permanently", "Location: https://example.com/a").asked("GET /a HTTP/1.1"),
		find: func(x *subject, report func(where, detail string)) {
			to, ok := x.redirect()
			// With a cookie the next answer can be another one.
			if ok && (x.Method == "GET" || x.Method == "HEAD") && !x.has("Set-Cookie") && sameAddress(to, x.target) {
				report(of("Location"), x.get("Location"))
			}
		},
	},
	{
		ID: "redirect-to-http", Severity: Warn, Relates: true,
		Sentence: "the answer sends the client from https to http",
		Clause:   "RFC 9110 §15.4", Remedy: "send an https address; look at what the server behind a proxy takes for its scheme",
		Fires:  answered("301 Moved Permanently", "Location: http://example.com/a/").asked("GET https://example.com/a HTTP/1.1"),
		Silent: answered("301 Moved Permanently", "Location: /a/").asked("GET https://example.com/a HTTP/1.1"),
		find: func(x *subject, report func(where, detail string)) {
			if to, ok := x.redirect(); ok && x.secure() && to.Scheme == "http" && !insideHost(to.Hostname()) {
				report(of("Location"), x.get("Location"))
			}
		},
	},
	{
		ID: "redirect-to-inside", Severity: Bad, Relates: true,
		Sentence: "Location names a host that only the server itself, or its network, can reach",
		Clause:   "RFC 9110 §10.2.2", Remedy: "send a path, or the public name; look at what the server behind a proxy takes for its name",
		Fires:  answered("302 Found", "Location: http://localhost:8080/login").asked("GET https://example.com/ HTTP/1.1"),
		Silent: answered("302 Found", "Location: http://localhost:8080/login").asked("GET http://localhost:8080/ HTTP/1.1"),
		find: func(x *subject, report func(where, detail string)) {
			if to, ok := x.redirect(); ok && insideHost(to.Hostname()) && !insideHost(x.target.Hostname()) {
				report(of("Location"), x.get("Location"))
			}
		},
	},
	{
		ID: "redirect-to-port", Severity: Warn, Relates: true,
		Sentence: "Location names the same host with another port, which often is that of a server behind a proxy",
		Clause:   "RFC 9110 §10.2.2", Remedy: "send a path, or look at what the server takes for its port",
		Fires:  answered("301 Moved Permanently", "Location: https://example.com:8443/a/").asked("GET https://example.com/a HTTP/1.1"),
		Silent: answered("301 Moved Permanently", "Location: https://example.com/a/").asked("GET http://example.com/a HTTP/1.1"),
		find: func(x *subject, report func(where, detail string)) {
			to, ok := x.redirect()
			if ok && x.target.Port() == "" && to.Port() != "" && to.Port() != "80" && to.Port() != "443" && strings.EqualFold(to.Hostname(), x.target.Hostname()) {
				report(of("Location"), x.get("Location"))
			}
		},
	},
	{
		ID: "redirect-with-password", Severity: Bad,
		Sentence: "Location has a user's name, or a password, which caches and logs keep",
		Clause:   "RFC 9110 §4.2.4", Remedy: "leave them out",
		Fires:  answered("302 Found", "Location: https://me:secret@example.com/"),
		Silent: answered("302 Found", "Location: https://example.com/@me"),
		find: func(x *subject, report func(where, detail string)) {
			if to, ok := x.redirect(); ok && to.User != nil {
				report(of("Location"), to.Redacted())
			}
		},
	},
	{
		ID: "redirect-to-script", Severity: Bad,
		Sentence: "Location is an address that clients do not follow",
		Clause:   "Fetch", Remedy: "send an http or https address",
		Fires:  answered("302 Found", "Location: javascript:alert(1)"),
		Silent: answered("302 Found", "Location: myapp://callback?code=1"),
		find: func(x *subject, report func(where, detail string)) {
			to, ok := x.redirect()
			if ok && anyFold([]string{"javascript", "data", "blob", "about", "file", "vbscript"}, to.Scheme) {
				report(of("Location"), x.get("Location"))
			}
		},
	},
	{
		ID: "location-malformed", Severity: Warn,
		Sentence: "Location is no address as the grammar has it, and clients differ in what they make of it",
		Clause:   "RFC 9110 §10.2.2", Remedy: "write spaces and letters beyond ASCII with percent signs",
		Fires:  answered("302 Found", "Location: /a b"),
		Silent: answered("302 Found", "Location: /a%20b"),
		find: func(x *subject, report func(where, detail string)) {
			for _, line := range x.lines("Location") {
				if line != "" && !isReference(line) {
					report(of("Location"), line)
				}
			}
		},
	},
	{
		ID: "redirect-to-double-slash", Severity: Warn,
		Sentence: "Location begins with two slashes, so what comes next is read as a host",
		Clause:   "RFC 3986 §4.2", Remedy: "write one slash; look whether the path comes from the request",
		Fires:  answered("301 Moved Permanently", "Location: //docs/").asked("GET //docs HTTP/1.1"),
		Silent: answered("301 Moved Permanently", "Location: //cdn.example.com/"),
		find: func(x *subject, report func(where, detail string)) {
			if to, ok := x.redirect(); ok && strings.HasPrefix(x.get("Location"), "//") && !strings.Contains(to.Host, ".") {
				report(of("Location"), x.get("Location"))
			}
		},
	},
	{
		ID: "redirect-permanent-unbounded", Severity: Info,
		Sentence: "nothing says how long the permanent redirect is fresh, and browsers may remember it for longer than any cache",
		Clause:   "RFC 9110 §15.4.2", Remedy: "send Cache-Control: max-age with it, so that a mistake can be taken back",
		Fires:  answered("301 Moved Permanently", "Location: /a"),
		Silent: answered("301 Moved Permanently", "Location: /a", "Cache-Control: max-age=3600"),
		find: func(x *subject, report func(where, detail string)) {
			if x.statusIs(301, 308) && x.has("Location") && !x.private.Explicit && !x.cc.has("no-store") && !x.cc.bare("no-cache") {
				report("the answer", "")
			}
		},
	},
	{
		ID: "redirect-kept-long", Severity: Info,
		Sentence: "a redirect that calls itself temporary is fresh for long",
		Clause:   "RFC 9110 §15.4.3", Remedy: "send 308 or 301, or a short max-age",
		Fires:  answered("302 Found", "Location: /a", "Cache-Control: max-age=2592000"),
		Silent: answered("302 Found", "Location: /a", "Cache-Control: max-age=60"),
		find: func(x *subject, report func(where, detail string)) {
			if fresh := x.private.Terms.Lifetime / second; x.statusIs(302, 303, 307) && x.private.Store && !x.private.Terms.NoCache && fresh > day {
				report("the answer", spanText(fresh))
			}
		},
	},
	{
		ID: "redirect-drops-method", Severity: Info, Relates: true,
		Sentence: "clients make a GET of the request when they follow this status code, and its content is lost",
		Clause:   "RFC 9110 §15.4.2", Remedy: "send 308 or 307 to keep the method, or 303 to say that a GET is meant",
		Fires:  answered("301 Moved Permanently", "Location: /a").asked("POST / HTTP/1.1"),
		Silent: answered("303 See Other", "Location: /a").asked("POST / HTTP/1.1"),
		find: func(x *subject, report func(where, detail string)) {
			if x.statusIs(301, 302) && x.Method == "POST" {
				report("the answer", x.Method)
			}
		},
	},
	{
		ID: "status-use-proxy", Severity: Warn,
		Sentence: "the status code is deprecated or reserved, and clients take no notice of what it meant",
		Clause:   "RFC 9110 §15.4.6", Remedy: "send another status code",
		Fires:  answered("305 Use Proxy", "Location: http://proxy.example/"),
		Silent: answered("307 Temporary Redirect", "Location: /a"),
		find: func(x *subject, report func(where, detail string)) {
			if x.statusIs(305, 306) {
				report("the answer", fmt.Sprint(x.Status))
			}
		},
	},
	{
		ID: "created-without-location", Severity: Info,
		Sentence: "201 without Location means that what was created is at the address of the request",
		Clause:   "RFC 9110 §15.3.2", Remedy: "send Location, if that is not so",
		Fires:  answered("201 Created").asked("POST /list HTTP/1.1"),
		Silent: answered("201 Created", "Location: /list/1").asked("POST /list HTTP/1.1"),
		find: func(x *subject, report func(where, detail string)) {
			if x.Status == 201 && x.Method == "POST" && !x.has("Location") {
				report("the answer", "")
			}
		},
	},
	{
		ID: "refresh-redirects", Severity: Info,
		Sentence: "Refresh sends the browser on after the page was shown, which caches, search engines and the back button take badly",
		Clause:   "HTML", Remedy: "redirect with Location and a status code",
		Fires:  ok200("Refresh: 0; url=/new"),
		Silent: ok200("Refresh: 30"),
		find: func(x *subject, report func(where, detail string)) {
			if strings.Contains(strings.ToLower(x.get("Refresh")), "url=") {
				report(of("Refresh"), x.get("Refresh"))
			}
		},
	},
}

// redirect returns where the answer sends the client, if it does.
func (s *subject) redirect() (*url.URL, bool) {
	lines := s.lines("Location")
	if !s.statusIs(301, 302, 303, 307, 308) || len(lines) != 1 || lines[0] == "" {
		return nil, false
	}
	return s.absolute(lines[0])
}

// sameAddress compares what is asked for at two addresses: fragments are not,
// and an empty path is a slash.
func sameAddress(a, b *url.URL) bool {
	path := func(u *url.URL) string {
		if p := u.EscapedPath(); p != "" {
			return p
		}
		return "/"
	}
	port := func(u *url.URL) string {
		if u.Port() != "" {
			return u.Port()
		}
		return map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	return strings.EqualFold(a.Scheme, b.Scheme) && strings.EqualFold(a.Hostname(), b.Hostname()) && port(a) == port(b) &&
		path(a) == path(b) && a.RawQuery == b.RawQuery
}

// insideHost reports whether a host can be reached from inside a network only.
func insideHost(host string) bool {
	if addr, err := netip.ParseAddr(host); err == nil {
		return addr.IsLoopback() || addr.IsPrivate() || addr.IsUnspecified() || addr.IsLinkLocalUnicast()
	}
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	for _, suffix := range []string{"localhost", ".localhost", ".local", ".internal", ".lan", ".svc", ".cluster.local", ".home.arpa"} {
		if host == suffix || strings.HasPrefix(suffix, ".") && strings.HasSuffix(host, suffix) {
			return true
		}
	}
	return false
}
