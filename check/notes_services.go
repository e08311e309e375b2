package check

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"freshet/internal/field"
)

// proxyErrors are the types of errors of RFC 9209 §2.3.
var proxyErrors = []string{
	"dns_timeout", "dns_error", "destination_not_found", "destination_unavailable", "destination_ip_prohibited",
	"destination_ip_unroutable", "connection_refused", "connection_terminated", "connection_timeout",
	"connection_read_timeout", "connection_write_timeout", "connection_limit_reached", "tls_protocol_error",
	"tls_certificate_error", "tls_alert_received", "http_request_error", "http_request_denied",
	"http_response_incomplete", "http_response_header_section_size", "http_response_header_size",
	"http_response_body_size", "http_response_trailer_section_size", "http_response_trailer_size",
	"http_response_transfer_coding", "http_response_content_coding", "http_response_timeout", "http_upgrade_failed",
	"http_protocol_error", "proxy_internal_response", "proxy_internal_error", "proxy_configuration_error",
	"proxy_loop_detected", "protocol_error",
}

// proxyParams are the kinds of the parameters of Proxy-Status (RFC 9209 §2.1).
var proxyParams = map[string]kindSet{
	"error": kToken, "next-hop": kName, "next-protocol": kinds(field.Token, field.Bytes), "received-status": kInt, "details": kString,
}

// versioned finds a version in a field that names software.
var versioned = regexp.MustCompile(`\d+\.\d+`)

// limitOf returns the numbers of the older fields for limits, with one of their
// prefixes.
func (s *subject) limitOf(prefix string) (limit, remaining int64, ok bool) {
	limit, ok1 := s.number(prefix + "Limit")
	remaining, ok2 := s.number(prefix + "Remaining")
	return limit, remaining, ok1 && ok2
}

