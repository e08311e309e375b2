package check

import (
	"fmt"
	"slices"
	"strings"
)

// cspNotes are about what single policies say.
var cspNotes = []Note{
	{
		ID: "csp-directive-unknown", Severity: Warn,
		Sentence: "a policy has a directive that does not exist, and browsers ignore it",
		Clause:   "CSP §6", Remedy: "correct its name; directives are divided by semicolons, names and values by spaces",
		Fires:  Example{Response: "HTTP/1.1 200 OK\nContent-Security-Policy: default-src: 'self'\n\n"},
		Silent: Example{Response: "HTTP/1.1 200 OK\nContent-Security-Policy: default-src 'self'\n\n"},
		find: perPolicy(func(_ *subject, p *cspPolicy, report func(detail string)) {
			for i, d := range p.directives {
				if _, ok := cspDirectives[d.name]; ok {
					continue
				}
				if i == 0 && p.behind {
					report(d.spelled + ", behind a comma, which begins another policy")
				} else {
					report(d.spelled)
				}
			}
		}),
	},
	{
		ID: "csp-directive-obsolete", Severity: Info,
		Sentence: "a policy has a directive that browsers do not follow any more",
		Clause:   "CSP §6", Remedy: "leave it out",
		Fires:  Example{Response: "HTTP/1.1 200 OK\nContent-Security-Policy: default-src 'self'; block-all-mixed-content\n\n"},
		Silent: Example{Response: "HTTP/1.1 200 OK\nContent-Security-Policy: default-src 'self'; upgrade-insecure-requests\n\n"},
		find: perPolicy(func(_ *subject, p *cspPolicy, report func(detail string)) {
			for _, d := range p.directives {
				if why := cspDirectives[d.name]; why != "" {
					report(d.name + ": " + why)
				}
			}
		}),
	},
	{
		ID: "csp-directive-twice", Severity: Warn,
		Sentence: "a directive stands twice in a policy, and only the first counts",
		Clause:   "CSP §2.2.1", Remedy: "join the values in one directive",
		Fires:  Example{Response: "HTTP/1.1 200 OK\nContent-Security-Policy: img-src 'self'; img-src https:\n\n"},
		Silent: Example{Response: "HTTP/1.1 200 OK\nContent-Security-Policy: img-src 'self' https:\n\n"},
		find: perPolicy(func(_ *subject, p *cspPolicy, report func(detail string)) {
			for _, d := range p.directives {
				if d.ignored {
					report(d.name)
				}
			}
		}),
	},
	{
		ID: "csp-keyword-unquoted", Severity: Bad,
		Sentence: "a keyword of a policy lacks its single quotes, and is taken for the name of a host",
		Clause:   "CSP §2.3.1", Remedy: "write it in single quotes",
		Fires:  Example{Response: "HTTP/1.1 200 OK\nContent-Security-Policy: default-src self\n\n"},
		Silent: Example{Response: "HTTP/1.1 200 OK\nContent-Security-Policy: default-src 'self' self.example\n\n"},
		find:   perSource(func(_ *cspDirective, source string) bool { return looksUnquoted(source) }),
	},
	{
		ID: "csp-scheme-colon", Severity: Warn,
		Sentence: "a scheme in a policy lacks its colon, and is taken for the name of a host",
		Clause:   "CSP §2.3.1", Remedy: "write it with a colon, as in data:",
		Fires:  Example{Response: "HTTP/1.1 200 OK\nContent-Security-Policy: img-src 'self' data\n\n"},
		Silent: Example{Response: "HTTP/1.1 200 OK\nContent-Security-Policy: img-src 'self' data:\n\n"},
		find:   perSource(func(_ *cspDirective, source string) bool { return anyFold(cspSchemes, source) }),
	},
	{
		ID: "csp-source-invalid", Severity: Warn,
		Sentence: "a source in a policy has no form that there is, and matches nothing",
		Clause:   "CSP §2.3.1", Remedy: "write a keyword in quotes, a scheme with a colon, or a host with * in front at most, without a query",
		Fires:  Example{Response: "HTTP/1.1 200 OK\nContent-Security-Policy: img-src www.*.example 'self\n\n"},
		Silent: Example{Response: "HTTP/1.1 200 OK\nContent-Security-Policy: img-src *.example https://cdn.example:*/a/ 'self'\n\n"},
		find:   perSource(func(_ *cspDirective, source string) bool { return !validSource(source) }),
	},
	{
		ID: "csp-none-not-alone", Severity: Warn,
		Sentence: "'none' stands beside other sources, and means nothing there",
		Clause:   "CSP §2.3.1", Remedy: "leave out 'none', or the others",
		Fires:  Example{Response: "HTTP/1.1 200 OK\nContent-Security-Policy: object-src 'none' 'self'\n\n"},
		Silent: Example{Response: "HTTP/1.1 200 OK\nContent-Security-Policy: object-src 'none'; img-src 'self'\n\n"},
		find: perSource(func(d *cspDirective, source string) bool {
			return strings.EqualFold(source, "'none'") && slices.ContainsFunc(d.values, func(v string) bool {
				return !strings.EqualFold(v, "'none'") && !strings.EqualFold(v, "'report-sample'")
			})
		}),
	},
	{
		ID: "csp-hash-invalid", Severity: Bad,
		Sentence: "a hash in a policy does not have the size of its algorithm, and matches nothing",
		Clause:   "CSP §2.3.1", Remedy: "state the base64 of the hash itself, not of its hexadecimal form",
		Fires:  Example{Response: "HTTP/1.1 200 OK\nContent-Security-Policy: script-src 'sha256-abcd'\n\n"},
		Silent: Example{Response: "HTTP/1.1 200 OK\nContent-Security-Policy: script-src 'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='\n\n"},
		find:   perSource(func(_ *cspDirective, source string) bool { return cspHash(source) != "" && !hashFits(source) }),
	},
	{
		ID: "csp-nonce-short", Severity: Warn,
		Sentence: "a nonce has fewer than 128 bits, and can be guessed",
		Clause:   "CSP §7.1", Remedy: "make it of 16 random bytes in base64, anew for each answer",
		Fires:  Example{Response: "HTTP/1.1 200 OK\nContent-Security-Policy: script-src 'nonce-abc123'\n\n"},
		Silent: Example{Response: "HTTP/1.1 200 OK\nContent-Security-Policy: script-src 'nonce-3q2+7wAAAAD/EjRWeJCrzQ=='\n\n"},
		find: perSource(func(_ *cspDirective, source string) bool {
			const charsOf128Bits = 22
			inner, quoted := unquoted(source)
			return quoted && isCSPNonce(source) && len(strings.TrimRight(inner[len("nonce-"):], "=")) < charsOf128Bits
		}),
	},
	{
		ID: "csp-strict-dynamic-alone", Severity: Bad,
		Sentence: "'strict-dynamic' without a nonce or a hash lets no script run",
		Clause:   "CSP §8.2", Remedy: "add a nonce or a hash",
		Fires:  Example{Response: "HTTP/1.1 200 OK\nContent-Security-Policy: script-src 'strict-dynamic' https:\n\n"},
		Silent: Example{Response: "HTTP/1.1 200 OK\nContent-Security-Policy: script-src 'strict-dynamic' 'nonce-3q2+7wAAAAD/EjRWeJCrzQ=='\n\n"},
		find: perPolicy(func(_ *subject, p *cspPolicy, report func(detail string)) {
			if d := p.scripts(); d.has("'strict-dynamic'") && !d.vouches() {
				report(d.name)
			}
		}),
	},
	{
		ID: "csp-scripts-open", Severity: Info,
		Sentence: "the policy lets inline scripts or those of any host run, so it does not stop injected ones",
		Clause:   "CSP §8.5", Remedy: "allow scripts by nonces or hashes, with 'strict-dynamic' where needed",
		Fires:  Example{Response: "HTTP/1.1 200 OK\nContent-Security-Policy: script-src 'self' 'unsafe-inline'\n\n"},
		Silent: Example{Response: "HTTP/1.1 200 OK\nContent-Security-Policy: script-src 'unsafe-inline' 'nonce-3q2+7wAAAAD/EjRWeJCrzQ=='\n\n"},
		find: perPolicy(func(_ *subject, p *cspPolicy, report func(detail string)) {
			d := p.scripts()
			if p.reportOnly() || d == nil || d.vouches() {
				return
			}
			for _, open := range []string{"'unsafe-inline'", "*", "https:", "http:", "data:"} {
				if d.has(open) {
					report(d.name + " " + open)
					return
				}
			}
		}),
	},
	{
		ID: "csp-sandbox-token", Severity: Warn,
		Sentence: "sandbox has a token that does not exist, and browsers ignore it",
		Clause:   "CSP §6.3.2", Remedy: "correct or drop it",
		Fires:  Example{Response: "HTTP/1.1 200 OK\nContent-Security-Policy: sandbox allow-script\n\n"},
		Silent: Example{Response: "HTTP/1.1 200 OK\nContent-Security-Policy: sandbox allow-scripts\n\n"},
		find: perPolicy(func(_ *subject, p *cspPolicy, report func(detail string)) {
			if d := p.get("sandbox"); d != nil {
				for _, v := range d.values {
					if !anyFold(sandboxTokens, v) {
						report(v)
					}
				}
			}
		}),
	},
	{
		ID: "csp-trusted-types", Severity: Warn,
		Sentence: "require-trusted-types-for does not say 'script', the only thing that it can say",
		Clause:   "Trusted Types", Remedy: "write require-trusted-types-for 'script'",
		Fires:  Example{Response: "HTTP/1.1 200 OK\nContent-Security-Policy: require-trusted-types-for script\n\n"},
		Silent: Example{Response: "HTTP/1.1 200 OK\nContent-Security-Policy: require-trusted-types-for 'script'\n\n"},
		find: perPolicy(func(_ *subject, p *cspPolicy, report func(detail string)) {
			if d := p.get("require-trusted-types-for"); d != nil && !d.has("'script'") {
				report(strings.Join(d.values, " "))
			}
		}),
	},
	{
		ID: "csp-report-only-silent", Severity: Warn,
		Sentence: "a policy that is only reported says nowhere where to, so it does nothing",
		Clause:   "CSP §3.2", Remedy: "add report-to, or report-uri",
		Fires:  Example{Response: "HTTP/1.1 200 OK\nContent-Security-Policy-Report-Only: default-src 'self'\n\n"},
		Silent: Example{Response: "HTTP/1.1 200 OK\nContent-Security-Policy-Report-Only: default-src 'self'; report-uri /csp\n\n"},
		find: perPolicy(func(_ *subject, p *cspPolicy, report func(detail string)) {
			if p.reportOnly() && p.get("report-uri") == nil && p.get("report-to") == nil {
				report("")
			}
		}),
	},
	{
		ID: "csp-report-only-without-effect", Severity: Warn,
		Sentence: "a policy that is only reported has a directive that does nothing there",
		Clause:   "CSP §6.3.2", Remedy: "move it to Content-Security-Policy, or leave it out",
		Fires:  Example{Response: "HTTP/1.1 200 OK\nContent-Security-Policy-Report-Only: sandbox; report-uri /csp\n\n"},
		Silent: Example{Response: "HTTP/1.1 200 OK\nContent-Security-Policy: sandbox; report-uri /csp\n\n"},
		find: perPolicy(func(_ *subject, p *cspPolicy, report func(detail string)) {
			for _, name := range []string{"sandbox", "upgrade-insecure-requests"} {
				if p.reportOnly() && p.get(name) != nil {
					report(name)
				}
			}
		}),
	},
	{
		ID: "csp-nonce-cached", Severity: Warn, Relates: true,
		Sentence: "a cache may answer many requests with one nonce, which then protects from nothing",
		Clause:   "CSP §7.1", Remedy: "forbid caches to keep the page (no-store), or use hashes in place of nonces",
		Fires: Example{Response: "HTTP/1.1 200 OK\nCache-Control: max-age=600\n" +
			"Content-Security-Policy: script-src 'nonce-3q2+7wAAAAD/EjRWeJCrzQ=='\n\n"},
		Silent: Example{Response: "HTTP/1.1 200 OK\nCache-Control: private, max-age=600\n" +
			"Content-Security-Policy: script-src 'nonce-3q2+7wAAAAD/EjRWeJCrzQ=='\n\n"},
		find: perPolicy(func(x *subject, p *cspPolicy, report func(detail string)) {
			seconds := x.sharedSeconds()
			nonce := slices.ContainsFunc(p.directives, func(d cspDirective) bool { return slices.ContainsFunc(d.values, isCSPNonce) })
			if seconds > 0 && nonce {
				report(fmt.Sprintf("shared caches keep it for %d s", seconds))
			}
		}),
	},
	{
		ID: "csp-source-over-http", Severity: Info, Relates: true,
		Sentence: "the policy of a page on https allows scripts from http, which browsers block as mixed content",
		Clause:   "CSP §6.7.2.8", Remedy: "allow https",
		Fires:  Example{Request: "GET https://example.com/", Response: "HTTP/1.1 200 OK\nContent-Security-Policy: script-src http://cdn.example\n\n"},
		Silent: Example{Request: "GET http://example.com/", Response: "HTTP/1.1 200 OK\nContent-Security-Policy: script-src http://cdn.example\n\n"},
		find: perPolicy(func(x *subject, p *cspPolicy, report func(detail string)) {
			d := p.scripts()
			if d == nil || !x.secure() {
				return
			}
			for _, v := range d.values {
				if hasPrefixFold(v, "http://") {
					report(d.name + " " + v)
				}
			}
		}),
	},
	{
		ID: "csp-report-only-same", Severity: Info, Relates: true,
		Sentence: "the policy that is only reported is the one that is enforced, so it reports nothing more",
		Clause:   "CSP §3.2", Remedy: "leave it out, or make it stricter",
		Fires: Example{Response: "HTTP/1.1 200 OK\nContent-Security-Policy: img-src 'self'; report-uri /r\n" +
			"Content-Security-Policy-Report-Only: img-src 'self'; report-uri /r\n\n"},
		Silent: Example{Response: "HTTP/1.1 200 OK\nContent-Security-Policy: img-src 'self'; report-uri /r\n" +
			"Content-Security-Policy-Report-Only: img-src 'none'; report-uri /r\n\n"},
		find: func(x *subject, report func(where, detail string)) {
			for _, line := range x.lines(cspReportField) {
				if slices.Contains(x.lines(cspField), line) && trimSpace(line) != "" {
					report(of(cspReportField), "")
				}
			}
		},
	},
}

// sandboxTokens are what a sandbox can allow (HTML, the sandbox attribute of iframe).
var sandboxTokens = []string{
	"allow-downloads", "allow-forms", "allow-modals", "allow-orientation-lock", "allow-pointer-lock", "allow-popups",
	"allow-popups-to-escape-sandbox", "allow-presentation", "allow-same-origin", "allow-scripts",
	"allow-storage-access-by-user-activation", "allow-top-navigation", "allow-top-navigation-by-user-activation",
	"allow-top-navigation-to-custom-protocols",
}
