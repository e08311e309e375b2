package check

import "testing"

// everyday are answers as well-kept servers send them. Nothing is wrong with
// them, so no note may warn.
var everyday = map[string]Example{
	"a page behind nginx": {
		Request: "GET https://www.example.com/ HTTP/1.1\nHost: www.example.com\nAccept: text/html,*/*;q=0.8\nAccept-Encoding: gzip, deflate, br\nAccept-Language: en-US,en;q=0.5\n",
		Response: `HTTP/1.1 200 OK
Server: nginx
Content-Type: text/html; charset=utf-8
Transfer-Encoding: chunked
Connection: keep-alive
Last-Modified: Tue, 29 Sep 2026 08:12:44 GMT
ETag: W/"66f9c2dc-264"
Cache-Control: no-cache
Vary: Accept-Encoding
Strict-Transport-Security: max-age=31536000; includeSubDomains
X-Content-Type-Options: nosniff
X-Frame-Options: SAMEORIGIN
Referrer-Policy: strict-origin-when-cross-origin
Content-Security-Policy: default-src 'self'; object-src 'none'; base-uri 'self'; frame-ancestors 'self'
Content-Encoding: gzip
`,
	},
	"a style sheet of nginx with expires": {
		Request: "GET /css/site.css HTTP/1.1\nAccept-Encoding: gzip\n",
		Response: `HTTP/1.1 200 OK
Server: nginx/1.26.2
Content-Type: text/css
Content-Length: 6
Last-Modified: Tue, 29 Sep 2026 08:12:44 GMT
Connection: keep-alive
ETag: "66f9c2dc-6"
Expires: Sat, 31 Oct 2026 12:00:00 GMT
Cache-Control: max-age=2592000
Accept-Ranges: bytes

p{a:b}`,
	},
	"a picture of Apache": {
		Request: "GET /logo.png HTTP/1.1\n",
		Response: `HTTP/1.1 200 OK
Server: Apache/2.4.62 (Debian)
Last-Modified: Mon, 03 Aug 2026 10:00:00 GMT
ETag: "1a2b-5f3c7d8e9a0b1"
Accept-Ranges: bytes
Content-Length: 6699
Cache-Control: max-age=604800, public
Upgrade: h2,h2c
Connection: Upgrade, Keep-Alive
Keep-Alive: timeout=5, max=100
Content-Type: image/png
`,
	},
	"a page of GitHub": {
		Request: "GET https://github.com/ HTTP/1.1\nAccept-Encoding: gzip, br\n",
		Response: `HTTP/2 200
server: GitHub.com
content-type: text/html; charset=utf-8
vary: X-PJAX, X-PJAX-Container, Turbo-Visit, Turbo-Frame, X-Requested-With, Accept-Language,Accept-Encoding, Accept, X-Requested-With
content-language: en-US
etag: W/"2b5bc3d2ab13a9e9dd3b6b9fb1f6ddb1"
cache-control: max-age=0, private, must-revalidate
strict-transport-security: max-age=31536000; includeSubdomains; preload
x-frame-options: deny
x-content-type-options: nosniff
x-xss-protection: 0
referrer-policy: origin-when-cross-origin, strict-origin-when-cross-origin
content-security-policy: default-src 'none'; base-uri 'self'; script-src github.githubassets.com; style-src 'unsafe-inline' github.githubassets.com; frame-ancestors 'none'; form-action 'self' github.com; upgrade-insecure-requests
content-encoding: gzip
accept-ranges: bytes
set-cookie: _octo=GH1.1.1.1; Path=/; Domain=github.com; Expires=Fri, 01 Oct 2027 12:00:00 GMT; Secure; SameSite=Lax
set-cookie: logged_in=no; Path=/; Domain=github.com; Expires=Fri, 01 Oct 2027 12:00:00 GMT; HttpOnly; Secure; SameSite=Lax
x-github-request-id: D0B2:1C4E51:1
`,
	},
	"a fingerprinted script behind Cloudflare": {
		Request: "GET https://cdn.example.com/app.3f9c2b7d1e.js HTTP/1.1\nAccept-Encoding: br, gzip\n",
		Response: `HTTP/2 200
content-type: text/javascript; charset=utf-8
cf-ray: 8c9d5f1e2b3a4c5d-FRA
cf-cache-status: HIT
access-control-allow-origin: *
age: 86400
cache-control: public, max-age=31536000, immutable
etag: W/"9a1f3c"
last-modified: Mon, 03 Aug 2026 10:00:00 GMT
strict-transport-security: max-age=15552000
vary: Accept-Encoding
x-content-type-options: nosniff
server: cloudflare
content-encoding: br
alt-svc: h3=":443"; ma=86400
date: Wed, 30 Sep 2026 12:00:00 GMT
`,
	},
	"a static file of freshet": {
		Request: "GET /guide.html HTTP/1.1\nAccept-Encoding: gzip\n",
		Response: `HTTP/1.1 200 OK
Accept-Ranges: bytes
Cache-Control: no-cache
Content-Encoding: gzip
Content-Length: 1234
Content-Type: text/html; charset=utf-8
Etag: "a9hKd3nW2pQ-gzip"
Last-Modified: Tue, 29 Sep 2026 08:12:44 GMT
Vary: Accept-Encoding
X-Content-Type-Options: nosniff
Server: freshet
`,
	},
	"an API in JSON": {
		Request: "GET https://api.example.com/v1/things?page=2 HTTP/1.1\nAccept: application/json\nAuthorization: Bearer x\n",
		Response: `HTTP/2 200
content-type: application/json
content-length: 17
cache-control: private, max-age=60
etag: "33a64df5"
vary: Accept, Authorization
link: <https://api.example.com/v1/things?page=3>; rel="next", <https://api.example.com/v1/things?page=9>; rel="last"
strict-transport-security: max-age=31536000
x-content-type-options: nosniff
x-ratelimit-limit: 60
x-ratelimit-remaining: 57
x-ratelimit-reset: 1790859600
x-request-id: 3f9c2b7d

{"things":[1,2,3]`,
	},
	"a log-in form": {
		Request: "POST https://www.example.com/login HTTP/1.1\nContent-Type: application/x-www-form-urlencoded\nContent-Length: 20\n",
		Response: `HTTP/1.1 303 See Other
Location: /account
Set-Cookie: __Host-session=3f9c2b7d1e; Path=/; Secure; HttpOnly; SameSite=Lax
Cache-Control: no-store
Content-Length: 0
Strict-Transport-Security: max-age=31536000
`,
	},
	"a redirect to https": {
		Request: "GET http://www.example.com/a?b=1 HTTP/1.1\n",
		Response: `HTTP/1.1 301 Moved Permanently
Server: nginx
Content-Type: text/html
Content-Length: 162
Connection: keep-alive
Location: https://www.example.com/a?b=1
`,
	},
	"nothing changed": {
		Request: "GET /css/site.css HTTP/1.1\nIf-None-Match: \"66f9c2dc-6\"\nIf-Modified-Since: Tue, 29 Sep 2026 08:12:44 GMT\n",
		Response: `HTTP/1.1 304 Not Modified
Server: nginx
Last-Modified: Tue, 29 Sep 2026 08:12:44 GMT
Connection: keep-alive
ETag: "66f9c2dc-6"
Expires: Sat, 31 Oct 2026 12:00:00 GMT
Cache-Control: max-age=2592000
`,
	},
	"a part of a film": {
		Request: "GET /film.mp4 HTTP/1.1\nRange: bytes=1000-\nIf-Range: \"66f9c2dc-7a120\"\n",
		Response: `HTTP/1.1 206 Partial Content
Server: nginx
Content-Type: video/mp4
Content-Length: 499000
Last-Modified: Tue, 29 Sep 2026 08:12:44 GMT
Connection: keep-alive
ETag: "66f9c2dc-7a120"
Cache-Control: max-age=86400
Content-Range: bytes 1000-499999/500000
`,
	},
	"no such page": {
		Request: "GET /nowhere HTTP/1.1\n",
		Response: `HTTP/1.1 404 Not Found
Server: nginx
Content-Type: text/html
Content-Length: 153
Connection: keep-alive
`,
	},
	"a font for other sites": {
		Request: "GET https://fonts.example.com/a.woff2 HTTP/1.1\nOrigin: https://www.example.com\n",
		Response: `HTTP/2 200
accept-ranges: bytes
access-control-allow-origin: *
content-type: font/woff2
content-length: 48444
cross-origin-resource-policy: cross-origin
timing-allow-origin: *
x-content-type-options: nosniff
server: sffe
x-xss-protection: 0
date: Tue, 29 Sep 2026 12:00:00 GMT
expires: Wed, 29 Sep 2027 12:00:00 GMT
cache-control: public, max-age=31536000
age: 172800
last-modified: Tue, 05 May 2026 10:00:00 GMT
alt-svc: h3=":443"; ma=2592000,h3-29=":443"; ma=2592000
`,
	},
	"a page that Varnish kept": {
		Request: "GET /news HTTP/1.1\nAccept-Encoding: gzip\n",
		Response: `HTTP/1.1 200 OK
Date: Thu, 01 Oct 2026 11:59:30 GMT
Content-Type: text/html; charset=UTF-8
Cache-Control: max-age=60, s-maxage=600, stale-while-revalidate=30
ETag: "5d8c72"
Content-Encoding: gzip
Vary: Accept-Encoding
X-Varnish: 32770 3
Age: 30
Via: 1.1 varnish (Varnish/7.5)
Accept-Ranges: bytes
Content-Length: 5120
Connection: keep-alive
`,
	},
	"a preflight": {
		Request: "OPTIONS https://api.example.com/v1/things HTTP/1.1\nOrigin: https://www.example.com\nAccess-Control-Request-Method: PUT\nAccess-Control-Request-Headers: content-type\n",
		Response: `HTTP/2 204
access-control-allow-origin: https://www.example.com
access-control-allow-methods: GET, PUT, DELETE
access-control-allow-headers: content-type
access-control-max-age: 7200
vary: Origin, Access-Control-Request-Method, Access-Control-Request-Headers
strict-transport-security: max-age=31536000
`,
	},
}

func TestEverydayAnswersAreClean(t *testing.T) {
	for name, example := range everyday {
		t.Run(name, func(t *testing.T) {
			for _, f := range Passive(mustExchange(t, example)) {
				if f.Note.Severity > Info {
					t.Errorf("%v %s: %s: %s (%s)", f.Note.Severity, f.Note.ID, f.Where, f.Detail, f.Note.Sentence)
				}
			}
		})
	}
}
