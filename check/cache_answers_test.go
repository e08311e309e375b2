package check

// realAnswers are answers as sites send them, with what RFC 9111 and its
// extensions make of them: rows as those of rfc9111, judged by the same test.
var realAnswers = []rfc9111Row{
	{"RFC 9111 §5.2.2.7", "an encyclopedia: its own cache keeps the page and tells all others not to",
		overHTTPS(`HTTP/2 200
content-type: text/html; charset=UTF-8
vary: Accept-Encoding,Cookie
last-modified: Thu, 01 Oct 2026 02:58:30 GMT
age: 859
x-cache: cp3068 miss, cp3068 hit/68
date: Thu, 01 Oct 2026 11:45:41 GMT
cache-control: private, s-maxage=0, max-age=0, must-revalidate
`), "ask", "no", "age-of-what-must-not-be-stored"},
	{"RFC 9111 §5.3", "a search engine: Expires says the same as max-age to old caches",
		overHTTPS(`HTTP/2 200
content-type: text/html; charset=UTF-8
expires: -1
cache-control: private, max-age=0
`), "no", "no", "cache-expires-zero cache-no-cache-without-validator"},
	{"RFC 9111 §5.2.2.2", "a host of static sites: pages are validated, by everyone",
		overHTTPS(`HTTP/2 200
content-type: text/html; charset=utf-8
cache-control: public, max-age=0, must-revalidate
etag: W/"d4b2f0"
age: 153
x-vercel-cache: HIT
vary: RSC, Accept-Encoding
`), "ask", "ask", ""},
	{"RFC 9111 §5.2.2.10", "a framework's page that is made anew now and then",
		overHTTPS(`HTTP/2 200
content-type: text/html; charset=utf-8
cache-control: s-maxage=60, stale-while-revalidate=300
etag: "8f2e1c"
`), "ask", "60!", "cache-stale-forbidden-to-shared"},
	{"RFC 9111 §4.2.2", "a store of objects behind a network of caches, without a word on freshness",
		overHTTPS(`HTTP/1.1 200 OK
Content-Type: image/jpeg
Date: Wed, 30 Sep 2026 13:00:00 GMT
Last-Modified: Mon, 03 Aug 2026 10:00:00 GMT
ETag: "d41d8cd98f00b204e9800998ecf8427e"
Age: 82800
X-Cache: Hit from cloudfront
Via: 1.1 0f1e2d.cloudfront.net (CloudFront)
`), "~3600", "~3600", "cache-no-freshness"},
	{"RFC 8246 §2", "a registry of packages: what was published never changes",
		overHTTPS(`HTTP/2 200
content-type: application/octet-stream
cache-control: public, immutable, max-age=31557600
etag: "a0b1"
vary: Accept-Encoding
`), "31557600", "31557600", ""},
	{"RFC 9111 §4.2.1", "a network of scripts: a version's file for a year, at the edge for longer",
		overHTTPS(`HTTP/2 200
content-type: application/javascript; charset=utf-8
cache-control: public, max-age=31536000, s-maxage=31536000, immutable
etag: W/"1a2b"
age: 1209600
date: Thu, 17 Sep 2026 12:00:00 GMT
x-served-by: cache-fra-eddf8230053-FRA
vary: Accept-Encoding
`), "30326400", "30326400!", ""},
	{"RFC 5861 §3", "style sheets of fonts: a day, and stale for a week while they are fetched again",
		overHTTPS(`HTTP/2 200
content-type: text/css; charset=utf-8
cache-control: private, max-age=86400, stale-while-revalidate=604800
last-modified: Thu, 01 Oct 2026 12:00:00 GMT
`), "86400+604800", "no", "cache-stale-longer-than-fresh"},
	{"RFC 9111 §5.2.2.5", "a shop's page with a session, as PHP sends it",
		overHTTPS(`HTTP/1.1 200 OK
Content-Type: text/html; charset=UTF-8
Set-Cookie: PHPSESSID=abc; path=/; secure; HttpOnly; SameSite=Lax
Expires: Thu, 19 Nov 1981 08:52:00 GMT
Cache-Control: no-store, no-cache, must-revalidate
Pragma: no-cache
`), "no", "no", "cache-no-store-is-enough cache-pragma-idle"},
	{"RFC 9111 §5.2.2.7", "an old framework of Windows: private, and no more",
		overHTTPS(`HTTP/1.1 200 OK
Cache-Control: private
Content-Type: text/html; charset=utf-8
Server: Microsoft-IIS/10.0
`), "no", "no", "cache-not-reusable"},
	{"RFC 9111 §5.2.2.7", "an API for those who are logged in",
		overHTTPS(`HTTP/2 200
content-type: application/json
cache-control: private, max-age=60, s-maxage=60
vary: Accept, Authorization, Cookie
etag: W/"f00"
`).asked("GET https://api.example.com/me HTTP/1.1", "Authorization: Bearer x"), "60", "no", "cache-private-with-s-maxage vary-key"},
	{"RFC 9111 §3.5", "the same without a word on who may have it",
		overHTTPS(`HTTP/2 200
content-type: application/json
cache-control: max-age=60
etag: W/"f00"
`).asked("GET https://api.example.com/me HTTP/1.1", "Authorization: Bearer x"), "60", "no", ""},
	{"RFC 9111 §5.3", "a server with Expires and max-age, which agree",
		Example{Response: `HTTP/1.1 200 OK
Server: nginx
Content-Type: image/png
Last-Modified: Mon, 03 Aug 2026 10:00:00 GMT
ETag: "5f27e0a0-1a2b"
Expires: Sat, 31 Oct 2026 12:00:00 GMT
Cache-Control: max-age=2592000
Accept-Ranges: bytes
`}, "2592000", "2592000", ""},
	{"RFC 9111 §5.3", "a server with Expires and max-age that were set in two places",
		Example{Response: `HTTP/1.1 200 OK
Server: Apache
Content-Type: text/css
Last-Modified: Mon, 03 Aug 2026 10:00:00 GMT
Expires: Fri, 01 Oct 2027 12:00:00 GMT
Cache-Control: max-age=0, no-cache="Set-Cookie"
`}, "ask", "ask", "cache-control-fields-all cache-expires-contradicts"},
	{"RFC 9111 §5.2", "two layers that both send Cache-Control",
		Example{Response: `HTTP/1.1 200 OK
Content-Type: text/css
ETag: "5f27e0a0-1a2b"
Cache-Control: public
Cache-Control: max-age=300
Cache-Control: private, max-age=600
`}, "300", "no", "cache-control-contradicts-itself cache-public-and-private"},
	{"RFC 9213 §2.2", "a site that tells its network of caches more than browsers",
		overHTTPS(`HTTP/2 200
content-type: text/html; charset=utf-8
cache-control: public, max-age=0, must-revalidate
cdn-cache-control: max-age=3600, stale-while-revalidate=60
etag: "8f2e1c"
`), "ask", "3600+60", ""},
	{"RFC 9111 §3", "a page that is not there, with a time for everyone",
		Example{Response: `HTTP/1.1 404 Not Found
Content-Type: text/html; charset=utf-8
Cache-Control: public, max-age=60
`}, "60", "60", ""},
	{"RFC 9111 §3", "a site under maintenance",
		Example{Response: `HTTP/1.1 503 Service Unavailable
Content-Type: text/html; charset=utf-8
Retry-After: 300
`}, "no", "no", ""},
	{"RFC 9111 §4.2", "an outage that is kept for a day",
		Example{Response: `HTTP/1.1 502 Bad Gateway
Content-Type: text/html; charset=utf-8
Cache-Control: public, max-age=86400
`}, "86400", "86400", "error-cached-long"},
	{"RFC 9110 §15.4.9", "a permanent redirect with a time",
		Example{Response: `HTTP/1.1 308 Permanent Redirect
Location: https://www.example.com/
Cache-Control: max-age=3600
`}, "3600", "3600", ""},
	{"RFC 9111 §4.1", "a page that depends on the browser",
		Example{Response: `HTTP/1.1 200 OK
Content-Type: text/html; charset=utf-8
Cache-Control: public, max-age=600
Vary: User-Agent, Accept-Encoding
ETag: "8f2e1c"
`}, "600", "600", "vary-user-agent"},
	{"RFC 9111 §7.3", "a page for all with a cookie for one",
		overHTTPS(`HTTP/1.1 200 OK
Content-Type: text/html; charset=utf-8
Cache-Control: max-age=600
Set-Cookie: visitor=42; Path=/; Secure; HttpOnly; SameSite=Lax
ETag: "8f2e1c"
`), "600", "600", ""},
	{"RFC 9111 §4.2.3", "a cache that keeps longer than it tells browsers",
		Example{Response: `HTTP/1.1 200 OK
Date: Thu, 01 Oct 2026 11:00:00 GMT
Content-Type: text/html; charset=utf-8
Cache-Control: max-age=300, s-maxage=86400
ETag: "8f2e1c"
Age: 3600
Via: 1.1 varnish (Varnish/7.5)
X-Varnish: 32770 3
`}, "ask", "82800!", "age-over-lifetime"},
	{"RFC 9211 §2", "a chain of caches that say what they did",
		Example{Response: `HTTP/1.1 200 OK
Date: Thu, 01 Oct 2026 11:59:00 GMT
Content-Type: text/css; charset=utf-8
Cache-Control: max-age=300
Age: 60
Cache-Status: Origin; hit; ttl=290, "CDN of Example"; fwd=uri-miss; stored; ttl=240
`}, "240", "240", ""},
	{"RFC 9111 §5.2.2.4", "a log-in page that may be kept but not used unasked",
		overHTTPS(`HTTP/1.1 200 OK
Content-Type: text/html; charset=utf-8
Cache-Control: no-cache, private
Last-Modified: Thu, 01 Oct 2026 10:00:00 GMT
`), "ask", "no", ""},
}

// overHTTPS is the example of an answer to GET https://example.com/.
func overHTTPS(response string) Example {
	return Example{Request: "GET https://example.com/ HTTP/1.1\n", Response: response}
}
