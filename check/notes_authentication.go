package check

import (
	"strings"
)

// schemes are the registered ones of HTTP authentication (RFC 9110 §16.4.1), and
// those of Windows.
var schemes = []string{
	"Basic", "Bearer", "Concealed", "Digest", "DPoP", "GNAP", "HOBA", "Mutual", "Negotiate", "NTLM", "OAuth", "PrivateToken",
	"SCRAM-SHA-1", "SCRAM-SHA-256", "vapid", "AWS4-HMAC-SHA256",
}

// authenticationNotes are about challenges (RFC 9110 §11).
var authenticationNotes = []Note{
	{
		ID: "unauthorized-without-challenge", Severity: Bad,
		Sentence: "401 has no WWW-Authenticate, which must say how to authenticate",
		Clause:   "RFC 9110 §15.5.2", Remedy: "send WWW-Authenticate, or 403",
		Fires:  answered("401 Unauthorized"),
		Silent: answered("401 Unauthorized", "WWW-Authenticate: Bearer realm=\"x\""),
		find: func(x *subject, report func(where, detail string)) {
			if x.Status == 401 && !x.has("WWW-Authenticate") {
				report("the answer", "")
			}
		},
	},
	{
		ID: "proxy-unauthorized-without-challenge", Severity: Bad,
		Sentence: "407 has no Proxy-Authenticate, which must say how to authenticate",
		Clause:   "RFC 9110 §15.5.8", Remedy: "send Proxy-Authenticate",
		Fires:  answered("407 Proxy Authentication Required"),
		Silent: answered("407 Proxy Authentication Required", "Proxy-Authenticate: Basic realm=\"x\""),
		find: func(x *subject, report func(where, detail string)) {
			if x.Status == 407 && !x.has("Proxy-Authenticate") {
				report("the answer", "")
			}
		},
	},
	{
		ID: "challenge-scheme-unknown", Severity: Info,
		Sentence: "the scheme of a challenge is not registered, so browsers ask nobody for a password",
		Clause:   "RFC 9110 §16.4.1", Remedy: "use a registered scheme, such as Bearer",
		Fires:  answered("401 Unauthorized", "WWW-Authenticate: Cookie realm=\"x\""),
		Silent: answered("401 Unauthorized", "WWW-Authenticate: Bearer"),
		find: func(x *subject, report func(where, detail string)) {
			x.challenges(func(c challenge) {
				if !anyFold(schemes, c.scheme) {
					report(of("WWW-Authenticate"), c.scheme)
				}
			})
		},
	},
	{
		ID: "basic-without-realm", Severity: Bad,
		Sentence: "the Basic challenge has no realm, without which it is incomplete",
		Clause:   "RFC 7617 §2", Remedy: "send a realm",
		Fires:  answered("401 Unauthorized", "WWW-Authenticate: Basic"),
		Silent: answered("401 Unauthorized", "WWW-Authenticate: Basic realm=\"x\", charset=\"UTF-8\""),
		find: func(x *subject, report func(where, detail string)) {
			x.challenges(func(c challenge) {
				if _, has := c.args["realm"]; !has && strings.EqualFold(c.scheme, "Basic") {
					report(of("WWW-Authenticate"), "")
				}
			})
		},
	},
	{
		ID: "basic-charset", Severity: Warn,
		Sentence: "the Basic challenge names a character set other than UTF-8, the only one that it may",
		Clause:   "RFC 7617 §2.1", Remedy: "send charset=\"UTF-8\", or none",
		Fires:  answered("401 Unauthorized", "WWW-Authenticate: Basic realm=\"x\", charset=\"latin1\""),
		Silent: answered("401 Unauthorized", "WWW-Authenticate: Basic realm=\"x\", charset=\"utf-8\""),
		find: func(x *subject, report func(where, detail string)) {
			x.challenges(func(c challenge) {
				if charset, has := c.args["charset"]; has && strings.EqualFold(c.scheme, "Basic") && !strings.EqualFold(charset, "UTF-8") {
					report(of("WWW-Authenticate"), charset)
				}
			})
		},
	},
	{
		ID: "basic-over-http", Severity: Warn, Relates: true,
		Sentence: "the Basic challenge came over http, so everybody on the way can read the password",
		Clause:   "RFC 7617 §4", Remedy: "redirect to https before asking for a password",
		Fires:  answered("401 Unauthorized", "WWW-Authenticate: Basic realm=\"x\""),
		Silent: answered("401 Unauthorized", "WWW-Authenticate: Basic realm=\"x\"").asked("GET https://example.com/ HTTP/1.1"),
		find: func(x *subject, report func(where, detail string)) {
			x.challenges(func(c challenge) {
				if strings.EqualFold(c.scheme, "Basic") && x.target.Scheme == "http" && !insideHost(x.target.Hostname()) {
					report(of("WWW-Authenticate"), "")
				}
			})
		},
	},
	{
		ID: "digest-md5", Severity: Info,
		Sentence: "the Digest challenge offers MD5 alone, which is kept for old clients only",
		Clause:   "RFC 7616 §3.2", Remedy: "offer SHA-256 first",
		Fires:  answered("401 Unauthorized", "WWW-Authenticate: Digest realm=\"x\", nonce=\"a\", algorithm=MD5"),
		Silent: answered("401 Unauthorized", "WWW-Authenticate: Digest realm=\"x\", nonce=\"a\", algorithm=SHA-256", "WWW-Authenticate: Digest realm=\"x\", nonce=\"a\", algorithm=MD5"),
		find: func(x *subject, report func(where, detail string)) {
			digests, weak := 0, 0
			x.challenges(func(c challenge) {
				if strings.EqualFold(c.scheme, "Digest") {
					digests++
					if a := c.args["algorithm"]; a == "" || strings.HasPrefix(strings.ToUpper(a), "MD5") {
						weak++
					}
				}
			})
			if digests > 0 && weak == digests {
				report(of("WWW-Authenticate"), "")
			}
		},
	},
	{
		ID: "digest-without-nonce", Severity: Bad,
		Sentence: "the Digest challenge has no realm or no nonce, without which no client can answer it",
		Clause:   "RFC 7616 §3.3", Remedy: "send both",
		Fires:  answered("401 Unauthorized", "WWW-Authenticate: Digest realm=\"x\""),
		Silent: answered("401 Unauthorized", "WWW-Authenticate: Digest realm=\"x\", nonce=\"a\", algorithm=SHA-256"),
		find: func(x *subject, report func(where, detail string)) {
			x.challenges(func(c challenge) {
				_, realm := c.args["realm"]
				if _, nonce := c.args["nonce"]; strings.EqualFold(c.scheme, "Digest") && !(realm && nonce) {
					report(of("WWW-Authenticate"), "")
				}
			})
		},
	},
	{
		ID: "challenge-of-connection", Severity: Warn, Relates: true,
		Sentence: "NTLM authenticates a connection, which HTTP/2 shares among requests",
		Clause:   "", Remedy: "offer another scheme over HTTP/2",
		Fires:  answered("401 Unauthorized", "WWW-Authenticate: NTLM").over("HTTP/2"),
		Silent: answered("401 Unauthorized", "WWW-Authenticate: NTLM"),
		find: func(x *subject, report func(where, detail string)) {
			x.challenges(func(c challenge) {
				if x.multiplexed() && strings.EqualFold(c.scheme, "NTLM") {
					report(of("WWW-Authenticate"), c.scheme)
				}
			})
		},
	},
	{
		ID: "bearer-error-without-token", Severity: Info, Relates: true,
		Sentence: "the challenge says what is wrong with a token that the request did not have",
		Clause:   "RFC 6750 §3.1", Remedy: "send no error code to requests without Authorization",
		Fires:  answered("401 Unauthorized", "WWW-Authenticate: Bearer error=\"invalid_token\""),
		Silent: answered("401 Unauthorized", "WWW-Authenticate: Bearer error=\"invalid_token\"").asked("GET https://example.com/ HTTP/1.1", "Authorization: Bearer x"),
		find: func(x *subject, report func(where, detail string)) {
			x.challenges(func(c challenge) {
				if code := c.args["error"]; code != "" && strings.EqualFold(c.scheme, "Bearer") && len(x.asked("Authorization")) == 0 {
					report(of("WWW-Authenticate"), code)
				}
			})
		},
	},
}

// A challenge is one of WWW-Authenticate.
type challenge struct {
	scheme string
	args   map[string]string // by name in lower case, without quotes
}

// challenges calls yield for each challenge of WWW-Authenticate. They and their
// parameters are all separated by commas: what has a space before its first "="
// begins a challenge (RFC 9110 §11.6.1).
func (s *subject) challenges(yield func(c challenge)) {
	var c challenge
	for _, elem := range s.list("WWW-Authenticate") {
		name, value, has := strings.Cut(elem, "=")
		scheme, first, starts := strings.Cut(strings.TrimSpace(name), " ")
		if starts || !has {
			if c.scheme != "" {
				yield(c)
			}
			c = challenge{scheme: scheme, args: map[string]string{}}
			name = strings.TrimSpace(first)
		}
		if has && c.scheme != "" {
			c.args[strings.ToLower(strings.TrimSpace(name))] = strings.Trim(strings.TrimSpace(value), `"`)
		}
	}
	if c.scheme != "" {
		yield(c)
	}
}
