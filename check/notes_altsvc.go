package check

import (
	"fmt"
	"regexp"
	"strings"
)

// An alternative is an element of Alt-Svc (RFC 7838 §3).
type alternative struct {
	raw, protocol, host, port string
}

// alternatives are those of the answer that can be read.
func (s *subject) alternatives() []alternative {
	var all []alternative
	for _, elem := range s.list("Alt-Svc") {
		service, _, _ := strings.Cut(elem, ";")
		protocol, authority, ok := strings.Cut(service, "=")
		authority, quoted := doubleQuoted(trimSpace(authority))
		colon := strings.LastIndexByte(authority, ':')
		if ok && quoted && colon >= 0 {
			all = append(all, alternative{elem, trimSpace(protocol), authority[:colon], authority[colon+1:]})
		}
	}
	return all
}

// draftProtocol finds the names of protocols that were versions of drafts.
var draftProtocol = regexp.MustCompile(`^(h3-(\d+|[QT]\d+)|quic|hq(-\d+)?|h2-\d+|spdy/.*)$`)

// port is the port that the answer came from.
func (s *subject) port() string {
	switch {
	case s.target.Port() != "":
		return s.target.Port()
	case s.secure():
		return "443"
	}
	return "80"
}

// protocolID is the name of the protocol that the answer came by, as TLS has it.
func (s *subject) protocolID() string {
	switch {
	case strings.HasPrefix(s.Proto, "HTTP/2"):
		return "h2"
	case strings.HasPrefix(s.Proto, "HTTP/3"):
		return "h3"
	}
	return "http%2F1.1"
}

