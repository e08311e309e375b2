package check

import "testing"

// rfcExamples are values that the documents themselves give for fields, or that
// are of the forms which their grammar names. None may be refused.
var rfcExamples = []struct {
	name   string
	values []string
}{
	{"Accept", []string{"audio/*; q=0.2, audio/basic", "text/plain; q=0.5, text/html, text/x-dvi; q=0.8, text/x-c", "text/*;q=0.3, text/plain;q=0.7, text/plain;format=flowed, text/plain;format=fixed;q=0.4, */*;q=0.5", ""}},
	{"Accept-Encoding", []string{"compress, gzip", "", "*", "compress;q=0.5, gzip;q=1.0", "gzip;q=1.0, identity; q=0.5, *;q=0", "gzip, br, zstd, dcb, dcz"}},
	{"Accept-Language", []string{"da, en-gb;q=0.8, en;q=0.7", "zh-Hant-TW", "*", "de-CH-1996"}},
	{"Accept-Charset", []string{"iso-8859-5, unicode-1-1;q=0.8"}},
	{"Accept-Ranges", []string{"bytes", "none"}},
	{"Accept-Patch", []string{"application/example, text/example", "text/example;charset=utf-8"}},
	{"Accept-CH", []string{"Sec-CH-Example, Sec-CH-Example-2", "DPR, Viewport-Width"}},
	{"Age", []string{"0", "86400"}},
	{"Allow", []string{"GET, HEAD, PUT", ""}},
	{"ALPN", []string{"h2, http%2F1.1"}},
	{"Alt-Svc", []string{`h2="alt.example.com:8000", h2=":443"`, `h2=":443"; ma=3600`, `h2="new.example.org:80"`, "clear", `w%3Dx%3Ay#z=":443"`, `h3-25=":443"; ma=3600, h2=":443"; ma=3600; persist=1`}},
	{"Authorization", []string{"Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==", "Bearer mF_9.B5f-4.1JqM"}},
	{"Cache-Control", []string{"max-age=3600", `private, community="UCI"`, `no-cache="foo, bar"`, "max-age=604800, stale-if-error=1200", "public, max-age=31536000, immutable", "no-store, must-understand"}},
	{"Cache-Groups", []string{`"scripts"`, `"scripts", "styles"`}},
	{"Cache-Status", []string{"ExampleCache; hit", "ExampleCache; hit; ttl=376", "ExampleCache; fwd=uri-miss; collapsed", `OriginCache; hit; ttl=1100, "CDN Company Here"; hit; ttl=545`, "BrowserCache; fwd=bypass, ExampleCache; fwd=miss; stored; fwd-status=304"}},
	{"CDN-Cache-Control", []string{"max-age=600", "max-age=60, must-revalidate", "no-store"}},
	{"CDN-Loop", []string{`foo123.foocdn.example, barcdn.example; trace="abcdef"`, "AnotherCDN; abc=123; def=\"456\""}},
	{"Clear-Site-Data", []string{`"cache", "cookies", "storage", "executionContexts"`, `"*"`}},
	{"Connection", []string{"close", "keep-alive, Upgrade", "Upgrade, HTTP2-Settings"}},
	{"Content-Disposition", []string{"attachment; filename=example.html", `INLINE; FILENAME= "an example.html"`, "attachment; filename*= UTF-8''%e2%82%ac%20rates", `attachment; filename="EURO rates"; filename*=utf-8''%e2%82%ac%20rates`}},
	{"Content-Digest", []string{"sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:", "sha-512=:YMAam51Jz/jOATT6/zvHrLVgOYTGFy1d6GJiOHTohq4yP+pgk4vf2aCsyRZOtw8MjkM7iw7yZ/WkppmM44T3qg==:"}},
	{"Content-Encoding", []string{"gzip", "deflate, gzip", "aes128gcm"}},
	{"Content-Language", []string{"da", "mi, en", "x-klingon", "es-419", "sl-IT-nedis"}},
	{"Content-Length", []string{"0", "3495"}},
	{"Content-Location", []string{"/foo.html", "http://www.example.com/a?b=c#d", "../a"}},
	{"Content-Range", []string{"bytes 42-1233/1234", "bytes 42-1233/*", "bytes */1234", "exampleunit 1.2-4.3/25"}},
	{"Content-Type", []string{"text/html; charset=utf-8", `Text/HTML;Charset="utf-8"`, "multipart/byteranges; boundary=THIS_STRING_SEPARATES", "application/vnd.api+json"}},
	{"Cookie", []string{"SID=31d4d96e407aad42; lang=en-US"}},
	{"Date", []string{"Tue, 15 Nov 1994 08:12:31 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"}},
	{"Deprecation", []string{"@1688169599"}},
	{"ETag", []string{`"xyzzy"`, `W/"xyzzy"`, `""`}},
	{"Expect", []string{"100-continue"}},
	{"Expires", []string{"Thu, 01 Dec 1994 16:00:00 GMT"}},
	{"Forwarded", []string{`for="_gazonk"`, `For="[2001:db8:cafe::17]:4711"`, "for=192.0.2.60;proto=http;by=203.0.113.43", "for=192.0.2.43, for=198.51.100.17"}},
	{"From", []string{"spider-admin@example.org"}},
	{"Host", []string{"www.example.org", "www.example.org:8001", "[2001:db8::1]:80", ""}},
	{"If-Match", []string{`"xyzzy"`, `"xyzzy", "r2d2xxxx", "c3piozzzz"`, "*"}},
	{"If-None-Match", []string{`"xyzzy"`, `W/"xyzzy"`, `W/"xyzzy", W/"r2d2xxxx", W/"c3piozzzz"`, "*"}},
	{"If-Range", []string{`"xyzzy"`, "Sat, 29 Oct 1994 19:43:31 GMT"}},
	{"If-Modified-Since", []string{"Sat, 29 Oct 1994 19:43:31 GMT"}},
	{"Keep-Alive", []string{"timeout=5, max=1000"}},
	{"Last-Modified", []string{"Tue, 15 Nov 1994 12:45:26 GMT"}},
	{"Link", []string{`<http://example.com/TheBook/chapter2>; rel="previous"; title="previous chapter"`, `</>; rel="http://example.net/foo"`, `</terms>; rel="copyright"; anchor="#foo"`, `</TheBook/chapter2>; rel="previous"; title*=UTF-8'de'letztes%20Kapitel, </TheBook/chapter4>; rel="next"; title*=UTF-8'de'n%c3%a4chstes%20Kapitel`, `<http://example.org/>; rel="start http://example.net/relation/other"`, `<https://example.org/>; rel="start", <https://example.org/index>; rel="index"`}},
	{"Location", []string{"/People.html#tim", "http://www.example.net/index.html"}},
	{"Max-Forwards", []string{"10"}},
	{"Memento-Datetime", []string{"Tue, 11 Sep 2001 20:36:10 GMT"}},
	{"No-Vary-Search", []string{`params=("utm_source" "utm_medium"), key-order`, "params", `params, except=("id")`}},
	{"Prefer", []string{"respond-async, wait=100", "return=representation", `foo; some-parameter="x"`, `handling=lenient, foo=""`}},
	{"Preference-Applied", []string{"return=representation"}},
	{"Priority", []string{"u=5, i", "u=0", "i=?0"}},
	{"Proxy-Authenticate", []string{`Basic realm="simple"`}},
	{"Proxy-Status", []string{"r34.example.net; error=http_request_error, ExampleCDN", "proxy.example.org; error=connection_timeout; details=\"no answer\""}},
	{"Range", []string{"bytes=0-499", "bytes=-500", "bytes=9500-", "bytes=0-0,-1", "bytes=500-600,601-999"}},
	{"Referer", []string{"http://www.example.org/hypertext/Overview.html", "about:blank"}},
	{"Repr-Digest", []string{"sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:"}},
	{"Retry-After", []string{"Fri, 31 Dec 1999 23:59:59 GMT", "120"}},
	{"Server", []string{"CERN/3.0 libwww/2.17", "Apache/2.4.1 (Unix) mod_ssl/2.4"}},
	{"Server-Timing", []string{`miss, db;dur=53, app;dur=47.2`, `customView, dc;desc=atl`, `cache;desc="Cache Read";dur=23.2`}},
	{"Set-Cookie", []string{"SID=31d4d96e407aad42; Path=/; Secure; HttpOnly", "lang=; Expires=Sun, 06 Nov 1994 08:49:37 GMT"}},
	{"Signature-Input", []string{`sig1=("@method" "@authority" "@path" "content-digest" "content-length" "content-type");created=1618884473;keyid="test-key-rsa-pss"`}},
	{"Strict-Transport-Security", []string{"max-age=31536000", "max-age=15768000 ; includeSubDomains", `max-age="31536000"`}},
	{"Sunset", []string{"Sat, 31 Dec 2018 23:59:59 GMT"}},
	{"TE", []string{"deflate", "", "trailers, deflate;q=0.5"}},
	{"Trailer", []string{"Expires", "X-Checksum, Server-Timing"}},
	{"Transfer-Encoding", []string{"chunked", "gzip, chunked"}},
	{"Upgrade", []string{"websocket", "HTTP/2.0, SHTTP/1.3, IRC/6.9, RTA/x11"}},
	{"Use-As-Dictionary", []string{`match="/product/*", match-dest=("document")`, `match="/app/*/main.js"`, `match="/", id="dictionary-12345"`}},
	{"User-Agent", []string{"CERN-LineMode/2.15 libwww/2.17b3", "Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0", "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/129.0.0.0 Safari/537.36"}},
	{"Vary", []string{"accept-encoding, accept-language", "*"}},
	{"Via", []string{"1.0 fred, 1.1 p.example.net", "1.0 ricky, 1.1 ethel, 1.1 fred, 1.0 lucy", "1.1 varnish (Varnish/7.5)", "HTTP/1.1 GWA"}},
	{"Want-Repr-Digest", []string{"sha-256=1", "sha-512=3, sha-256=10, unixsum=0"}},
	{"WWW-Authenticate", []string{`Basic realm="WallyWorld"`, `Basic realm="simple", Newauth realm="apps", type=1, title="Login to \"apps\""`, "Negotiate", `Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm=SHA-256, nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v"`}},
	{"X-Content-Type-Options", []string{"nosniff"}},
}

