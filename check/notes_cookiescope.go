package check

import (
	"net"
	"strings"
)

// loopback reports whether the answer came from the own machine, which browsers
// take for secure also without TLS.
func (s *subject) loopback() bool {
	host := strings.TrimSuffix(strings.ToLower(s.target.Hostname()), ".")
	ip := net.ParseIP(host)
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || ip != nil && ip.IsLoopback()
}

// trustworthy reports whether what is only for secure contexts works here.
func (s *subject) trustworthy() bool { return s.secure() || s.loopback() || s.target.Scheme == "" }

// hasPrefixFold reports whether the name of a cookie begins with a prefix; case
// does not matter to browsers (RFC 6265bis §5.4).
func hasPrefixFold(s, prefix string) bool {
	return len(s) >= len(prefix) && strings.EqualFold(s[:len(prefix)], prefix)
}

// breaks lists what a cookie does against the promise of its prefix.
func (c *setCookie) breaks(secure, httpOnly, host bool) (what string, any bool) {
	var all []string
	if secure && !c.has("secure") {
		all = append(all, "no Secure")
	}
	if httpOnly && !c.has("httponly") {
		all = append(all, "no HttpOnly")
	}
	if host && c.has("domain") && c.text("domain") != "" {
		all = append(all, "a Domain")
	}
	if host && c.text("path") != "/" {
		all = append(all, "no Path=/")
	}
	return strings.Join(all, ", "), len(all) > 0
}