// altSvcNotes are about Alt-Svc (RFC 7838).
var altSvcNotes = []Note{
	{
		ID: "alt-svc-clear-and-more", Severity: Bad,
		Sentence: "Alt-Svc says clear and names alternatives too, which it cannot",
		Clause:   "RFC 7838 §3", Remedy: "send clear alone, or the alternatives",
		Fires:  Example{Request: "GET https://example.com/", Response: "HTTP/1.1 200 OK\nAlt-Svc: clear, h3=\":443\"; ma=60\n\n"},
		Silent: Example{Request: "GET https://example.com/", Response: "HTTP/1.1 200 OK\nAlt-Svc: clear\n\n"},
		find: func(x *subject, report func(where, detail string)) {
			if all := x.list("Alt-Svc"); len(all) > 1 && anyFold(all, "clear") {
				report(of("Alt-Svc"), strings.Join(all, ", "))
			}
		},
	},
	{
		ID: "alt-svc-port", Severity: Bad,
		Sentence: "an alternative has no port that there can be",
		Clause:   "RFC 7838 §3", Remedy: `write the port, as in h3=":443"`,
		Fires:  Example{Request: "GET https://example.com/", Response: "HTTP/1.1 200 OK\nAlt-Svc: h3=\":66000\"; ma=60\n\n"},
		Silent: Example{Request: "GET https://example.com/", Response: "HTTP/1.1 200 OK\nAlt-Svc: h3=\":443\"; ma=60\n\n"},
		find: func(x *subject, report func(where, detail string)) {
			for _, a := range x.alternatives() {
				if n, ok := parseNumber(a.port); !ok || n < 1 || n > 65535 {
					report(of("Alt-Svc"), a.raw)
				}
			}
		},
	},
	{
		ID: "alt-svc-max-age-invalid", Severity: Bad,
		Sentence: "ma of an alternative is no number of seconds",
		Clause:   "RFC 7838 §3.1", Remedy: "state seconds",
		Fires:  Example{Request: "GET https://example.com/", Response: "HTTP/1.1 200 OK\nAlt-Svc: h3=\":443\"; ma=1d\n\n"},
		Silent: Example{Request: "GET https://example.com/", Response: "HTTP/1.1 200 OK\nAlt-Svc: h3=\":443\"; ma=86400\n\n"},
		find: func(x *subject, report func(where, detail string)) {
			for _, a := range x.alternatives() {
				if v, given := paramOf(a.raw, "ma"); given && !isNumber(v) {
					report(of("Alt-Svc"), a.raw)
				}
			}
		},
	},
	{
		ID: "alt-svc-without-max-age", Severity: Info,
		Sentence: "an alternative does not say for how long it holds (ma), and clients take a day",
		Clause:   "RFC 7838 §3.1", Remedy: "add ma",
		Fires:  Example{Request: "GET https://example.com/", Response: "HTTP/1.1 200 OK\nAlt-Svc: h3=\":443\"\n\n"},
		Silent: Example{Request: "GET https://example.com/", Response: "HTTP/1.1 200 OK\nAlt-Svc: h3=\":443\"; ma=86400\n\n"},
		find: func(x *subject, report func(where, detail string)) {
			for _, a := range x.alternatives() {
				if _, given := paramOf(a.raw, "ma"); !given {
					report(of("Alt-Svc"), a.raw)
				}
			}
		},
	},
	{
		ID: "alt-svc-draft", Severity: Info,
		Sentence: "an alternative is of a protocol that was a draft, which clients do not speak any more",
		Clause:   "RFC 9114 §3.1", Remedy: "name h3 or h2",
		Fires:  Example{Request: "GET https://example.com/", Response: "HTTP/1.1 200 OK\nAlt-Svc: h3-29=\":443\"; ma=86400\n\n"},
		Silent: Example{Request: "GET https://example.com/", Response: "HTTP/1.1 200 OK\nAlt-Svc: h3=\":443\"; ma=86400\n\n"},
		find: func(x *subject, report func(where, detail string)) {
			for _, a := range x.alternatives() {
				if draftProtocol.MatchString(a.protocol) {
					report(of("Alt-Svc"), a.raw)
				}
			}
		},
	},
	{
		ID: "alt-svc-other-host", Severity: Info, Relates: true,
		Sentence: "an alternative is at another host, which needs a certificate for the name of this one",
		Clause:   "RFC 7838 §2.1", Remedy: "see that it has one",
		Fires:  Example{Request: "GET https://example.com/", Response: "HTTP/1.1 200 OK\nAlt-Svc: h3=\"quic.example.com:443\"; ma=86400\n\n"},
		Silent: Example{Request: "GET https://example.com/", Response: "HTTP/1.1 200 OK\nAlt-Svc: h3=\"example.com:443\"; ma=86400\n\n"},
		find: func(x *subject, report func(where, detail string)) {
			for _, a := range x.alternatives() {
				if a.host != "" && !strings.EqualFold(a.host, x.target.Hostname()) {
					report(of("Alt-Svc"), a.raw)
				}
			}
		},
	},
	{
		ID: "alt-svc-same", Severity: Info, Relates: true,
		Sentence: "an alternative is the protocol and the place that the answer came from",
		Clause:   "RFC 7838 §2", Remedy: "leave it out",
		Fires:  Example{Request: "GET https://example.com/", Response: "HTTP/2 200\nAlt-Svc: h2=\":443\"; ma=86400\n\n"},
		Silent: Example{Request: "GET https://example.com/", Response: "HTTP/2 200\nAlt-Svc: h3=\":443\"; ma=86400\n\n"},
		find: func(x *subject, report func(where, detail string)) {
			for _, a := range x.alternatives() {
				here := a.host == "" || strings.EqualFold(a.host, x.target.Hostname())
				if here && a.protocol == x.protocolID() && a.port == x.port() && x.protocolID() != "h3" {
					report(of("Alt-Svc"), a.raw)
				}
			}
		},
	},
	{
		ID: "alt-svc-over-http", Severity: Info, Relates: true,
		Sentence: "Alt-Svc comes over http, where browsers ignore it",
		Clause:   "RFC 7838 §2.1", Remedy: "send it over https",
		Fires:  Example{Request: "GET http://example.com/", Response: "HTTP/1.1 200 OK\nAlt-Svc: h3=\":443\"; ma=86400\n\n"},
		Silent: Example{Request: "GET https://example.com/", Response: "HTTP/1.1 200 OK\nAlt-Svc: h3=\":443\"; ma=86400\n\n"},
		find: func(x *subject, report func(where, detail string)) {
			if x.has("Alt-Svc") && !x.trustworthy() {
				report(of("Alt-Svc"), fmt.Sprintf("%s://", x.target.Scheme))
			}
		},
	},
}
