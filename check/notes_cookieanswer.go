package check

import (
	"fmt"
	"slices"
	"strings"
)

// sharedSeconds is for how long a shared cache answers with this answer without
// asking, in seconds; 0 when it does not.
func (s *subject) sharedSeconds() int64 {
	t := &s.shared.Terms
	if !s.shared.Store || t.NoCache || t.Lifetime <= t.InitialAge {
		return 0
	}
	return (t.Lifetime - t.InitialAge) / second
}

// maxSetCookieBytes is from when on the cookies of one answer are many: what
// servers commonly accept of fields in one request, when the browser sends them
// back.
const maxSetCookieBytes = 8 << 10

// identity is what tells cookies apart in a browser (RFC 6265bis §5.7).
func (c *setCookie) identity(from string) string {
	return strings.Join([]string{c.name, c.domain(), c.path(from)}, "\x00")
}

// cookiePairs calls f for each pair of cookies of one name in the answer.
func cookiePairs(x *subject, f func(a, b *setCookie)) {
	all := x.cookies()
	if len(all) > 200 {
		all = all[:200]
	}
	for i := range all {
		for j := i + 1; j < len(all); j++ {
			if all[i].name == all[j].name && !all[i].nameless {
				f(&all[i], &all[j])
			}
		}
	}
}

// sentCookie returns the value of a cookie of the request.
func (s *subject) sentCookie(name string) (value string, ok bool) {
	for _, line := range s.asked("Cookie") {
		for pair := range strings.SplitSeq(line, ";") {
			if n, v, found := strings.Cut(pair, "="); found && trimSpace(n) == name {
				return trimSpace(v), true
			}
		}
	}
	return "", false
}

