package check

import (
	"fmt"
	"strings"
)

// knownCookieAttrs are the attributes that browsers know; Priority is that of
// one of them.
var knownCookieAttrs = []string{
	"expires", "max-age", "domain", "path", "secure", "httponly", "samesite", "partitioned", "priority",
}

// maxCookieLife is for how long browsers keep a cookie at most (RFC 6265bis
// §5.5), in seconds.
const maxCookieLife = 400 * 24 * 3600

// cookieAttributeNotes are about single attributes.
var cookieAttributeNotes = []Note{
	{
		ID: "cookie-attribute-unknown", Severity: Info,
		Sentence: "a cookie has an attribute that browsers do not know and ignore",
		Clause:   "RFC 6265bis §5.6", Remedy: "leave it out",
		Fires:  Example{Response: "HTTP/1.1 200 OK\nSet-Cookie: a=1; Version=1; SameSite=Lax\n\n"},
		Silent: Example{Response: "HTTP/1.1 200 OK\nSet-Cookie: a=1; Priority=High; SameSite=Lax\n\n"},
		find: perCookie(func(_ *subject, c *setCookie) (string, bool) {
			for _, a := range c.attrs {
				if !anyFold(knownCookieAttrs, a.name) {
					return a.spelled, true
				}
			}
			return "", false
		}),
	},
	{
		ID: "cookie-attribute-twice", Severity: Warn,
		Sentence: "an attribute of a cookie stands twice, and only the last counts",
		Clause:   "RFC 6265bis §4.1.1", Remedy: "send it once",
		Fires:  Example{Response: "HTTP/1.1 200 OK\nSet-Cookie: a=1; Path=/a; Path=/; SameSite=Lax\n\n"},
		Silent: Example{Response: "HTTP/1.1 200 OK\nSet-Cookie: a=1; Path=/; SameSite=Lax\n\n"},
		find: perCookie(func(_ *subject, c *setCookie) (string, bool) {
			seen := map[string]bool{}
			for _, a := range c.attrs {
				if seen[a.name] {
					return a.spelled, true
				}
				seen[a.name] = true
			}
			return "", false
		}),
	},
	{
		ID: "cookie-attribute-too-long", Severity: Warn,
		Sentence: "the value of an attribute has more than 1024 bytes, and browsers ignore the attribute",
		Clause:   "RFC 6265bis §5.6", Remedy: "shorten it",
		Fires:  Example{Response: "HTTP/1.1 200 OK\nSet-Cookie: a=1; SameSite=Lax; Path=/" + strings.Repeat("p", 1024) + "\n\n"},
		Silent: Example{Response: "HTTP/1.1 200 OK\nSet-Cookie: a=1; SameSite=Lax; Path=/" + strings.Repeat("p", 1023) + "\n\n"},
		find: perCookie(func(_ *subject, c *setCookie) (string, bool) {
			for _, a := range c.attrs {
				if len(a.value) > maxCookieAttrBytes {
					return a.spelled, true
				}
			}
			return "", false
		}),
	},
	{
		ID: "cookie-attribute-empty", Severity: Info,
		Sentence: "an attribute of a cookie is empty, and counts for nothing",
		Clause:   "RFC 6265bis §5.6", Remedy: "leave it out",
		Fires:  Example{Response: "HTTP/1.1 200 OK\nSet-Cookie: a=1; Domain=; SameSite=Lax\n\n"},
		Silent: Example{Response: "HTTP/1.1 200 OK\nSet-Cookie: a=1; Path=/; SameSite=Lax\n\n"},
		find: perCookie(func(_ *subject, c *setCookie) (string, bool) {
			for _, name := range []string{"domain", "path"} {
				if a := c.attr(name); a != nil && a.value == "" {
					return a.spelled, true
				}
			}
			return "", false
		}),
	},
	{
		ID: "cookie-flag-value", Severity: Warn,
		Sentence: "an attribute that is a flag has a value, which counts for nothing: the flag is set",
		Clause:   "RFC 6265bis §5.6.5", Remedy: "write the bare attribute, or leave it out",
		Fires:  Example{Response: "HTTP/1.1 200 OK\nSet-Cookie: a=1; HttpOnly=false; SameSite=Lax\n\n"},
		Silent: Example{Response: "HTTP/1.1 200 OK\nSet-Cookie: a=1; HttpOnly; SameSite=Lax\n\n"},
		find: perCookie(func(_ *subject, c *setCookie) (string, bool) {
			for _, name := range []string{"secure", "httponly", "partitioned"} {
				if a := c.attr(name); a != nil && a.value != "" {
					return a.spelled + "=" + a.value, true
				}
			}
			return "", false
		}),
	},
	{
		ID: "cookie-max-age-invalid", Severity: Warn,
		Sentence: "Max-Age of a cookie is no whole number, and browsers ignore it",
		Clause:   "RFC 6265bis §5.6.2", Remedy: "state seconds, without quotes",
		Fires:  Example{Response: "HTTP/1.1 200 OK\nSet-Cookie: a=1; Max-Age=1h; SameSite=Lax\n\n"},
		Silent: Example{Response: "HTTP/1.1 200 OK\nSet-Cookie: a=1; Max-Age=-1; SameSite=Lax\n\n"},
		find: perCookie(func(_ *subject, c *setCookie) (string, bool) {
			_, ok := c.maxAge()
			return c.text("max-age"), c.has("max-age") && !ok
		}),
	},
	{
		ID: "cookie-expires-invalid", Severity: Warn,
		Sentence: "Expires of a cookie is no date, and browsers ignore it",
		Clause:   "RFC 6265bis §5.6.1", Remedy: "write the date as in Thu, 31 Dec 2026 00:00:00 GMT",
		Fires:  Example{Response: "HTTP/1.1 200 OK\nSet-Cookie: a=1; Expires=0; SameSite=Lax\n\n"},
		Silent: Example{Response: "HTTP/1.1 200 OK\nSet-Cookie: a=1; Expires=Thu, 31-Dec-2026 00:00:00 GMT; SameSite=Lax\n\n"},
		find: perCookie(func(_ *subject, c *setCookie) (string, bool) {
			_, ok := c.expires()
			return c.text("expires"), c.has("expires") && !ok
		}),
	},
	{
		ID: "cookie-lifetimes-differ", Severity: Warn, Relates: true,
		Sentence: "Max-Age and Expires of a cookie do not mean the same time",
		Clause:   "RFC 6265bis §4.1.2.2", Remedy: "send Max-Age alone, which every browser prefers",
		Fires: Example{Response: "HTTP/1.1 200 OK\nDate: Thu, 01 Oct 2026 12:00:00 GMT\n" +
			"Set-Cookie: a=1; Max-Age=3600; Expires=Thu, 31 Dec 2026 00:00:00 GMT; SameSite=Lax\n\n"},
		Silent: Example{Response: "HTTP/1.1 200 OK\nDate: Thu, 01 Oct 2026 12:00:00 GMT\n" +
			"Set-Cookie: a=1; Max-Age=3600; Expires=Thu, 01 Oct 2026 13:00:01 GMT; SameSite=Lax\n\n"},
		find: perCookie(func(x *subject, c *setCookie) (string, bool) {
			const tolerance = 300 // seconds between two clocks
			age, ok := c.maxAge()
			at, ok2 := c.expires()
			now, ok3 := x.date("Date")
			if !ok || !ok2 || !ok3 || age <= 0 && at <= now {
				return "", false
			}
			differ := age < at-now-tolerance || age > at-now+tolerance
			if age > maxCookieLife && at-now > maxCookieLife {
				differ = false // both are cut to the same
			}
			return fmt.Sprintf("%d s, and %d s", age, at-now), differ
		}),
	},
	{
		ID: "cookie-lifetime-cut", Severity: Info,
		Sentence: "a cookie is to live for more than 400 days, and browsers cut that",
		Clause:   "RFC 6265bis §5.5", Remedy: "state at most 34560000 seconds, and renew the cookie on visits",
		Fires:  Example{Response: "HTTP/1.1 200 OK\nSet-Cookie: a=1; Max-Age=63072000; SameSite=Lax\n\n"},
		Silent: Example{Response: "HTTP/1.1 200 OK\nSet-Cookie: a=1; Max-Age=31536000; SameSite=Lax\n\n"},
		find: perCookie(func(x *subject, c *setCookie) (string, bool) {
			seconds, persistent := c.lifetime(x.now)
			return fmt.Sprintf("%d days", seconds/86400), persistent && seconds > maxCookieLife && x.now > 0
		}),
	},
	{
		ID: "cookie-samesite-invalid", Severity: Warn,
		Sentence: "SameSite of a cookie is none of Strict, Lax and None, and browsers act as if it were not there",
		Clause:   "RFC 6265bis §5.6.7", Remedy: "state one of the three",
		Fires:  Example{Response: "HTTP/1.1 200 OK\nSet-Cookie: a=1; SameSite=true\n\n"},
		Silent: Example{Response: "HTTP/1.1 200 OK\nSet-Cookie: a=1; SameSite=lax\n\n"},
		find: perCookie(func(_ *subject, c *setCookie) (string, bool) {
			return c.text("samesite"), c.has("samesite") && c.sameSite() == ""
		}),
	},
	{
		ID: "cookie-samesite-absent", Severity: Info,
		Sentence: "a cookie does not say SameSite, of which browsers make Lax, or Lax with exceptions, or None",
		Clause:   "RFC 6265bis §5.6.7.2", Remedy: "say SameSite=Lax, or what is meant",
		Fires:  Example{Response: "HTTP/1.1 200 OK\nSet-Cookie: a=1; HttpOnly\n\n"},
		Silent: Example{Response: "HTTP/1.1 200 OK\nSet-Cookie: a=1; HttpOnly; SameSite=Lax\n\n"},
		find: perCookie(func(x *subject, c *setCookie) (string, bool) {
			return "", !c.has("samesite") && !c.deletes(x.now) && c.name+c.value != ""
		}),
	},
	{
		ID: "cookie-samesite-none-insecure", Severity: Bad,
		Sentence: "a cookie with SameSite=None lacks Secure, and browsers drop it",
		Clause:   "RFC 6265bis §5.7", Remedy: "add Secure, and serve it over https",
		Fires:  Example{Request: "GET https://example.com/", Response: "HTTP/1.1 200 OK\nSet-Cookie: a=1; SameSite=None\n\n"},
		Silent: Example{Request: "GET https://example.com/", Response: "HTTP/1.1 200 OK\nSet-Cookie: a=1; SameSite=None; Secure\n\n"},
		find: perCookie(func(_ *subject, c *setCookie) (string, bool) {
			return "", c.sameSite() == "none" && !c.has("secure")
		}),
	},
	{
		ID: "cookie-partitioned-insecure", Severity: Bad,
		Sentence: "a partitioned cookie lacks Secure, and browsers drop it",
		Clause:   "draft-cutler-httpbis-partitioned-cookies", Remedy: "add Secure",
		Fires:  Example{Request: "GET https://example.com/", Response: "HTTP/1.1 200 OK\nSet-Cookie: a=1; Partitioned; SameSite=Lax\n\n"},
		Silent: Example{Request: "GET https://example.com/", Response: "HTTP/1.1 200 OK\nSet-Cookie: a=1; Partitioned; Secure; SameSite=None\n\n"},
		find: perCookie(func(_ *subject, c *setCookie) (string, bool) {
			return "", c.has("partitioned") && !c.has("secure")
		}),
	},
	{
		ID: "cookie-partitioned-samesite", Severity: Info,
		Sentence: "a partitioned cookie is not SameSite=None, so where partitions matter it is never sent",
		Clause:   "draft-cutler-httpbis-partitioned-cookies", Remedy: "say SameSite=None, or leave Partitioned out",
		Fires:  Example{Request: "GET https://example.com/", Response: "HTTP/1.1 200 OK\nSet-Cookie: a=1; Partitioned; Secure; SameSite=Lax\n\n"},
		Silent: Example{Request: "GET https://example.com/", Response: "HTTP/1.1 200 OK\nSet-Cookie: a=1; Partitioned; Secure; SameSite=None\n\n"},
		find: perCookie(func(_ *subject, c *setCookie) (string, bool) {
			return "", c.has("partitioned") && c.has("secure") && c.sameSite() != "none"
		}),
	},
	{
		ID: "cookie-script-can-read", Severity: Info,
		Sentence: "a cookie that by its name holds a session lacks HttpOnly, so any script of the page can read it",
		Clause:   "RFC 6265bis §4.1.2.6", Remedy: "add HttpOnly, unless scripts need the cookie",
		Fires:  Example{Response: "HTTP/1.1 200 OK\nSet-Cookie: PHPSESSID=8f3a; SameSite=Lax\n\n"},
		Silent: Example{Response: "HTTP/1.1 200 OK\nSet-Cookie: csrf_session=8f3a; SameSite=Lax\n\n"},
		find: perCookie(func(x *subject, c *setCookie) (string, bool) {
			name := strings.ToLower(c.name)
			forScripts := strings.Contains(name, "csrf") || strings.Contains(name, "xsrf")
			session := strings.Contains(name, "sess") || name == "sid" || strings.HasSuffix(name, ".sid")
			return "", session && !forScripts && !c.has("httponly") && !c.deletes(x.now)
		}),
	},
}
