package check

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"freshet/internal/field"
)

// cookieNotes are about cookies (RFC 6265bis).
var cookieNotes = slices.Concat(cookieFormNotes, cookieAttributeNotes, cookieScopeNotes, cookieAnswerNotes)

// cookieFormNotes are about the name and the value.
var cookieFormNotes = []Note{
	{
		ID: "cookie-control-character", Severity: Bad,
		Sentence: "a cookie has a control character, and browsers drop it",
		Clause:   "RFC 6265bis §5.6", Remedy: "encode the value, for instance in base64",
		Fires:  Example{Response: "HTTP/1.1 200 OK\nSet-Cookie: a=1\x012; SameSite=Lax\n\n"},
		Silent: Example{Response: "HTTP/1.1 200 OK\nSet-Cookie: a=1\t2; SameSite=Lax\n\n"},
		find: func(x *subject, report func(where, detail string)) {
			for _, line := range x.lines("Set-Cookie") {
				c := parseSetCookie(line)
				if i := strings.IndexFunc(line, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }); i >= 0 {
					report(of("Set-Cookie"), fmt.Sprintf("%s: %#x at byte %d", c.label(), line[i], i+1))
				}
			}
		},
	},
	{
		ID: "cookie-empty", Severity: Bad,
		Sentence: "a cookie has neither name nor value, and browsers drop it",
		Clause:   "RFC 6265bis §5.6", Remedy: "give it a name, or leave the line out",
		Fires:  Example{Response: "HTTP/1.1 200 OK\nSet-Cookie: ; Path=/\n\n"},
		Silent: Example{Response: "HTTP/1.1 200 OK\nSet-Cookie: a=; Path=/; SameSite=Lax\n\n"},
		find: perCookie(func(_ *subject, c *setCookie) (string, bool) {
			return "", c.nameless && c.value == ""
		}),
	},
	{
		ID: "cookie-nameless", Severity: Warn,
		Sentence: "a cookie has no name: what stands there is taken for its value",
		Clause:   "RFC 6265bis §4.1.1", Remedy: "write it as name=value",
		Fires:  Example{Response: "HTTP/1.1 200 OK\nSet-Cookie: 8f3a; Path=/; SameSite=Lax\n\n"},
		Silent: Example{Response: "HTTP/1.1 200 OK\nSet-Cookie: id=8f3a; Path=/; SameSite=Lax\n\n"},
		find: perCookie(func(_ *subject, c *setCookie) (string, bool) {
			return "", c.nameless && c.value != ""
		}),
	},
	{
		ID: "cookie-name", Severity: Warn,
		Sentence: "the name of a cookie is no token, and libraries differ on what it is",
		Clause:   "RFC 6265bis §4.1.1", Remedy: "use letters, digits, hyphens and underscores",
		Fires:  Example{Response: "HTTP/1.1 200 OK\nSet-Cookie: user[id]=1; SameSite=Lax\n\n"},
		Silent: Example{Response: "HTTP/1.1 200 OK\nSet-Cookie: user_id=1; SameSite=Lax\n\n"},
		find: perCookie(func(_ *subject, c *setCookie) (string, bool) {
			return "", !c.nameless && !field.IsToken(c.name)
		}),
	},
	{
		ID: "cookie-value", Severity: Warn,
		Sentence: "the value of a cookie has a character that its grammar excludes, and that libraries read differently",
		Clause:   "RFC 6265bis §4.1.1", Remedy: "encode the value, for instance in base64 or percent-coding",
		Fires:  Example{Response: "HTTP/1.1 200 OK\nSet-Cookie: prefs={\"a\": 1}; SameSite=Lax\n\n"},
		Silent: Example{Response: "HTTP/1.1 200 OK\nSet-Cookie: prefs=%7B%22a%22%3A1%7D; SameSite=Lax\n\n"},
		find: perCookie(func(_ *subject, c *setCookie) (string, bool) {
			value := c.value
			if n := len(value); n > 1 && value[0] == '"' && value[n-1] == '"' {
				value = value[1 : n-1]
			}
			i := strings.IndexFunc(value, func(r rune) bool {
				return r >= ' ' && r <= '~' && strings.ContainsRune(` ",\`, r) || r > '~' || r == '\t'
			})
			if i < 0 {
				return "", false
			}
			return fmt.Sprintf("%q", []rune(value[i:])[0]), true
		}),
	},
	{
		ID: "cookie-too-large", Severity: Bad,
		Sentence: "the name and value of a cookie have more than 4096 bytes, and browsers drop it",
		Clause:   "RFC 6265bis §5.6", Remedy: "keep the data at the server, and send its key",
		Fires:  Example{Response: "HTTP/1.1 200 OK\nSet-Cookie: a=" + strings.Repeat("x", 4096) + "; SameSite=Lax\n\n"},
		Silent: Example{Response: "HTTP/1.1 200 OK\nSet-Cookie: a=" + strings.Repeat("x", 4095) + "; SameSite=Lax\n\n"},
		find: perCookie(func(_ *subject, c *setCookie) (string, bool) {
			n := len(c.name) + len(c.value)
			return fmt.Sprintf("%d bytes", n), n > maxCookieBytes
		}),
	},
	{
		ID: "cookie-folded", Severity: Bad,
		Sentence: "several cookies are joined by a comma in one line, and browsers see one",
		Clause:   "RFC 6265bis §3", Remedy: "send each cookie in a line of its own",
		Fires:  Example{Response: "HTTP/1.1 200 OK\nSet-Cookie: a=1; Path=/, b=2; Path=/; SameSite=Lax\n\n"},
		Silent: Example{Response: "HTTP/1.1 200 OK\nSet-Cookie: a=1; Expires=Thu, 31 Dec 2026 00:00:00 GMT; SameSite=Lax\n\n"},
		find: func(x *subject, report func(where, detail string)) {
			for _, line := range x.lines("Set-Cookie") {
				_, attrs, _ := strings.Cut(line, ";")
				if m := foldedCookie.FindStringSubmatch(attrs); m != nil {
					c := parseSetCookie(line)
					report(of("Set-Cookie"), fmt.Sprintf("%s, and behind a comma %s", c.label(), m[1]))
				}
			}
		},
	},
}

// foldedCookie finds what looks like a cookie behind a comma among attributes.
var foldedCookie = regexp.MustCompile(`,\s*([A-Za-z0-9_.-]+)=[^;]*`)