func TestRFCExamplesAreRead(t *testing.T) {
	for _, row := range rfcExamples {
		known := knownField(row.name)
		if known == nil {
			t.Errorf("%s is not known", row.name)
			continue
		}
		for _, value := range row.values {
			if known.grammar.structured {
				if fault := parseSF(known.grammar.sf, []string{value}).Fault; fault != nil {
					t.Errorf("%s: %q: %v", row.name, value, fault)
				}
			} else if wrong := known.grammar.faults([]string{value}); wrong != nil {
				t.Errorf("%s: %q is refused for %q", row.name, value, wrong)
			}
			if value == "" && !known.is(mayEmpty) {
				t.Errorf("%s may be empty", row.name)
			}
		}
	}
}

// Other spellings of the same are read, and what is cut anywhere is read or
// refused, but does not upset anyone.
func TestExamplesCut(t *testing.T) {
	for _, row := range rfcExamples {
		for _, value := range row.values {
			for i := 0; i < len(value); i += 3 {
				x := mustExchange(t, ok200(row.name+": "+value[:i]))
				Passive(x)
				x.RequestHeader.Set(row.name, value[i:])
				Passive(x)
			}
		}
	}
}

// A broken value is noticed, whatever field with a grammar it is in.
func TestEveryGrammarIsJudged(t *testing.T) {
	for _, table := range fieldTables {
		for i := range table {
			row := &table[i]
			value := "\"\x7f x="
			switch g := row.grammar; {
			case row.in&inAnswer == 0, g == gFreeText, g == gFreeLines, g == gFreeList, g == gCookieLine:
				continue
			case g.structured:
				value = "\"x"
			}
			judged := false
			for _, f := range Passive(mustExchange(t, ok200(row.name+": "+value))) {
				judged = judged || f.Where == of(row.name) && f.Note.Severity > Info && f.Note.ID != "field-control-character"
			}
			if !judged {
				t.Errorf("%s: nobody minds %q", row.name, value)
			}
		}
	}
}
