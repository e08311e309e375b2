package check

import (
	"slices"
	"strings"

	"freshet/internal/field"
)

const (
	openerField   = "Cross-Origin-Opener-Policy"
	embedderField = "Cross-Origin-Embedder-Policy"
	resourceField = "Cross-Origin-Resource-Policy"
	clearField    = "Clear-Site-Data"
	reportOnly    = "-Report-Only"
)

// isolationTokens are the values of the fields that keep origins apart.
var isolationTokens = []struct {
	field  string
	tokens []string
}{
	{openerField, []string{"unsafe-none", "same-origin-allow-popups", "same-origin", "noopener-allow-popups"}},
	{embedderField, []string{"unsafe-none", "require-corp", "credentialless"}},
	{"Document-Isolation-Policy", []string{"none", "isolate-and-require-corp", "isolate-and-credentialless"}},
}

// clearTypes are what Clear-Site-Data can clear.
var clearTypes = []string{
	"*", "cache", "clientHints", "cookies", "domStorage", "executionContexts", "prefetchCache", "prerenderCache", "storage",
}

// clears reports whether Clear-Site-Data clears something.
func (s *subject) clears(what string) bool {
	all := s.list(clearField)
	return slices.Contains(all, `"`+what+`"`) || slices.Contains(all, `"*"`)
}