// serviceNotes are about what gateways and interfaces for programs say of
// themselves: Priority, Proxy-Status, limits, deprecation, groups.
var serviceNotes = []Note{
	{
		ID: "priority-urgency", Severity: Warn,
		Sentence: "the urgency is not between 0 and 7, and recipients ignore it",
		Clause:   "RFC 9218 §4.1", Remedy: "write u=0 to u=7; the default is 3",
		Fires:  Example{Response: "HTTP/1.1 200 OK\nPriority: u=9\n\n"},
		Silent: Example{Response: "HTTP/1.1 200 OK\nPriority: u=7, i\n\n"},
		find: func(x *subject, report func(where, detail string)) {
			wrong := func(all []sfMember) bool {
				u := sfFind(all, "u")
				return u != nil && u.Kind == field.Integer && (u.Int < 0 || u.Int > 7)
			}
			if wrong(x.sf("Priority")) {
				report(of("Priority"), x.get("Priority"))
			}
			if wrong(x.sfAsked("Priority")) {
				report(ofRequest("Priority"), x.askedValue("Priority"))
			}
		},
	},
	{
		ID: "proxy-error-unknown", Severity: Warn,
		Sentence: "Proxy-Status names an error that is not registered",
		Clause:   "RFC 9209 §2.3", Remedy: "use a registered type, and say more in details",
		Fires:  Example{Response: "HTTP/1.1 502 Bad Gateway\nProxy-Status: proxy; error=timeout\n\n"},
		Silent: Example{Response: "HTTP/1.1 502 Bad Gateway\nProxy-Status: proxy; error=connection_timeout\n\n"},
		find: func(x *subject, report func(where, detail string)) {
			for _, m := range x.sf("Proxy-Status") {
				if p := m.param("error"); p != nil && p.Kind == field.Token && !slices.Contains(proxyErrors, p.Text) {
					report(of("Proxy-Status"), p.Text)
				}
			}
		},
	},
	{
		ID: "proxy-status-parameter-kind", Severity: Bad,
		Sentence: "a parameter of Proxy-Status is of another kind than it should be",
		Clause:   "RFC 9209 §2.1", Remedy: "write it in the form that is named",
		Fires:  Example{Response: "HTTP/1.1 502 Bad Gateway\nProxy-Status: proxy; error=\"dns_error\"\n\n"},
		Silent: Example{Response: "HTTP/1.1 502 Bad Gateway\nProxy-Status: proxy; error=dns_error; received-status=503; details=\"x\"\n\n"},
		find: func(x *subject, report func(where, detail string)) {
			for _, m := range x.sf("Proxy-Status") {
				for _, p := range m.Params {
					if want, known := proxyParams[p.Key]; known && !want.has(p.Kind) {
						report(of("Proxy-Status"), fmt.Sprintf("%s: %s where there should be %s", p.Key, kindNames[p.Kind], want))
					}
				}
			}
		},
	},
	{
		ID: "ratelimit-older-form", Severity: Info,
		Sentence: "RateLimit has the form of an earlier draft",
		Clause:   "draft-ietf-httpapi-ratelimit-headers", Remedy: `write it as in "default";r=50;t=30`,
		Fires:  Example{Response: "HTTP/1.1 200 OK\nRateLimit: limit=100, remaining=50, reset=30\n\n"},
		Silent: Example{Response: "HTTP/1.1 200 OK\nRateLimit: \"default\";r=50;t=30\n\n"},
		find: func(x *subject, report func(where, detail string)) {
			lines := x.lines("RateLimit")
			if len(lines) > 0 && x.sf("RateLimit") == nil && olderForm("RateLimit", lines) {
				report(of("RateLimit"), x.get("RateLimit"))
			}
		},
	},
	{
		ID: "ratelimit-without-remaining", Severity: Bad,
		Sentence: "RateLimit does not say how much is left (r)",
		Clause:   "draft-ietf-httpapi-ratelimit-headers", Remedy: "add the parameter r",
		Fires:  Example{Response: "HTTP/1.1 200 OK\nRateLimit: \"default\";t=30\n\n"},
		Silent: Example{Response: "HTTP/1.1 200 OK\nRateLimit: \"default\";r=50\n\n"},
		find: func(x *subject, report func(where, detail string)) {
			for _, m := range x.sf("RateLimit") {
				if _, ok := intParam(&m, "r"); !ok && m.Kind == field.String {
					report(of("RateLimit"), m.Text)
				}
			}
		},
	},
	{
		ID: "ratelimit-policy-without-quota", Severity: Bad,
		Sentence: "RateLimit-Policy does not say how much there is (q)",
		Clause:   "draft-ietf-httpapi-ratelimit-headers", Remedy: "add the parameter q",
		Fires:  Example{Response: "HTTP/1.1 200 OK\nRateLimit-Policy: \"default\";w=60\n\n"},
		Silent: Example{Response: "HTTP/1.1 200 OK\nRateLimit-Policy: \"default\";q=100;w=60\n\n"},
		find: func(x *subject, report func(where, detail string)) {
			for _, m := range x.sf("RateLimit-Policy") {
				if _, ok := intParam(&m, "q"); !ok && m.Kind == field.String {
					report(of("RateLimit-Policy"), m.Text)
				}
			}
		},
	},
	{
		ID: "ratelimit-policy-unknown", Severity: Warn, Relates: true,
		Sentence: "RateLimit speaks of a policy that RateLimit-Policy does not have",
		Clause:   "draft-ietf-httpapi-ratelimit-headers", Remedy: "name it alike in both",
		Fires:  Example{Response: "HTTP/1.1 200 OK\nRateLimit-Policy: \"hour\";q=100;w=3600\nRateLimit: \"default\";r=50\n\n"},
		Silent: Example{Response: "HTTP/1.1 200 OK\nRateLimit-Policy: \"hour\";q=100;w=3600\nRateLimit: \"hour\";r=50\n\n"},
		find: func(x *subject, report func(where, detail string)) {
			policies := x.sf("RateLimit-Policy")
			for _, m := range x.sf("RateLimit") {
				if len(policies) > 0 && m.Kind == field.String && sfNamed(policies, m.Text) == nil {
					report(of("RateLimit"), m.Text)
				}
			}
		},
	},
	{
		ID: "ratelimit-over-quota", Severity: Warn, Relates: true,
		Sentence: "more is left than there is",
		Clause:   "draft-ietf-httpapi-ratelimit-headers", Remedy: "see what is counted",
		Fires:  Example{Response: "HTTP/1.1 200 OK\nRateLimit-Policy: \"hour\";q=100;w=3600\nRateLimit: \"hour\";r=500\n\n"},
		Silent: Example{Response: "HTTP/1.1 200 OK\nX-RateLimit-Limit: 60\nX-RateLimit-Remaining: 60\n\n"},
		find: func(x *subject, report func(where, detail string)) {
			for _, prefix := range []string{"X-RateLimit-", "RateLimit-"} {
				if limit, remaining, ok := x.limitOf(prefix); ok && remaining > limit {
					report(of(prefix+"Remaining"), fmt.Sprintf("%d of %d", remaining, limit))
				}
			}
			policies := x.sf("RateLimit-Policy")
			for _, m := range x.sf("RateLimit") {
				p := sfNamed(policies, m.Text)
				if p == nil {
					continue
				}
				q, ok1 := intParam(p, "q")
				if r, ok2 := intParam(&m, "r"); ok1 && ok2 && r > q {
					report(of("RateLimit"), fmt.Sprintf("%d of %d", r, q))
				}
			}
		},
	},
	{
		ID: "ratelimit-left-although-refused", Severity: Info, Relates: true,
		Sentence: "the request is refused for a limit, but the limits that are told have something left",
		Clause:   "RFC 6585 §4", Remedy: "tell the limit that was reached, and send Retry-After",
		Fires:  Example{Response: "HTTP/1.1 429 Too Many Requests\nX-RateLimit-Limit: 60\nX-RateLimit-Remaining: 12\nRetry-After: 5\n\n"},
		Silent: Example{Response: "HTTP/1.1 429 Too Many Requests\nX-RateLimit-Limit: 60\nX-RateLimit-Remaining: 0\nRetry-After: 5\n\n"},
		find: func(x *subject, report func(where, detail string)) {
			for _, prefix := range []string{"X-RateLimit-", "RateLimit-"} {
				if _, remaining, ok := x.limitOf(prefix); ok && x.Status == 429 && remaining > 0 {
					report(of(prefix+"Remaining"), fmt.Sprint(remaining))
				}
			}
		},
	},
	{
		ID: "ratelimit-reset-beside-retry-after", Severity: Warn, Relates: true,
		Sentence: "Retry-After asks to come back before the limit is lifted",
		Clause:   "draft-ietf-httpapi-ratelimit-headers", Remedy: "let both say the same",
		Fires:  Example{Response: "HTTP/1.1 429 Too Many Requests\nRateLimit: \"hour\";r=0;t=600\nRetry-After: 5\n\n"},
		Silent: Example{Response: "HTTP/1.1 429 Too Many Requests\nRateLimit: \"hour\";r=0;t=600\nRetry-After: 600\n\n"},
		find: func(x *subject, report func(where, detail string)) {
			after, ok := x.number("Retry-After")
			for _, m := range x.sf("RateLimit") {
				r, ok1 := intParam(&m, "r")
				if t, ok2 := intParam(&m, "t"); ok && ok1 && ok2 && r == 0 && after < t {
					report(of("Retry-After"), fmt.Sprintf("%d s, and %d s", after, t))
				}
			}
		},
	},
	{
		ID: "deprecation-without-link", Severity: Info, Relates: true,
		Sentence: "the resource is deprecated, but no link says what to use instead",
		Clause:   "RFC 9745 §3", Remedy: "send Link with rel=deprecation or rel=successor-version",
		Fires:  Example{Response: "HTTP/1.1 200 OK\nDeprecation: @1688169599\n\n"},
		Silent: Example{Response: "HTTP/1.1 200 OK\nDeprecation: @1688169599\nLink: </docs>; rel=\"deprecation\"; type=\"text/html\"\n\n"},
		find: func(x *subject, report func(where, detail string)) {
			tells := func(l link) bool {
				return l.is("deprecation") || l.is("successor-version") || l.is("sunset") || l.is("latest-version") || l.is("alternate")
			}
			if x.has("Deprecation") && !slices.ContainsFunc(parseLinks(x.lines("Link")), tells) {
				report(of("Deprecation"), "")
			}
		},
	},
	{
		ID: "cache-groups-many", Severity: Info,
		Sentence: "the answer belongs to more groups, or to groups with longer names, than every cache must know",
		Clause:   "RFC 9875 §2", Remedy: "name at most 32 groups of at most 32 characters",
		Fires:  Example{Response: "HTTP/1.1 200 OK\nCache-Control: max-age=60\nCache-Groups: \"" + strings.Repeat("g", 33) + "\"\n\n"},
		Silent: Example{Response: "HTTP/1.1 200 OK\nCache-Control: max-age=60\nCache-Groups: \"" + strings.Repeat("g", 32) + "\"\n\n"},
		find: func(x *subject, report func(where, detail string)) {
			const most = 32
			for _, name := range []string{"Cache-Groups", "Cache-Group-Invalidation"} {
				all := x.sf(name)
				if len(all) > most {
					report(of(name), fmt.Sprintf("%d groups", len(all)))
				}
				for _, m := range all {
					if len(m.Text) > most {
						report(of(name), m.Text)
					}
				}
			}
		},
	},
	{
		ID: "integrity-policy-idle", Severity: Bad,
		Sentence: "Integrity-Policy does not say what it blocks, and does nothing",
		Clause:   "Subresource Integrity", Remedy: "write blocked-destinations=(script)",
		Fires:  Example{Response: "HTTP/1.1 200 OK\nIntegrity-Policy: blocked-destinations=(image)\n\n"},
		Silent: Example{Response: "HTTP/1.1 200 OK\nIntegrity-Policy: blocked-destinations=(script style)\n\n"},
		find: func(x *subject, report func(where, detail string)) {
			blocks := func(m sfMember) bool { return m.Text == "script" || m.Text == "style" }
			for _, name := range []string{"Integrity-Policy", "Integrity-Policy-Report-Only"} {
				all := x.sf(name)
				if m := sfFind(all, "blocked-destinations"); all != nil && (m == nil || !slices.ContainsFunc(m.List, blocks)) {
					report(of(name), x.get(name))
				}
			}
		},
	},
	{
		ID: "speculation-rules-url", Severity: Bad,
		Sentence: "Speculation-Rules names something that is no URL",
		Clause:   "Speculation Rules", Remedy: `name the URL of the rules, as in "/rules.json"`,
		Fires:  Example{Response: "HTTP/1.1 200 OK\nContent-Type: text/html\nSpeculation-Rules: \"\"\n\n"},
		Silent: Example{Response: "HTTP/1.1 200 OK\nContent-Type: text/html\nSpeculation-Rules: \"/rules.json\"\n\n"},
		find: func(x *subject, report func(where, detail string)) {
			for _, m := range x.sf("Speculation-Rules") {
				if _, err := url.Parse(m.Text); m.Kind == field.String && (m.Text == "" || err != nil) {
					report(of("Speculation-Rules"), m.Text)
				}
			}
		},
	},
	{
		ID: "speculation-rules-elsewhere", Severity: Info, Relates: true,
		Sentence: "the answer names rules for pages, but is no page",
		Clause:   "Speculation Rules", Remedy: "send Speculation-Rules with HTML alone",
		Fires:  Example{Response: "HTTP/1.1 200 OK\nContent-Type: image/png\nSpeculation-Rules: \"/rules.json\"\n\n"},
		Silent: Example{Response: "HTTP/1.1 200 OK\nContent-Type: text/html\nSpeculation-Rules: \"/rules.json\"\n\n"},
		find: func(x *subject, report func(where, detail string)) {
			if x.has("Speculation-Rules") && x.mediaType != "" && !x.page() && x.class() == 2 {
				report(of("Speculation-Rules"), x.mediaType)
			}
		},
	},
	{
		ID: "dns-prefetch-invalid", Severity: Warn,
		Sentence: "X-DNS-Prefetch-Control is neither on nor off, and browsers ignore it",
		Clause:   "", Remedy: "send on or off",
		Fires:  Example{Response: "HTTP/1.1 200 OK\nX-DNS-Prefetch-Control: yes\n\n"},
		Silent: Example{Response: "HTTP/1.1 200 OK\nX-DNS-Prefetch-Control: off\n\n"},
		find: func(x *subject, report func(where, detail string)) {
			if v := x.get("X-DNS-Prefetch-Control"); v != "" && !anyFold([]string{"on", "off"}, v) {
				report(of("X-DNS-Prefetch-Control"), v)
			}
		},
	},
	{
		ID: "version-revealed", Severity: Info,
		Sentence: "the answer tells the version of its software, and so which known holes to try",
		Clause:   "RFC 9110 §10.2.4", Remedy: "leave the version out",
		Fires:  Example{Response: "HTTP/1.1 200 OK\nX-Powered-By: PHP/8.1.2\n\n"},
		Silent: Example{Response: "HTTP/1.1 200 OK\nServer: nginx\nX-Powered-By: Express\n\n"},
		find: func(x *subject, report func(where, detail string)) {
			for _, name := range []string{"Server", "X-Powered-By", "X-AspNet-Version", "X-AspNetMvc-Version", "X-Generator"} {
				if v := x.get(name); versioned.MatchString(v) {
					report(of(name), v)
				}
			}
		},
	},
}

// sfNamed returns the member of a list that is a string or token of a text, nil
// if there is none.
func sfNamed(members []sfMember, text string) *sfMember {
	for i := range members {
		if members[i].Text == text {
			return &members[i]
		}
	}
	return nil
}
