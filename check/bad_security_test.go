package check

import (
	"strings"
	"testing"
)

// badAnswer is one answer with many faults, each in the line before the names of
// the notes that find it.
const badAnswer = `
Content-Type: text/plain
  nosniff-blocks-script
X-Content-Type-Options: nosniff
X-Frame-Options: SAMEORIGIN
  frame-options-beside-csp
Content-Security-Policy: default-src self; frame-ancestors 'none'; script-srcs 'none'; img-src data https://*.cdn.*.example 'none'; img-src *; object-src 'none' 'self'; script-src 'strict-dynamic' 'sha256-abcd'; style-src 'nonce-abc'; sandbox allow-script; block-all-mixed-content; report-to nowhere
  csp-keyword-unquoted csp-directive-unknown csp-scheme-colon csp-source-invalid csp-directive-twice csp-none-not-alone csp-strict-dynamic-alone csp-hash-invalid csp-nonce-short csp-sandbox-token csp-directive-obsolete csp-report-to-unknown csp-nonce-cached
Content-Security-Policy-Report-Only: default-src 'self'; sandbox
  csp-report-only-silent csp-report-only-without-effect
Strict-Transport-Security: max-age=86400; max-age=86400; preload; always
  hsts-over-http hsts-directive-twice hsts-directive-unknown hsts-preload-unfit hsts-short
Set-Cookie: a=1; Secure; SameSite=Lax
  cookie-secure-over-http
Set-Cookie: b=1; SameSite=None
  cookie-samesite-none-insecure
Set-Cookie: __Host-c=1; Path=/app; Domain=www.example.com; SameSite=Lax
  cookie-host-prefix
Set-Cookie: __Secure-d=1; SameSite=Lax
  cookie-secure-prefix
Set-Cookie: e=1; Domain=example.org; SameSite=Lax
  cookie-domain-foreign
Set-Cookie: f=1; Max-Age=60; Expires=Fri, 01 Jan 2027 00:00:00 GMT; SameSite=Lax
  cookie-lifetimes-differ
Set-Cookie: g=1; Max-Age=1h; Expires=0; SameSite=maybe; Path=app; Path=app
  cookie-max-age-invalid cookie-expires-invalid cookie-samesite-invalid cookie-path-relative cookie-attribute-twice
Set-Cookie: h=1; SameSite=Lax
Set-Cookie: h=2; SameSite=Lax
  cookie-twice
Set-Cookie: i=1; SameSite=Lax
Set-Cookie: i=; Max-Age=0; SameSite=Lax
  cookie-set-and-deleted
Set-Cookie: j={"a": 1}; SameSite=Lax; HttpOnly=false
  cookie-value cookie-flag-value
Set-Cookie: k[1]=1; Partitioned
  cookie-name cookie-partitioned-insecure cookie-samesite-absent
Set-Cookie: l=1; Path=/, m=1; Path=/
  cookie-folded
Set-Cookie: only-a-value; SameSite=Lax
  cookie-nameless
Cache-Control: public, max-age=600
  cookie-in-shared-cache
Access-Control-Allow-Origin: *
Access-Control-Allow-Credentials: true
  cors-star-credentials
Access-Control-Expose-Headers: *, Set-Cookie
  cors-star-literal cors-expose-never
Access-Control-Max-Age: 1h
  cors-max-age-invalid
Permissions-Policy: camera=none, geolocation=("self"), camera=()
  structured-key-twice permission-origin-invalid
Permissions-Policy-Report-Only: geolocation 'none'
  structured-syntax
Referrer-Policy: origin-when-crossorigin
  referrer-policy-invalid
Cross-Origin-Opener-Policy: same-site
  isolation-value-unknown
Cross-Origin-Embedder-Policy: "require-corp"
  structured-kind
Cross-Origin-Resource-Policy: Same-Origin
  resource-policy-invalid
Clear-Site-Data: cookies, "Cookies"
  clear-site-data-unquoted clear-site-data-unknown clear-site-data-over-http
Reporting-Endpoints: csp="", r="http://r.example/"
  report-endpoint-invalid
Report-To: {'group':'r'}
  report-to-malformed
NEL: {"report_to":"nel","max_age":60,"success_fraction":5}
  nel-group-unknown nel-fraction
Accept-CH: UA-Model
Critical-CH: Sec-CH-UA-Arch
  client-hint-unknown critical-ch-not-accepted critical-ch-without-vary
Content-Digest: sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:
Repr-Digest: sha-256=:aGVsbG8=:, sha256=:aGVsbG8=:
  content-digest-differs digest-size digest-algorithm-unknown
Signature: s=:aGk=:
Signature-Input: s=("@method" "digest");created=1790859600;expires=1790850600, t=("@status")
  signature-covers-absent signature-component-unfit signature-expired signature-from-future signature-missing
Link: /style.css; rel=preload, </a.css>; rel=preload, </b.css>; rel=preload; as=css, </c.woff2>; rel=preload; as=font, </d>; as=style
  link-syntax preload-without-as preload-as-unknown preload-font-without-crossorigin link-without-rel
Link: <http://example.com/app.js>; rel=preload; as=script
  preload-of-itself
Alt-Svc: clear, h3=":66000"; ma=1d
  alt-svc-clear-and-more alt-svc-port alt-svc-max-age-invalid
Use-As-Dictionary: match="https://cdn.example/(a)", type=zstd
  dictionary-match-foreign dictionary-match-regexp dictionary-type-unknown dictionary-over-http
No-Vary-Search: params=("a"), except=("b"), param=("c")
  no-vary-search-contradicts no-vary-search-key-unknown
Server-Timing: db=53, total;dur=60ms
  server-timing-syntax server-timing-duration
Priority: u=9
  priority-urgency
Proxy-Status: proxy; error=timeout; received-status="502"
  proxy-error-unknown proxy-status-parameter-kind
RateLimit-Policy: "hour";q=100, "day"
RateLimit: "hour";r=500, "week"
  ratelimit-over-quota ratelimit-policy-unknown ratelimit-without-remaining ratelimit-policy-without-quota
Integrity-Policy: blocked-destinations=(image)
  integrity-policy-idle
Timing-Allow-Origin: app.example
  timing-allow-origin-invalid
X-DNS-Prefetch-Control: yes
  dns-prefetch-invalid
X-Powered-By: PHP/8.1.2
  version-revealed
`

func TestBadSecurity(t *testing.T) {
	var fields strings.Builder
	planted := map[string]bool{}
	for line := range strings.Lines(strings.TrimSpace(badAnswer)) {
		if rest, ok := strings.CutPrefix(line, "  "); ok {
			for _, id := range strings.Fields(rest) {
				planted[id] = true
			}
		} else {
			fields.WriteString(strings.TrimSuffix(line, "\n") + "\n")
		}
	}
	x := mustExchange(t, Example{Request: "GET http://example.com/app.js", Response: "HTTP/1.1 200 OK\n" + fields.String() + "\nhello"})
	missing := planted
	n := len(planted)
	for _, f := range Passive(x) {
		delete(missing, f.Note.ID)
	}
	for id := range missing {
		t.Errorf("%s is not found", id)
	}
	if n < 80 {
		t.Errorf("%d faults are planted", n)
	}
}