// cookieScopeNotes are about where a cookie goes, compared with where it comes
// from.
var cookieScopeNotes = []Note{
	{
		ID: "cookie-secure-over-http", Severity: Bad, Relates: true,
		Sentence: "a cookie is Secure, but comes over http, and browsers drop it",
		Clause:   "RFC 6265bis §5.7", Remedy: "set it in an answer over https",
		Fires:  Example{Request: "GET http://example.com/", Response: "HTTP/1.1 200 OK\nSet-Cookie: a=1; Secure; SameSite=Lax\n\n"},
		Silent: Example{Request: "GET http://localhost/", Response: "HTTP/1.1 200 OK\nSet-Cookie: a=1; Secure; SameSite=Lax\n\n"},
		find: perCookie(func(x *subject, c *setCookie) (string, bool) {
			return "", c.has("secure") && !x.trustworthy()
		}),
	},
	{
		ID: "cookie-without-secure", Severity: Info, Relates: true,
		Sentence: "a cookie that comes over https lacks Secure, so browsers also send it over http",
		Clause:   "RFC 6265bis §4.1.2.5", Remedy: "add Secure",
		Fires:  Example{Request: "GET https://example.com/", Response: "HTTP/1.1 200 OK\nSet-Cookie: a=1; SameSite=Lax\n\n"},
		Silent: Example{Request: "GET https://example.com/", Response: "HTTP/1.1 200 OK\nSet-Cookie: a=1; SameSite=Lax; Secure\n\n"},
		find: perCookie(func(x *subject, c *setCookie) (string, bool) {
			return "", x.secure() && !c.has("secure") && !c.deletes(x.now) && c.sameSite() != "none"
		}),
	},
	{
		ID: "cookie-host-prefix", Severity: Bad,
		Sentence: "a cookie named __Host- does not keep what the prefix promises, and browsers drop it",
		Clause:   "RFC 6265bis §5.4", Remedy: "send it with Secure and Path=/, and without Domain",
		Fires:  Example{Request: "GET https://example.com/", Response: "HTTP/1.1 200 OK\nSet-Cookie: __Host-a=1; Secure; Path=/; Domain=example.com; SameSite=Lax\n\n"},
		Silent: Example{Request: "GET https://example.com/", Response: "HTTP/1.1 200 OK\nSet-Cookie: __Host-a=1; Secure; Path=/; SameSite=Lax\n\n"},
		find: perCookie(func(_ *subject, c *setCookie) (string, bool) {
			if !hasPrefixFold(c.name, "__Host-") {
				return "", false
			}
			return c.breaks(true, false, true)
		}),
	},
	{
		ID: "cookie-secure-prefix", Severity: Bad,
		Sentence: "a cookie named __Secure- lacks Secure, and browsers drop it",
		Clause:   "RFC 6265bis §5.4", Remedy: "add Secure",
		Fires:  Example{Request: "GET https://example.com/", Response: "HTTP/1.1 200 OK\nSet-Cookie: __secure-a=1; SameSite=Lax\n\n"},
		Silent: Example{Request: "GET https://example.com/", Response: "HTTP/1.1 200 OK\nSet-Cookie: __Secure-a=1; Secure; SameSite=Lax\n\n"},
		find: perCookie(func(_ *subject, c *setCookie) (string, bool) {
			return "", hasPrefixFold(c.name, "__Secure-") && !c.has("secure")
		}),
	},
	{
		ID: "cookie-http-prefix", Severity: Bad,
		Sentence: "a cookie named __Http- or __Host-Http- does not keep what the prefix promises, and browsers drop it",
		Clause:   "draft-ietf-httpbis-layered-cookies", Remedy: "send it with Secure and HttpOnly",
		Fires:  Example{Request: "GET https://example.com/", Response: "HTTP/1.1 200 OK\nSet-Cookie: __Http-a=1; Secure; SameSite=Lax\n\n"},
		Silent: Example{Request: "GET https://example.com/", Response: "HTTP/1.1 200 OK\nSet-Cookie: __Http-a=1; Secure; HttpOnly; SameSite=Lax\n\n"},
		find: perCookie(func(_ *subject, c *setCookie) (string, bool) {
			switch {
			case hasPrefixFold(c.name, "__Http-"):
				return c.breaks(true, true, false)
			case hasPrefixFold(c.name, "__Host-Http-"):
				return c.breaks(false, true, false) // the rest is said of __Host-
			}
			return "", false
		}),
	},
	{
		ID: "cookie-domain-foreign", Severity: Bad, Relates: true,
		Sentence: "Domain of a cookie does not cover the host that sets it, and browsers drop the cookie",
		Clause:   "RFC 6265bis §5.7", Remedy: "name the host itself or a domain above it, or leave Domain out",
		Fires:  Example{Request: "GET http://www.example.com/", Response: "HTTP/1.1 200 OK\nSet-Cookie: a=1; Domain=example.org; SameSite=Lax\n\n"},
		Silent: Example{Request: "GET http://www.example.com/", Response: "HTTP/1.1 200 OK\nSet-Cookie: a=1; Domain=example.com; SameSite=Lax\n\n"},
		find: perCookie(func(x *subject, c *setCookie) (string, bool) {
			host, domain := x.target.Hostname(), c.domain()
			foreign := domain != "" && host != "" && !domainMatches(host, domain)
			return "Domain=" + domain + ", from " + host, foreign && !x.loopback() // which stands in for another host
		}),
	},
	{
		ID: "cookie-domain-suffix", Severity: Bad, Relates: true,
		Sentence: "Domain of a cookie is a whole top-level domain, and browsers drop the cookie",
		Clause:   "RFC 6265bis §5.7", Remedy: "name a domain that is the site's own, or leave Domain out",
		Fires:  Example{Request: "GET http://www.example.com/", Response: "HTTP/1.1 200 OK\nSet-Cookie: a=1; Domain=.com; SameSite=Lax\n\n"},
		Silent: Example{Request: "GET http://localhost/", Response: "HTTP/1.1 200 OK\nSet-Cookie: a=1; Domain=localhost; SameSite=Lax\n\n"},
		find: perCookie(func(x *subject, c *setCookie) (string, bool) {
			domain, host := c.domain(), x.target.Hostname()
			return "Domain=" + domain, domain != "" && !strings.Contains(domain, ".") && !strings.EqualFold(domain, host) &&
				domainMatches(host, domain)
		}),
	},
	{
		ID: "cookie-domain-dot", Severity: Info,
		Sentence: "Domain of a cookie begins with a dot, which means nothing any more",
		Clause:   "RFC 6265bis §5.6.3", Remedy: "leave the dot out: a domain always covers those below it",
		Fires:  Example{Response: "HTTP/1.1 200 OK\nSet-Cookie: a=1; Domain=.example.com; SameSite=Lax\n\n"},
		Silent: Example{Response: "HTTP/1.1 200 OK\nSet-Cookie: a=1; Domain=example.com; SameSite=Lax\n\n"},
		find: perCookie(func(_ *subject, c *setCookie) (string, bool) {
			return "Domain=" + c.text("domain"), strings.HasPrefix(c.text("domain"), ".")
		}),
	},
	{
		ID: "cookie-path-relative", Severity: Warn,
		Sentence: "Path of a cookie does not begin with a slash, and browsers take the directory of the request instead",
		Clause:   "RFC 6265bis §5.6.4", Remedy: "begin it with a slash",
		Fires:  Example{Response: "HTTP/1.1 200 OK\nSet-Cookie: a=1; Path=app; SameSite=Lax\n\n"},
		Silent: Example{Response: "HTTP/1.1 200 OK\nSet-Cookie: a=1; Path=/app; SameSite=Lax\n\n"},
		find: perCookie(func(_ *subject, c *setCookie) (string, bool) {
			path := c.text("path")
			return "Path=" + path, path != "" && path[0] != '/'
		}),
	},
	{
		ID: "cookie-path-elsewhere", Severity: Info, Relates: true,
		Sentence: "Path of a cookie does not cover the URL that sets it, which will not see the cookie again",
		Clause:   "RFC 6265bis §5.1.4", Remedy: "check that the path is meant",
		Fires:  Example{Request: "GET http://example.com/login", Response: "HTTP/1.1 200 OK\nSet-Cookie: a=1; Path=/app; SameSite=Lax\n\n"},
		Silent: Example{Request: "GET http://example.com/app/login", Response: "HTTP/1.1 200 OK\nSet-Cookie: a=1; Path=/app; SameSite=Lax\n\n"},
		find: perCookie(func(x *subject, c *setCookie) (string, bool) {
			path := c.path(x.target.Path)
			return "Path=" + path + ", from " + x.target.Path, !pathMatches(x.target.Path, path) && !c.deletes(x.now)
		}),
	},
}