// cookieAnswerNotes compare cookies with each other, and with the rest of the
// answer and the request.
var cookieAnswerNotes = []Note{
	{
		ID: "cookie-twice", Severity: Warn, Relates: true,
		Sentence: "the answer sets one cookie twice, and which value stays depends on the order",
		Clause:   "RFC 6265bis §4.1.1", Remedy: "set it once",
		Fires:  Example{Response: "HTTP/1.1 200 OK\nSet-Cookie: a=1; SameSite=Lax\nSet-Cookie: a=2; SameSite=Lax\n\n"},
		Silent: Example{Response: "HTTP/1.1 200 OK\nSet-Cookie: a=1; SameSite=Lax\nSet-Cookie: a=2; SameSite=Lax; Path=/app\n\n"},
		find: func(x *subject, report func(where, detail string)) {
			cookiePairs(x, func(a, b *setCookie) {
				if a.identity(x.target.Path) == b.identity(x.target.Path) && a.deletes(x.now) == b.deletes(x.now) {
					report(of("Set-Cookie"), a.label())
				}
			})
		},
	},
	{
		ID: "cookie-set-and-deleted", Severity: Warn, Relates: true,
		Sentence: "the answer both sets and deletes a cookie, and the last line wins",
		Clause:   "RFC 6265bis §4.1.1", Remedy: "send only what is meant",
		Fires:  Example{Response: "HTTP/1.1 200 OK\nSet-Cookie: a=1; SameSite=Lax\nSet-Cookie: a=; Max-Age=0; SameSite=Lax\n\n"},
		Silent: Example{Response: "HTTP/1.1 200 OK\nSet-Cookie: a=1; Domain=example.com; SameSite=Lax\nSet-Cookie: a=; Max-Age=0; SameSite=Lax\n\n"},
		find: func(x *subject, report func(where, detail string)) {
			cookiePairs(x, func(a, b *setCookie) {
				if a.identity(x.target.Path) == b.identity(x.target.Path) && a.deletes(x.now) != b.deletes(x.now) {
					report(of("Set-Cookie"), a.label())
				}
			})
		},
	},
	{
		ID: "cookie-shadowed", Severity: Info, Relates: true,
		Sentence: "two cookies of one name differ in Domain or Path, so requests carry both, and servers read either",
		Clause:   "RFC 6265bis §4.2.2", Remedy: "give them different names",
		Fires:  Example{Response: "HTTP/1.1 200 OK\nSet-Cookie: a=1; SameSite=Lax\nSet-Cookie: a=2; SameSite=Lax; Domain=example.com\n\n"},
		Silent: Example{Response: "HTTP/1.1 200 OK\nSet-Cookie: a=; Max-Age=0; SameSite=Lax\nSet-Cookie: a=2; SameSite=Lax; Domain=example.com\n\n"},
		find: func(x *subject, report func(where, detail string)) {
			cookiePairs(x, func(a, b *setCookie) {
				if a.identity(x.target.Path) != b.identity(x.target.Path) && !a.deletes(x.now) && !b.deletes(x.now) {
					report(of("Set-Cookie"), a.label())
				}
			})
		},
	},
	{
		ID: "cookie-in-shared-cache", Severity: Warn, Relates: true,
		Sentence: "a shared cache may keep the answer with its cookie, and set it for other visitors",
		Clause:   "RFC 9111 §7.3", Remedy: "send Cache-Control: private or no-store with cookies, or no cookie with what is public",
		Fires:  Example{Response: "HTTP/1.1 200 OK\nCache-Control: max-age=600\nSet-Cookie: a=1; SameSite=Lax\n\n"},
		Silent: Example{Response: "HTTP/1.1 200 OK\nCache-Control: private, max-age=600\nSet-Cookie: a=1; SameSite=Lax\n\n"},
		find: func(x *subject, report func(where, detail string)) {
			stripped := slices.ContainsFunc(x.shared.Strip, func(name string) bool { return strings.EqualFold(name, "Set-Cookie") })
			if seconds := x.sharedSeconds(); seconds > 0 && x.has("Set-Cookie") && !stripped {
				report(of("Set-Cookie"), fmt.Sprintf("fresh for %d s", seconds))
			}
		},
	},
	{
		ID: "cookie-unchanged", Severity: Info, Relates: true,
		Sentence: "the answer sets a cookie to the value that the request has sent",
		Clause:   "", Remedy: "leave it out unless its lifetime is to be renewed: many caches do not keep answers with cookies",
		Fires:  Example{Request: "GET /\nCookie: b=2; a=1", Response: "HTTP/1.1 200 OK\nSet-Cookie: a=1; SameSite=Lax\n\n"},
		Silent: Example{Request: "GET /\nCookie: a=1", Response: "HTTP/1.1 200 OK\nSet-Cookie: a=1; Max-Age=3600; SameSite=Lax\n\n"},
		find: perCookie(func(x *subject, c *setCookie) (string, bool) {
			value, sent := x.sentCookie(c.name)
			_, persistent := c.lifetime(x.now)
			return "", sent && !c.nameless && value == c.value && !persistent
		}),
	},
	{
		ID: "cookie-cross-site", Severity: Warn, Relates: true,
		Sentence: "the request came from another site, and browsers drop a cookie there that is not SameSite=None",
		Clause:   "RFC 6265bis §5.7", Remedy: "send it with SameSite=None and Secure, or not to requests from other sites",
		Fires: Example{Request: "GET https://example.com/\nSec-Fetch-Site: cross-site\nSec-Fetch-Mode: cors\nOrigin: https://example.org",
			Response: "HTTP/1.1 200 OK\nSet-Cookie: a=1; Secure; SameSite=Lax\n\n"},
		Silent: Example{Request: "GET https://example.com/\nSec-Fetch-Site: cross-site\nSec-Fetch-Mode: navigate\nSec-Fetch-Dest: document",
			Response: "HTTP/1.1 200 OK\nSet-Cookie: a=1; Secure; SameSite=Lax\n\n"},
		find: perCookie(func(x *subject, c *setCookie) (string, bool) {
			navigation := x.askedValue("Sec-Fetch-Mode") == "navigate" && x.askedValue("Sec-Fetch-Dest") == "document"
			return "", x.askedValue("Sec-Fetch-Site") == "cross-site" && !navigation && (c.sameSite() == "lax" || c.sameSite() == "strict")
		}),
	},
	{
		ID: "cookies-large", Severity: Warn,
		Sentence: "the cookies of the answer are so large together that servers may refuse the requests that carry them",
		Clause:   "RFC 6265bis §6.1", Remedy: "keep the data at the server, and send its key",
		Fires: Example{Response: "HTTP/1.1 200 OK\nSet-Cookie: a=" + strings.Repeat("x", 3000) + "; SameSite=Lax\nSet-Cookie: b=" +
			strings.Repeat("x", 3000) + "; SameSite=Lax\nSet-Cookie: c=" + strings.Repeat("x", 3000) + "; SameSite=Lax\n\n"},
		Silent: Example{Response: "HTTP/1.1 200 OK\nSet-Cookie: a=" + strings.Repeat("x", 3000) + "; SameSite=Lax\nSet-Cookie: b=" +
			strings.Repeat("x", 3000) + "; SameSite=Lax\n\n"},
		find: func(x *subject, report func(where, detail string)) {
			n := 0
			for _, c := range x.cookies() {
				if !c.deletes(x.now) {
					n += len(c.name) + len("=; ") + len(c.value)
				}
			}
			if n > maxSetCookieBytes {
				report(of("Set-Cookie"), fmt.Sprintf("%d bytes", n))
			}
		},
	},
	{
		ID: "cookie-request-malformed", Severity: Warn,
		Sentence: "Cookie of the request has something that is no pair of name and value",
		Clause:   "RFC 6265bis §4.2.1", Remedy: "send name=value, divided by a semicolon and a space",
		Fires:  Example{Request: "GET /\nCookie: a=1, b", Response: "HTTP/1.1 200 OK\n\n"},
		Silent: Example{Request: "GET /\nCookie: a=1; b=", Response: "HTTP/1.1 200 OK\n\n"},
		find: func(x *subject, report func(where, detail string)) {
			for _, line := range x.asked("Cookie") {
				for pair := range strings.SplitSeq(line, ";") {
					name, value, ok := strings.Cut(pair, "=")
					if !ok || trimSpace(name) == "" || strings.Contains(value, ", ") {
						report(ofRequest("Cookie"), "")
						return
					}
				}
			}
		},
	},
	{
		ID: "cookie-request-twice", Severity: Info,
		Sentence: "Cookie of the request has a name twice, and servers read either value",
		Clause:   "RFC 6265bis §4.2.2", Remedy: "set cookies of one name with one Domain and Path",
		Fires:  Example{Request: "GET /\nCookie: a=1; b=2; a=3", Response: "HTTP/1.1 200 OK\n\n"},
		Silent: Example{Request: "GET /\nCookie: a=1; b=2; A=3", Response: "HTTP/1.1 200 OK\n\n"},
		find: func(x *subject, report func(where, detail string)) {
			seen := map[string]bool{}
			for _, line := range x.asked("Cookie") {
				for pair := range strings.SplitSeq(line, ";") {
					name, _, _ := strings.Cut(pair, "=")
					if name = trimSpace(name); name != "" && seen[name] {
						report(ofRequest("Cookie"), name)
					}
					seen[name] = true
				}
			}
		},
	},
}