// isolationNotes are about the fields that keep pages and answers of different
// origins apart.
var isolationNotes = []Note{
	{
		ID: "isolation-value-unknown", Severity: Bad,
		Sentence: "the field has a value that it does not define, and browsers ignore it",
		Clause:   "HTML", Remedy: "correct the value",
		Fires:  Example{Response: "HTTP/1.1 200 OK\nCross-Origin-Opener-Policy: same-site\n\n"},
		Silent: Example{Response: "HTTP/1.1 200 OK\nCross-Origin-Opener-Policy: same-origin-allow-popups\n\n"},
		find: func(x *subject, report func(where, detail string)) {
			for _, f := range isolationTokens {
				for _, name := range []string{f.field, f.field + reportOnly} {
					if v := x.tokenOf(name); v != "" && !slices.Contains(f.tokens, v) {
						report(of(name), v)
					}
				}
			}
		},
	},
	{
		ID: "resource-policy-invalid", Severity: Bad,
		Sentence: "Cross-Origin-Resource-Policy is none of same-origin, same-site and cross-origin, and browsers ignore it",
		Clause:   "Fetch §3.7", Remedy: "send one of the three, in lower case",
		Fires:  Example{Response: "HTTP/1.1 200 OK\nCross-Origin-Resource-Policy: Same-Origin\n\n"},
		Silent: Example{Response: "HTTP/1.1 200 OK\nCross-Origin-Resource-Policy: same-origin\n\n"},
		find: func(x *subject, report func(where, detail string)) {
			if v := x.get(resourceField); v != "" && !slices.Contains([]string{"same-origin", "same-site", "cross-origin"}, v) {
				report(of(resourceField), v)
			}
		},
	},
	{
		ID: "isolation-over-http", Severity: Info, Relates: true,
		Sentence: "the field works in secure contexts alone, and the answer comes over http",
		Clause:   "HTML", Remedy: "serve the page over https",
		Fires:  Example{Request: "GET http://example.com/", Response: "HTTP/1.1 200 OK\nCross-Origin-Opener-Policy: same-origin\n\n"},
		Silent: Example{Request: "GET http://127.0.0.1:8080/", Response: "HTTP/1.1 200 OK\nCross-Origin-Opener-Policy: same-origin\n\n"},
		find: func(x *subject, report func(where, detail string)) {
			for _, name := range []string{openerField, embedderField, "Origin-Agent-Cluster", "Document-Isolation-Policy"} {
				if x.has(name) && !x.trustworthy() {
					report(of(name), "")
				}
			}
		},
	},
	{
		ID: "isolation-half", Severity: Info, Relates: true,
		Sentence: "the page limits what it embeds, but shares its opener, so it is not isolated and gains nothing",
		Clause:   "HTML", Remedy: "send Cross-Origin-Opener-Policy: same-origin too",
		Fires: Example{Request: "GET https://example.com/",
			Response: "HTTP/1.1 200 OK\nContent-Type: text/html\nCross-Origin-Embedder-Policy: require-corp\n\n"},
		Silent: Example{Request: "GET https://example.com/",
			Response: "HTTP/1.1 200 OK\nContent-Type: text/html\nCross-Origin-Embedder-Policy: require-corp\nCross-Origin-Opener-Policy: same-origin\n\n"},
		find: func(x *subject, report func(where, detail string)) {
			v := x.tokenOf(embedderField)
			framed := x.askedValue("Sec-Fetch-Dest") == "iframe"
			if (v == "require-corp" || v == "credentialless") && x.page() && !framed && x.tokenOf(openerField) != "same-origin" {
				report(of(embedderField), v)
			}
		},
	},
	{
		ID: "isolation-report-same", Severity: Info, Relates: true,
		Sentence: "the policy that is only reported is the one that is enforced, so it reports nothing more",
		Clause:   "HTML", Remedy: "leave it out, or make it stricter",
		Fires: Example{Response: "HTTP/1.1 200 OK\nCross-Origin-Embedder-Policy: require-corp\n" +
			"Cross-Origin-Embedder-Policy-Report-Only: require-corp; report-to=\"r\"\nReporting-Endpoints: r=\"https://r.example/\"\n\n"},
		Silent: Example{Response: "HTTP/1.1 200 OK\nCross-Origin-Embedder-Policy: unsafe-none\n" +
			"Cross-Origin-Embedder-Policy-Report-Only: require-corp; report-to=\"r\"\nReporting-Endpoints: r=\"https://r.example/\"\n\n"},
		find: func(x *subject, report func(where, detail string)) {
			for _, f := range isolationTokens {
				if v := x.tokenOf(f.field); v != "" && v == x.tokenOf(f.field+reportOnly) {
					report(of(f.field+reportOnly), v)
				}
			}
		},
	},
	{
		ID: "isolation-report-silent", Severity: Warn,
		Sentence: "a policy that is only reported says nowhere where to, so it does nothing",
		Clause:   "HTML", Remedy: "add the parameter report-to, and name the endpoint in Reporting-Endpoints",
		Fires: Example{Response: "HTTP/1.1 200 OK\nCross-Origin-Opener-Policy-Report-Only: same-origin\n\n"},
		Silent: Example{Response: "HTTP/1.1 200 OK\nCross-Origin-Opener-Policy-Report-Only: same-origin; report-to=\"r\"\n" +
			"Reporting-Endpoints: r=\"https://r.example/\"\n\n"},
		find: func(x *subject, report func(where, detail string)) {
			for _, f := range isolationTokens {
				if m := x.sf(f.field + reportOnly); len(m) == 1 && m[0].param("report-to") == nil && m[0].Text != f.tokens[0] {
					report(of(f.field+reportOnly), "")
				}
			}
		},
	},
	{
		ID: "resource-policy-blocks", Severity: Warn, Relates: true,
		Sentence: "the request came from another site without CORS, and the answer forbids its use there",
		Clause:   "Fetch §3.7", Remedy: "send Cross-Origin-Resource-Policy: cross-origin if other sites may embed it",
		Fires: Example{Request: "GET https://example.com/a.png\nSec-Fetch-Site: cross-site\nSec-Fetch-Mode: no-cors",
			Response: "HTTP/1.1 200 OK\nContent-Type: image/png\nCross-Origin-Resource-Policy: same-site\n\n"},
		Silent: Example{Request: "GET https://example.com/a.png\nSec-Fetch-Site: same-site\nSec-Fetch-Mode: no-cors",
			Response: "HTTP/1.1 200 OK\nContent-Type: image/png\nCross-Origin-Resource-Policy: same-site\n\n"},
		find: func(x *subject, report func(where, detail string)) {
			site, v := x.askedValue("Sec-Fetch-Site"), x.get(resourceField)
			blocked := v == "same-origin" && (site == "cross-site" || site == "same-site") || v == "same-site" && site == "cross-site"
			if blocked && x.askedValue("Sec-Fetch-Mode") == "no-cors" {
				report(of(resourceField), v)
			}
		},
	},
	{
		ID: "resource-policy-beside-cors", Severity: Info, Relates: true,
		Sentence: "every origin may read the answer by CORS, but none may embed it as an image, a script or a style",
		Clause:   "Fetch §3.7", Remedy: "send Cross-Origin-Resource-Policy: cross-origin with what is public",
		Fires:  Example{Response: "HTTP/1.1 200 OK\nAccess-Control-Allow-Origin: *\nCross-Origin-Resource-Policy: same-origin\n\n"},
		Silent: Example{Response: "HTTP/1.1 200 OK\nAccess-Control-Allow-Origin: *\nCross-Origin-Resource-Policy: cross-origin\n\n"},
		find: func(x *subject, report func(where, detail string)) {
			if v := x.get(resourceField); x.get(allowOrigin) == "*" && (v == "same-origin" || v == "same-site") {
				report(of(resourceField), v)
			}
		},
	},
	{
		ID: "clear-site-data-unquoted", Severity: Bad,
		Sentence: "Clear-Site-Data has a type without quotes, and browsers ignore it",
		Clause:   "Clear Site Data", Remedy: `write types in quotes, as in "cookies", "storage"`,
		Fires:  Example{Request: "GET https://example.com/", Response: "HTTP/1.1 200 OK\nClear-Site-Data: cookies\n\n"},
		Silent: Example{Request: "GET https://example.com/", Response: "HTTP/1.1 200 OK\nClear-Site-Data: \"cookies\", \"storage\"\n\n"},
		find: func(x *subject, report func(where, detail string)) {
			for _, v := range x.list(clearField) {
				if _, quoted := doubleQuoted(v); !quoted {
					report(of(clearField), v)
				}
			}
		},
	},
	{
		ID: "clear-site-data-unknown", Severity: Warn,
		Sentence: "Clear-Site-Data has a type that does not exist, and browsers ignore it",
		Clause:   "Clear Site Data", Remedy: "correct it; case matters",
		Fires:  Example{Request: "GET https://example.com/", Response: "HTTP/1.1 200 OK\nClear-Site-Data: \"Cookies\"\n\n"},
		Silent: Example{Request: "GET https://example.com/", Response: "HTTP/1.1 200 OK\nClear-Site-Data: \"*\"\n\n"},
		find: func(x *subject, report func(where, detail string)) {
			for _, v := range x.list(clearField) {
				if inner, quoted := doubleQuoted(v); quoted && !slices.Contains(clearTypes, inner) {
					report(of(clearField), v)
				}
			}
		},
	},
	{
		ID: "clear-site-data-over-http", Severity: Warn, Relates: true,
		Sentence: "Clear-Site-Data comes over http, where browsers ignore it",
		Clause:   "Clear Site Data", Remedy: "send it over https",
		Fires:  Example{Request: "GET http://example.com/", Response: "HTTP/1.1 200 OK\nClear-Site-Data: \"cookies\"\n\n"},
		Silent: Example{Request: "GET https://example.com/", Response: "HTTP/1.1 200 OK\nClear-Site-Data: \"cookies\"\n\n"},
		find: func(x *subject, report func(where, detail string)) {
			if x.has(clearField) && !x.trustworthy() {
				report(of(clearField), "")
			}
		},
	},
	{
		ID: "clear-site-data-sets-cookie", Severity: Info, Relates: true,
		Sentence: "the answer clears all cookies and sets one, and whether that one stays depends on the browser",
		Clause:   "Clear Site Data", Remedy: "set it in a later answer",
		Fires:  Example{Request: "GET https://example.com/", Response: "HTTP/1.1 200 OK\nClear-Site-Data: \"cookies\"\nSet-Cookie: a=1; Secure; SameSite=Lax\n\n"},
		Silent: Example{Request: "GET https://example.com/", Response: "HTTP/1.1 200 OK\nClear-Site-Data: \"cookies\"\nSet-Cookie: a=; Max-Age=0; Secure; SameSite=Lax\n\n"},
		find: func(x *subject, report func(where, detail string)) {
			cleared := x.clears("cookies")
			for _, c := range x.cookies() {
				if cleared && !c.deletes(x.now) {
					report(of(clearField), c.label())
				}
			}
		},
	},
	{
		ID: "clear-site-data-cached", Severity: Warn, Relates: true,
		Sentence: "the answer clears the cache and is to be kept in it",
		Clause:   "Clear Site Data", Remedy: "send Cache-Control: no-store with it",
		Fires:  Example{Request: "GET https://example.com/", Response: "HTTP/1.1 200 OK\nClear-Site-Data: \"cache\"\nCache-Control: max-age=600\n\n"},
		Silent: Example{Request: "GET https://example.com/", Response: "HTTP/1.1 200 OK\nClear-Site-Data: \"cache\"\nCache-Control: no-store\n\n"},
		find: func(x *subject, report func(where, detail string)) {
			if t := &x.private.Terms; x.clears("cache") && x.private.Store && !t.NoCache && t.Lifetime > 0 && !t.Heuristic {
				report(of(clearField), "")
			}
		},
	},
}

// doubleQuoted returns what stands in double quotes.
func doubleQuoted(s string) (inner string, quoted bool) {
	if n := len(s); n > 1 && s[0] == '"' && s[n-1] == '"' {
		return s[1 : n-1], true
	}
	return s, false
}

// textParam returns a parameter that is a string, "" if there is none.
func textParam(m *sfMember, key string) string {
	if p := m.param(key); p != nil && (p.Kind == field.String || p.Kind == field.Token) {
		return strings.TrimSpace(p.Text)
	}
	return ""
}
