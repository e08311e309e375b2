package check

import "testing"

// cleanAnswers are answers as well-kept servers give them. Nothing in them is
// worse than worth knowing.
var cleanAnswers = []struct {
	name string
	Example
}{
	{"a page with a strict policy", Example{
		Request: "GET https://www.example.com/\nAccept: text/html\nSec-Fetch-Site: none\nSec-Fetch-Mode: navigate\nSec-Fetch-User: ?1\nSec-Fetch-Dest: document",
		Response: "HTTP/2 200\nContent-Type: text/html; charset=utf-8\nCache-Control: no-store\nVary: Accept-Encoding\n" +
			"Strict-Transport-Security: max-age=63072000; includeSubDomains; preload\nX-Content-Type-Options: nosniff\nX-Frame-Options: DENY\n" +
			"Referrer-Policy: strict-origin-when-cross-origin\n" +
			"Content-Security-Policy: default-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; img-src 'self' data: https://*.img.example; " +
			"script-src 'nonce-3q2+7wAAAAD/EjRWeJCrzQ==' 'strict-dynamic' 'unsafe-inline' https:; style-src 'self' 'unsafe-inline'; connect-src 'self' wss://live.example.com; " +
			"upgrade-insecure-requests; report-uri /csp; report-to csp\n" +
			"Reporting-Endpoints: csp=\"https://reports.example.com/csp\", default=\"/reports\"\n" +
			"Permissions-Policy: camera=(), geolocation=(self \"https://maps.example\"), fullscreen=*\nCross-Origin-Opener-Policy: same-origin\n" +
			"Cross-Origin-Embedder-Policy: require-corp; report-to=\"default\"\nCross-Origin-Resource-Policy: same-origin\nOrigin-Agent-Cluster: ?1\n" +
			"Set-Cookie: __Host-session=8f3a9c; Path=/; Secure; HttpOnly; SameSite=Lax\n\n",
	}},
	{"the page of a forge", Example{
		Request: "GET https://forge.example/\nAccept-Encoding: gzip",
		Response: "HTTP/2 200\nServer: forge.example\nDate: Thu, 01 Oct 2026 12:00:00 GMT\nContent-Type: text/html; charset=utf-8\n" +
			"Vary: X-PJAX, X-PJAX-Container, Turbo-Visit, Turbo-Frame, Accept-Language, Accept-Encoding, Accept, X-Requested-With\n" +
			"Content-Language: en-US\nETag: W/\"2f1ce4f0ba0e\"\nCache-Control: max-age=0, private, must-revalidate\n" +
			"Strict-Transport-Security: max-age=31536000; includeSubdomains; preload\nX-Frame-Options: deny\nX-Content-Type-Options: nosniff\nX-XSS-Protection: 0\n" +
			"Referrer-Policy: origin-when-cross-origin, strict-origin-when-cross-origin\n" +
			"Content-Security-Policy: default-src 'none'; base-uri 'self'; child-src forge.example/assets-cdn/worker/; connect-src 'self' uploads.forge.example *.actions.example wss://alive.forge.example; " +
			"font-src assets.forge.example; form-action 'self' forge.example; frame-ancestors 'none'; frame-src view.forge.example; img-src 'self' data: blob: assets.forge.example *.usercontent.example; " +
			"manifest-src 'self'; media-src forge.example assets.forge.example; script-src assets.forge.example; style-src 'unsafe-inline' assets.forge.example; upgrade-insecure-requests; worker-src forge.example/assets-cdn/worker/\n" +
			"Set-Cookie: _fg_sess=abc%2Fdef--x; path=/; HttpOnly; secure; SameSite=Lax\nSet-Cookie: _octo=GH1.1.1; expires=Fri, 01 Oct 2027 12:00:00 GMT; domain=.forge.example; path=/; secure; SameSite=Lax\n" +
			"Set-Cookie: logged_in=no; expires=Fri, 01 Oct 2027 12:00:00 GMT; domain=.forge.example; path=/; HttpOnly; secure; SameSite=Lax\n" +
			"Accept-Ranges: bytes\nX-Request-Id: 8f3a:1\n\n",
	}},
	{"a page behind a large network", Example{
		Request: "GET https://shop.example/\nAccept-Encoding: gzip, br",
		Response: "HTTP/2 200\nDate: Thu, 01 Oct 2026 12:00:00 GMT\nContent-Type: text/html; charset=UTF-8\nServer: cloudflare\nCF-RAY: 8c9f0-VIE\nCF-Cache-Status: DYNAMIC\n" +
			"Cache-Control: private, no-cache\nVary: Accept-Encoding\nX-Content-Type-Options: nosniff\nStrict-Transport-Security: max-age=15552000; includeSubDomains\n" +
			"Report-To: {\"endpoints\":[{\"url\":\"https:\\/\\/a.nel.example\\/report\\/v4?s=abc%2B\"}],\"group\":\"cf-nel\",\"max_age\":604800}\n" +
			"NEL: {\"success_fraction\":0,\"report_to\":\"cf-nel\",\"max_age\":604800}\nAlt-Svc: h3=\":443\"; ma=86400\n" +
			"Server-Timing: cfL4;desc=\"?proto=TCP&rtt=8231&min_rtt=8105&sent=5&recv=7\"\n" +
			"Set-Cookie: __cf_bm=x.y-1790856000-1.0.1.1-z; path=/; expires=Thu, 01-Oct-26 12:30:00 GMT; domain=.shop.example; HttpOnly; Secure; SameSite=None\n\n",
	}},
	{"the page of a search engine", Example{
		Request: "GET https://www.search.example/",
		Response: "HTTP/2 200\nDate: Thu, 01 Oct 2026 12:00:00 GMT\nExpires: -1\nCache-Control: private, max-age=0\nContent-Type: text/html; charset=UTF-8\n" +
			"Content-Security-Policy-Report-Only: object-src 'none';base-uri 'self';script-src 'nonce-3q2_7wAAAAD_EjRWeJCrzQ' 'strict-dynamic' 'report-sample' 'unsafe-eval' 'unsafe-inline' https: http:;report-uri https://csp.search.example/csp/gws/other-hp\n" +
			"Cross-Origin-Opener-Policy: same-origin-allow-popups; report-to=\"gws\"\nReport-To: {\"group\":\"gws\",\"max_age\":2592000,\"endpoints\":[{\"url\":\"https://csp.search.example/csp/report-to/gws/other\"}]}\n" +
			"Accept-CH: Sec-CH-Prefers-Color-Scheme, Sec-CH-UA-Form-Factors, Sec-CH-UA-Platform, Sec-CH-UA-Platform-Version, Sec-CH-UA-Full-Version-List, Sec-CH-UA-Arch, Sec-CH-UA-Model, Sec-CH-UA-Bitness, Sec-CH-UA-WoW64\n" +
			"Permissions-Policy: unload=()\nServer: gws\nX-XSS-Protection: 0\nX-Frame-Options: SAMEORIGIN\n" +
			"Set-Cookie: AEC=AVYB7c; expires=Tue, 30-Mar-2027 12:00:00 GMT; path=/; domain=.search.example; Secure; HttpOnly; SameSite=lax\n" +
			"Set-Cookie: NID=517=abc-def_gh; expires=Fri, 02-Apr-2027 12:00:00 GMT; path=/; domain=.search.example; HttpOnly\nAlt-Svc: h3=\":443\"; ma=2592000,h3-29=\":443\"; ma=2592000\n\n",
	}},
	{"an encyclopaedia", Example{
		Request: "GET https://en.wiki.example/wiki/HTTP\nCookie: GeoIP=AT",
		Response: "HTTP/2 200\nContent-Type: text/html; charset=UTF-8\nContent-Language: en\nLast-Modified: Thu, 01 Oct 2026 10:00:00 GMT\n" +
			"Vary: Accept-Encoding,Cookie\nCache-Control: private, s-maxage=0, max-age=0, must-revalidate, no-transform\nX-Content-Type-Options: nosniff\n" +
			"Strict-Transport-Security: max-age=106384710; includeSubDomains; preload\nReport-To: { \"group\": \"wm_nel\", \"max_age\": 604800, \"endpoints\": [{ \"url\": \"https://intake.wiki.example/v1/events?stream=w3c.reportingapi.network_error\" }] }\n" +
			"NEL: { \"report_to\": \"wm_nel\", \"max_age\": 604800, \"failure_fraction\": 0.05, \"success_fraction\": 0.0}\n" +
			"Server-Timing: cache;desc=\"hit-front\", host;desc=\"cp3074\"\nAccept-CH: Sec-CH-UA-Arch\n\n",
	}},
	{"an answer that everybody may read", Example{
		Request:  "GET https://api.example.com/v1/rates\nOrigin: https://app.example\nSec-Fetch-Mode: cors\nSec-Fetch-Site: cross-site\nSec-Fetch-Dest: empty",
		Response: "HTTP/1.1 200 OK\nContent-Type: application/json\nCache-Control: public, max-age=300\nETag: \"r1\"\nAccess-Control-Allow-Origin: *\nAccess-Control-Expose-Headers: ETag, X-RateLimit-Remaining\nTiming-Allow-Origin: *\nCross-Origin-Resource-Policy: cross-origin\nX-Content-Type-Options: nosniff\nX-RateLimit-Limit: 60\nX-RateLimit-Remaining: 59\nX-RateLimit-Reset: 1790859600\n\n",
	}},
	{"an answer for one origin, with credentials", Example{
		Request:  "GET https://api.example.com/v1/me\nOrigin: https://app.example.com\nCookie: s=1",
		Response: "HTTP/1.1 200 OK\nContent-Type: application/json\nCache-Control: private, no-store\nAccess-Control-Allow-Origin: https://app.example.com\nAccess-Control-Allow-Credentials: true\nVary: Origin\n\n",
	}},
	{"a preflight", Example{
		Request:  "OPTIONS https://api.example.com/v1/me\nOrigin: https://app.example.com\nAccess-Control-Request-Method: PATCH\nAccess-Control-Request-Headers: authorization,content-type",
		Response: "HTTP/1.1 204 No Content\nAccess-Control-Allow-Origin: https://app.example.com\nAccess-Control-Allow-Methods: GET, HEAD, PUT, PATCH, POST, DELETE\nAccess-Control-Allow-Headers: Authorization, Content-Type\nAccess-Control-Allow-Credentials: true\nAccess-Control-Max-Age: 7200\nVary: Origin, Access-Control-Request-Headers\nAllow: GET, HEAD, PUT, PATCH, POST, DELETE, OPTIONS\n\n",
	}},
	{"a preflight of a public interface", Example{
		Request:  "OPTIONS https://api.example.com/v1/rates\nOrigin: https://app.example\nAccess-Control-Request-Method: GET\nAccess-Control-Request-Headers: x-own",
		Response: "HTTP/1.1 200 OK\nAccess-Control-Allow-Origin: *\nAccess-Control-Allow-Methods: *\nAccess-Control-Allow-Headers: *\nAccess-Control-Max-Age: 86400\nContent-Length: 0\n\n",
	}},
	{"a login", Example{
		Request: "POST https://www.example.com/login",
		Response: "HTTP/1.1 303 See Other\nLocation: /home\nCache-Control: no-store\nSet-Cookie: __Host-id=a3fWa; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=2592000\n" +
			"Set-Cookie: csrftoken=\"x1Yz\"; Expires=Thu, 30 Sep 2027 12:00:00 GMT; Max-Age=31449600; Path=/; SameSite=Lax; Secure\nSet-Cookie: flash=; Max-Age=0; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT\n\n",
	}},
	{"a logout", Example{
		Request: "POST https://www.example.com/logout\nCookie: __Host-id=a3fWa",
		Response: "HTTP/1.1 303 See Other\nLocation: /\nCache-Control: no-store\nClear-Site-Data: \"cache\", \"cookies\", \"storage\"\n" +
			"Set-Cookie: __Host-id=; Path=/; Secure; HttpOnly; Max-Age=0\n\n",
	}},
	{"an embedded widget", Example{
		Request: "GET https://widget.example/frame\nSec-Fetch-Site: cross-site\nSec-Fetch-Mode: navigate\nSec-Fetch-Dest: iframe",
		Response: "HTTP/1.1 200 OK\nContent-Type: text/html\nCache-Control: private, max-age=0\nContent-Security-Policy: frame-ancestors https://*.example https://partner.example:8443\n" +
			"Cross-Origin-Resource-Policy: cross-origin\nCross-Origin-Embedder-Policy: credentialless\nSet-Cookie: w=1; Secure; Path=/; SameSite=None; Partitioned; HttpOnly\nP3P: CP=\"n\"\n\n",
	}},
	{"a script with its dictionary", Example{
		Request: "GET https://www.example.com/app.9f86d081.js\nAccept-Encoding: gzip, br, zstd, dcb, dcz\nAvailable-Dictionary: :47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:\nSec-Fetch-Dest: script",
		Response: "HTTP/2 200\nContent-Type: text/javascript\nContent-Encoding: dcz\nVary: Accept-Encoding, Available-Dictionary\nCache-Control: public, max-age=31536000, immutable\nETag: \"9f86-dcz\"\n" +
			"Use-As-Dictionary: match=\"/app.*.js\", match-dest=(\"script\")\nX-Content-Type-Options: nosniff\nCross-Origin-Resource-Policy: same-site\n\n",
	}},
	{"early hints", Example{
		Request:  "GET https://www.example.com/",
		Response: "HTTP/2 103\n-Date\nLink: </style.css>; rel=preload; as=style, </font.woff2>; rel=preload; as=font; crossorigin, <https://cdn.example>; rel=preconnect\n\n",
	}},
	{"a page with links", Example{
		Request: "GET https://blog.example/2026/post",
		Response: "HTTP/1.1 200 OK\nContent-Type: text/html; charset=UTF-8\nCache-Control: max-age=600\nVary: Accept-Encoding\n" +
			"Link: <https://blog.example/wp-json/>; rel=\"https://api.w.org/\", <https://blog.example/?p=1>; rel=shortlink\n" +
			"Link: </a.css>;rel=preload;as=style;nopush, </b.js>; rel=modulepreload; as=script; fetchpriority=high; crossorigin=\"anonymous\"\n" +
			"Link: <https://blog.example/2026/post>; rel=\"canonical\", </rules>; rel=\"license\"; title*=UTF-8''R%C3%A8gles\n" +
			"X-Frame-Options: SAMEORIGIN\nX-Content-Type-Options: nosniff\nReferrer-Policy: no-referrer-when-downgrade\nSpeculation-Rules: \"/rules.json\"\nNo-Vary-Search: params=(\"utm_source\" \"utm_medium\"), key-order\n\n",
	}},
	{"an interface that is about to end", Example{
		Request: "GET https://api.example.com/v1/users",
		Response: "HTTP/1.1 200 OK\nContent-Type: application/json\nCache-Control: no-store\nDeprecation: @1688169599\nSunset: Thu, 31 Dec 2026 23:59:59 GMT\n" +
			"Link: <https://api.example.com/docs/v1-end>; rel=\"deprecation sunset\"; type=\"text/html\"\nRateLimit-Policy: \"burst\";q=100;w=60, \"daily\";q=1000;w=86400\nRateLimit: \"burst\";r=42;t=18\n\n",
	}},
	{"a signed answer with its digest", Example{
		Request: "GET https://api.example.com/hello\nWant-Repr-Digest: sha-256=10, sha-512=3",
		Response: "HTTP/1.1 200 OK\nContent-Type: text/plain\nCache-Control: no-store\nContent-Digest: " + helloDigest + "\nRepr-Digest: " + helloDigest + "\n" +
			"Signature-Input: sig1=(\"@status\" \"content-digest\" \"@method\";req \"@authority\";req);created=1790855990;expires=1790856300;keyid=\"k1\";alg=\"ed25519\"\nSignature: sig1=:aGVsbG8gd29ybGQ=:\n\nhello",
	}},
	{"an answer through proxies", Example{
		Request:  "GET https://www.example.com/a.png\nSec-Fetch-Dest: image\nSec-Fetch-Mode: no-cors\nSec-Fetch-Site: same-origin",
		Response: "HTTP/1.1 200 OK\nContent-Type: image/png\nCache-Control: public, max-age=86400\nAge: 60\nCache-Status: freshet; hit; ttl=86340\nProxy-Status: edge; next-hop=\"10.0.0.1\"; next-protocol=h2; received-status=200\nPriority: u=5, i\nCache-Groups: \"images\"\nCross-Origin-Resource-Policy: same-origin\nX-Content-Type-Options: nosniff\n\n",
	}},
	{"a page in development", Example{
		Request: "GET http://localhost:3000/",
		Response: "HTTP/1.1 200 OK\nContent-Type: text/html\nCache-Control: no-cache\nETag: \"a\"\nContent-Security-Policy: default-src 'self' 'unsafe-eval' ws://localhost:3000\nCross-Origin-Opener-Policy: same-origin\nOrigin-Agent-Cluster: ?1\n" +
			"Strict-Transport-Security: max-age=15552000; includeSubDomains\nX-DNS-Prefetch-Control: off\nX-Download-Options: noopen\nX-Permitted-Cross-Domain-Policies: none\nSet-Cookie: sid=s%3Aabc.def; Path=/; HttpOnly; Secure; SameSite=Strict\n\n",
	}},
	{"the defaults of a framework in Ruby", Example{
		Request: "GET https://rails.example/",
		Response: "HTTP/1.1 200 OK\nX-Frame-Options: SAMEORIGIN\nX-XSS-Protection: 0\nX-Content-Type-Options: nosniff\nX-Permitted-Cross-Domain-Policies: none\n" +
			"Referrer-Policy: strict-origin-when-cross-origin\nLink: </assets/application-abc.css>; rel=preload; as=style; nopush,</assets/x.js>; rel=modulepreload; as=script; crossorigin=anonymous\n" +
			"Content-Type: text/html; charset=utf-8\nVary: Accept\nETag: W/\"abc\"\nCache-Control: max-age=0, private, must-revalidate\n" +
			"Set-Cookie: _app_session=abc%3D--def; path=/; HttpOnly; SameSite=Lax\nServer-Timing: start_processing.action_controller;dur=0.01, sql.active_record;dur=1.2\n\n",
	}},
	{"the defaults of a framework in Python", Example{
		Request: "GET https://django.example/",
		Response: "HTTP/1.1 200 OK\nContent-Type: text/html; charset=utf-8\nX-Frame-Options: DENY\nVary: Cookie\nX-Content-Type-Options: nosniff\nReferrer-Policy: same-origin\nCross-Origin-Opener-Policy: same-origin\n" +
			"Set-Cookie: csrftoken=abc; expires=Thu, 30 Sep 2027 12:00:00 GMT; Max-Age=31449600; Path=/; SameSite=Lax\n" +
			"Set-Cookie: sessionid=xyz; expires=Thu, 15 Oct 2026 12:00:00 GMT; HttpOnly; Max-Age=1209600; Path=/; SameSite=Lax\n\n",
	}},
	{"the defaults of a helper for Node", Example{
		Request: "GET https://shop.example/api/products\nOrigin: https://app.example",
		Response: "HTTP/2 200\nAccess-Control-Allow-Credentials: true\nAccess-Control-Allow-Origin: https://app.example\nVary: Origin, Accept-Encoding\nCache-Control: no-store\n" +
			"Content-Security-Policy: default-src 'self';base-uri 'self';font-src 'self' https: data:;form-action 'self';frame-ancestors 'self';img-src 'self' data:;object-src 'none';script-src 'self';script-src-attr 'none';style-src 'self' https: 'unsafe-inline';upgrade-insecure-requests\n" +
			"Content-Type: application/json\nCross-Origin-Opener-Policy: same-origin\nCross-Origin-Resource-Policy: same-origin\nOrigin-Agent-Cluster: ?1\nReferrer-Policy: no-referrer\n" +
			"Strict-Transport-Security: max-age=31536000; includeSubDomains\nX-Content-Type-Options: nosniff\nX-DNS-Prefetch-Control: off\nX-Download-Options: noopen\nX-Frame-Options: SAMEORIGIN\nX-Permitted-Cross-Domain-Policies: none\n" +
			"RateLimit-Policy: \"100-in-15min\"; q=100; w=900; pk=:MTIzNDU2:\nRateLimit: \"100-in-15min\"; r=99; t=900\n\n",
	}},
	{"cookies of load balancers", Example{
		Request: "GET https://maps.example/",
		Response: "HTTP/1.1 200 OK\nContent-Type: text/html\nCache-Control: private\nSet-Cookie: TS01abc=0123456789abcdef; Path=/; Domain=.maps.example; Secure; HTTPOnly\n" +
			"Set-Cookie: ASP.NET_SessionId=abc; path=/; HttpOnly; SameSite=Lax\nSet-Cookie: ARRAffinity=abc;Path=/;HttpOnly;Secure;Domain=maps.example\n" +
			"Set-Cookie: ARRAffinitySameSite=abc;Path=/;HttpOnly;SameSite=None;Secure;Domain=maps.example\nSet-Cookie: AWSALB=abc/+def; Expires=Thu, 08 Oct 2026 12:00:00 GMT; Path=/\n" +
			"Set-Cookie: AWSALBCORS=abc/+def; Expires=Thu, 08 Oct 2026 12:00:00 GMT; Path=/; SameSite=None; Secure\nAccess-Control-Expose-Headers: Request-Context\n\n",
	}},
	{"a file of a store of objects", Example{
		Request: "GET https://bucket.example/o",
		Response: "HTTP/1.1 200 OK\nLast-Modified: Tue, 01 Sep 2026 00:00:00 GMT\nETag: \"5d41402abc4b2a76b9719d911017c592\"\nAccept-Ranges: bytes\nContent-Type: binary/octet-stream\nServer: AmazonS3\nContent-Length: 5\n" +
			"Content-MD5: XUFAKrxLKna5cZ2REBfFkg==\nCache-Control: max-age=60\nNEL: {\"report_to\":\"net\",\"max_age\":2592000,\"failure_fraction\":0.01,\"success_fraction\":0.0001}\n" +
			"Report-To: {\"group\":\"net\",\"max_age\":2592000,\"endpoints\":[{\"url\":\"https://nel.example/report\"}]}\n\nhello",
	}},
	{"a folder served by nginx", Example{
		Request:  "GET http://files.example/a.txt",
		Response: "HTTP/1.1 200 OK\nServer: nginx\nContent-Type: text/plain\nContent-Length: 5\nLast-Modified: Tue, 01 Sep 2026 00:00:00 GMT\nETag: \"66d3b100-5\"\nCache-Control: max-age=3600\nAccept-Ranges: bytes\n\nhello",
	}},
}

func TestCleanSecurity(t *testing.T) {
	for _, c := range cleanAnswers {
		for _, f := range Passive(mustExchange(t, c.Example)) {
			if f.Note.Severity > Info {
				t.Errorf("%s: %s %s: %s (%s)", c.name, f.Note.Severity, f.Note.ID, f.Where, f.Detail)
			}
		}
	}
}
