package check

import (
	"strings"
	"testing"
)

// Where the line is between what a note is about and what only looks like it.
var borderline = []struct {
	note    string
	example Example
	fires   bool
}{
	// Redirects.
	{"redirect-to-itself", answered("302 Found", "Location: /a#top").asked("GET /a HTTP/1.1"), true},
	{"redirect-to-itself", answered("302 Found", "Location: http://EXAMPLE.com:80/a").asked("GET /a HTTP/1.1"), true},
	{"redirect-to-itself", answered("302 Found", "Location: http://example.com").asked("GET / HTTP/1.1"), true},
	{"redirect-to-itself", answered("302 Found", "Location: ?").asked("GET /a HTTP/1.1"), true},
	{"redirect-to-itself", answered("302 Found", "Location: /a?b").asked("GET /a HTTP/1.1"), false},
	{"redirect-to-itself", answered("302 Found", "Location: /a/").asked("GET /a HTTP/1.1"), false},
	{"redirect-to-itself", answered("302 Found", "Location: /A").asked("GET /a HTTP/1.1"), false},
	{"redirect-to-itself", answered("302 Found", "Location: //www.example.com/a").asked("GET /a HTTP/1.1"), false},
	{"redirect-to-itself", answered("302 Found", "Location: /a", "Set-Cookie: a=b").asked("GET /a HTTP/1.1"), false},
	{"redirect-to-itself", answered("303 See Other", "Location: /a").asked("POST /a HTTP/1.1"), false},
	{"redirect-to-inside", answered("302 Found", "Location: http://192.168.1.1/"), true},
	{"redirect-to-inside", answered("302 Found", "Location: http://[::1]:8080/"), true},
	{"redirect-to-inside", answered("302 Found", "Location: http://web.default.svc.cluster.local/"), true},
	{"redirect-to-inside", answered("302 Found", "Location: http://local/"), false},
	{"redirect-to-inside", answered("302 Found", "Location: https://www.local.example/"), false},
	{"redirect-to-inside", answered("302 Found", "Location: http://192.168.1.1/").asked("GET http://10.0.0.1/ HTTP/1.1"), false},
	{"redirect-to-port", answered("301 Moved Permanently", "Location: https://example.com:443/"), false},
	{"redirect-to-port", answered("301 Moved Permanently", "Location: https://other.example:8443/"), false},
	{"redirect-to-nowhere", answered("304 Not Modified").asked("If-None-Match: \"a\""), false},
	{"redirect-to-nowhere", answered("300 Multiple Choices"), false},
	{"redirect-to-nowhere", answered("308 Permanent Redirect", "Location:"), true},
	{"location-malformed", answered("302 Found", "Location: /a?b=[c]"), false},
	{"location-malformed", answered("302 Found", "Location: /gr\u00fc\u00dfe"), true},

	// Challenges are lists in a list.
	{"basic-without-realm", answered("401 Unauthorized", `WWW-Authenticate: Newauth realm="apps", type=1, title="Login to \"apps\", now", Basic realm="simple"`), false},
	{"basic-without-realm", answered("401 Unauthorized", `WWW-Authenticate: Basic, Newauth realm="apps"`), true},
	{"basic-without-realm", answered("401 Unauthorized", `WWW-Authenticate: Negotiate`, `WWW-Authenticate: BASIC realm = "x"`), false},
	{"digest-without-nonce", answered("401 Unauthorized", `WWW-Authenticate: Digest realm="x", qop="auth, auth-int", nonce="a"`), false},
	{"challenge-scheme-unknown", answered("401 Unauthorized", `WWW-Authenticate: basic realm="x", bearer`), false},
	{"basic-over-http", answered("401 Unauthorized", `WWW-Authenticate: Basic realm="x"`).asked("GET http://localhost:8080/ HTTP/1.1"), false},

	// Cache-Control.
	{"cache-no-store-contradicted", ok200("Cache-Control: no-store, max-age=0, s-maxage=0"), false},
	{"cache-no-store-contradicted", ok200("Cache-Control: no-store, public"), true},
	{"cache-no-store-contradicted", ok200("Cache-Control: no-store, stale-if-error=0"), false},
	{"cache-control-misspelled", ok200("Cache-Control: nocache"), true},
	{"cache-control-misspelled", ok200("Cache-Control: maxage=60"), true},
	{"cache-control-misspelled", ok200("Cache-Control: must-revalidated, max-age=60"), true},
	{"cache-control-misspelled", ok200("Cache-Control: no-transform, max-age=60"), false},
	{"cache-control-misspelled", ok200("Cache-Control: only-if-cached"), false},
	{"cache-control-misspelled", ok200("Cache-Control: proxy"), false},
	{"cache-control-unknown", ok200("Cache-Control: max-age=60, min-fresh=5"), false},
	{"cache-control-space", ok200("Cache-Control: no-cache no-store"), true},
	{"cache-control-space", ok200("Cache-Control: private=\"a, b\",\tmax-age=60"), false},
	{"cache-control-syntax", ok200("Cache-Control: max-age=60, ,"), false},
	{"cache-control-syntax", ok200("Cache-Control: max-age=60, =5"), true},
	{"cache-control-contradicts-itself", ok200("Cache-Control: no-cache, no-cache=\"set-cookie\", max-age=0"), false},
	{"cache-control-argument-not-seconds", ok200("Cache-Control: max-age=-1"), true},
	{"cache-control-argument-not-seconds", ok200("Cache-Control: max-age=1.5"), true},
	{"cache-control-argument-missing", ok200("Cache-Control: max-age="), true},
	{"cache-control-argument-missing", ok200("Cache-Control: stale-while-revalidate, max-age=1"), true},
	{"cache-private-with-s-maxage", ok200("Cache-Control: private=\"set-cookie\", s-maxage=60"), false},
	{"cache-immutable-without-freshness", ok200("Cache-Control: immutable", "Expires: Fri, 02 Oct 2026 12:00:00 GMT"), false},
	{"cache-stale-without-freshness", ok200("Cache-Control: s-maxage=1, stale-while-revalidate=59"), false},
	{"cache-expires-contradicts", ok200("Cache-Control: max-age=0", "Expires: Thu, 19 Nov 1981 08:52:00 GMT"), false},
	{"cache-expires-contradicts", ok200("Cache-Control: no-cache, max-age=60", "Expires: Thu, 19 Nov 1981 08:52:00 GMT"), false},
	{"cache-expires-differs", ok200("Cache-Control: max-age=31536000", "Expires: Fri, 01 Oct 2027 12:30:00 GMT"), false},
	{"cache-pragma-alone", ok200("Pragma: no-cache", "Expires: 0"), false},
	{"cache-no-freshness", ok200("Last-Modified: Thu, 01 Oct 2026 12:00:00 GMT"), false},
	{"cache-no-freshness", ok200("Cache-Control: no-cache", "Last-Modified: Tue, 01 Sep 2026 00:00:00 GMT"), false},
	{"cache-no-freshness", ok200("Expires: 0", "Last-Modified: Tue, 01 Sep 2026 00:00:00 GMT"), false},
	{"cache-no-freshness", answered("500 Internal Server Error", "Last-Modified: Tue, 01 Sep 2026 00:00:00 GMT"), false},
	{"validator-missing", ok200("Cache-Control: max-age=60, immutable"), false},

	// Age and Date.
	{"age-over-lifetime", ok200("Cache-Control: max-age=60", "Age: 60"), true},
	{"age-over-lifetime", ok200("Cache-Control: max-age=60", "Age: 59"), false},
	{"age-over-lifetime", ok200("Cache-Control: max-age=0, must-revalidate", "Age: 500"), false},
	{"age-malformed", ok200("Age: 1, 2"), true},
	{"age-malformed", ok200("Age: 007"), false},
	{"age-without-cache", ok200("Cache-Control: max-age=60", "Age: 10", "CF-Cache-Status: HIT"), false},
	{"age-without-cache", ok200("Cache-Control: max-age=60", "Age: 0"), false},
	{"date-behind", ok200("Date: Thu, 01 Oct 2026 11:59:00 GMT"), false},
	{"date-behind", ok200("Date: Wed, 30 Sep 2026 12:00:00 GMT", "Age: 86390"), false},
	{"date-ahead", ok200("Date: Thu, 01 Oct 2026 12:01:00 GMT"), false},
	{"date-missing", answered("103 Early Hints", "-Date"), false},
	{"date-missing", answered("500 Internal Server Error", "-Date"), false},

	// Vary.
	{"vary-any", ok200("Vary: *", "Cache-Control: no-cache"), false},
	{"vary-user-agent", ok200("Vary: user-agent", "Cache-Control: s-maxage=60"), true},
	{"vary-user-agent", ok200("Vary: User-Agent"), false},
	{"vary-answer-field", ok200("Vary: X-Cache"), false},
	{"vary-answer-field", ok200("Vary: Content-Encoding"), true},
	{"vary-misspelled", ok200("Vary: AcceptEncoding"), true},
	{"vary-misspelled", ok200("Vary: X-Accept-Encoding-Class"), false},

	// Validators and ranges.
	{"etag-unquoted", ok200("ETag: W/abc"), true},
	{"etag-malformed", ok200(`ETag: "a" `), false},
	{"etag-malformed", ok200(`ETag: "a", "b"`), true},
	{"etag-of-another-coding", ok200(`ETag: "abc-gzip"`), true},
	{"etag-of-another-coding", ok200(`ETag: "abcgzip"`), false},
	{"etag-of-another-coding", answered("304 Not Modified", `ETag: "abc-gzip"`).asked(`If-None-Match: "abc-gzip"`), false},
	{"not-modified-another-tag", answered("304 Not Modified", `ETag: "a"`).asked("If-None-Match: *"), false},
	{"not-modified-another-tag", answered("304 Not Modified", `ETag: "a"`).asked("If-Modified-Since: Tue, 01 Sep 2026 00:00:00 GMT"), false},
	{"unchanged-sent-again", ok200(`ETag: W/"a"`).asked(`If-None-Match: "b", "a"`), true},
	{"unchanged-sent-again", ok200(`ETag: "a"`).asked("PUT / HTTP/1.1", `If-None-Match: "a"`), false},
	{"extent-unasked", answered("206 Partial Content", "Content-Range: bytes 5-9/10").asked("Range: bytes=-5"), false},
	{"extent-unasked", answered("206 Partial Content", "Content-Range: bytes 0-9/10").asked("Range: bytes=-50"), false},
	{"extent-unasked", answered("206 Partial Content", "Content-Range: bytes 5-9/10").asked("Range: bytes=-4"), true},
	{"extent-unasked", answered("206 Partial Content", "Content-Range: bytes 0-4/10").asked("Range: bytes=0-9"), false},
	{"extent-unasked", answered("206 Partial Content", "Content-Range: bytes 0-4/10").asked("Range: items=5-9"), false},
	{"extent-without-part", ok200("Content-Range: bytes 0-9/10").asked("PUT / HTTP/1.1", "Content-Range: bytes 0-9/10"), false},
	{"if-range-ignored-by-part", answered("206 Partial Content", "Content-Range: bytes 5-9/10", "ETag: \"a\"").asked("Range: bytes=5-", "If-Range: Tue, 01 Sep 2026 00:00:00 GMT"), false},

	// Codings and types.
	{"encoding-not-accepted", ok200("Content-Encoding: br").asked("Accept-Encoding: gzip, *;q=0.1"), false},
	{"encoding-not-accepted", ok200("Content-Encoding: br").asked("Accept-Encoding: br;q=0, *"), true},
	{"encoding-not-accepted", ok200("Content-Encoding: gzip").asked("Accept-Encoding: x-gzip"), false},
	{"encoding-not-accepted", ok200("Content-Encoding: gzip").asked("Accept-Encoding:"), true},
	{"encoding-not-accepted", ok200("Content-Encoding: gzip"), false},
	{"encoding-without-vary", ok200("Content-Encoding: gzip", "Cache-Control: private, max-age=60"), false},
	{"encoding-without-vary", ok200("Content-Encoding: gzip", "Cache-Control: max-age=60", "Vary: *"), false},
	{"encoding-untrue", ok200("Content-Encoding: br", "", "<p>hello"), false},
	{"encoding-untrue", ok200("Content-Encoding: zstd", "", "\x28\xb5\x2f\xfdhello"), false},
	{"encoding-untrue", answered("206 Partial Content", "Content-Range: bytes 5-9/10", "Content-Encoding: gzip", "", "hello").asked("Range: bytes=5-9"), false},
	{"type-missing", ok200("Content-Length: 0"), false},
	{"type-missing", answered("302 Found", "Location: /a", "Content-Length: 5"), false},
	{"type-missing", answered("404 Not Found", "Content-Length: 5"), true},
	{"type-without-charset", ok200("Content-Type: text/html", "", "<p>hello"), false},
	{"type-without-charset", ok200("Content-Type: text/html", "", "<META http-equiv='Content-Type' content='text/html; CHARSET=utf-8'>Grüße"), false},
	{"type-without-charset", ok200("Content-Type: text/html", "", "\xef\xbb\xbfGrüße"), false},
	{"type-without-charset", ok200("Content-Type: text/css", "", "a{content:'ü'}"), false},
	{"type-without-charset", ok200("Content-Type: text/plain", "", "Grüße"), true},
	{"type-charset-untrue", ok200("Content-Type: text/html; charset=UTF-8", "", "Grüße"), false},
	{"type-charset-contradicted", ok200("Content-Type: text/html; charset=utf-8", "", "<meta name=a><meta charset=utf8>"), false},
	{"type-contradicts-body", ok200("Content-Type: text/plain", "", "<!DOCTYPE html><p>an example"), false},
	{"type-contradicts-body", ok200("Content-Type: image/svg+xml", "", "<html></html>"), false},
	{"type-contradicts-body", ok200("Content-Type: image/jpeg", "", "\x89PNG\x0d\x0a\x1a\x0a...."), false},
	{"type-contradicts-body", ok200("Content-Type: text/html", "", "\x89PNG\x0d\x0a\x1a\x0a...."), true},
	{"type-contradicts-body", ok200("Content-Type: application/json", "", "<!doctype html><title>Not found</title>"), true},
	{"type-contradicts-body", ok200("Content-Type: application/json", "Content-Encoding: gzip", "", "<!doctype html>"), false},
	{"type-contradicts-body", ok200("Content-Type: application/octet-stream", "", "%PDF-1.7"), false},
	{"type-unfit-for-name", answered("404 Not Found", "Content-Type: text/html").asked("GET /app.js HTTP/1.1"), false},
	{"type-unfit-for-name", ok200("Content-Type: text/css; charset=utf-8").asked("GET /a.CSS?v=1.js HTTP/1.1"), false},
	{"disposition-name-unquoted", ok200(`Content-Disposition: attachment; filename="a; b \" c.txt"`), false},
	{"disposition-name-extended-malformed", ok200("Content-Disposition: attachment; filename*=utf-8'en'a%20b.txt"), false},
	{"disposition-name-extended-malformed", ok200("Content-Disposition: attachment; filename*=iso-8859-1''a.txt"), true},
	{"disposition-unknown", ok200("Content-Disposition: Attachment"), false},

	// The message.
	{"length-wrong", ok200("Content-Length: 100").asked("HEAD / HTTP/1.1"), false},
	{"length-wrong", answered("304 Not Modified", "Content-Length: 100", "ETag: \"a\"").asked("If-None-Match: \"a\""), false},
	{"length-wrong", ok200("Content-Length: 100"), false},
	{"body-unexpected", answered("204 No Content", "", "x"), true},
	{"body-unexpected", ok200("", "x").asked("HEAD / HTTP/1.1"), true},
	{"chunks-without-body", answered("304 Not Modified", "Transfer-Encoding: chunked").asked("If-None-Match: \"a\""), false},
	{"connection-names-end-to-end-field", ok200("Connection: close, Transfer-Encoding", "Transfer-Encoding: chunked"), false},
	{"connection-names-end-to-end-field", ok200("Connection: ETag", "ETag: \"a\""), true},
	{"connection-closed", answered("503 Service Unavailable", "Connection: close"), false},
	{"connection-field-unnamed", answered("426 Upgrade Required", "Upgrade: TLS/1.2", "Connection: UPGRADE"), false},
	{"field-repeated-differently", ok200("Set-Cookie: a=b", "Set-Cookie: c=d"), false},
	{"field-repeated-differently", ok200("X-Own: a", "X-Own: b"), false},
	{"field-repeated-differently", ok200("ETag: \"a\"", "ETag: \"b\""), true},
	{"field-repeated", ok200("Link: </a>; rel=x", "Link: </a>; rel=x"), false},
	{"field-empty", ok200("Accept-CH:"), false},
	{"field-empty", ok200("X-Own:"), false},
	{"field-empty", ok200("Vary: ,"), true},
	{"field-request-only", ok200("Accept-Encoding: gzip", "Accept: application/json"), false},
	{"field-answer-only", ok200().asked("PUT / HTTP/1.1", "Content-Range: bytes 0-4/10", "Content-Location: /a"), false},
	{"field-misspelled", ok200("X-Cache-Control: a", "X-Etag: b", "Content-Hash: c", "Feature-Flags: d"), false},
	{"field-misspelled", ok200("Cache_Control: max-age=60"), true},
	{"field-status-unfit", answered("202 Accepted", "Location: /jobs/1", "Retry-After: 5"), false},
	{"date-form-obsolete", ok200("Expires: Thu Oct  1 13:00:00 2026"), true},
	{"list-empty-member", ok200(`Cache-Control: private=",,", max-age=60`), false},
	{"list-empty-member", ok200("Allow: GET, HEAD,"), true},
	{"list-member-repeated", ok200("Content-Language: en, EN"), true},
	{"trailer-not-announced", Example{Response: "HTTP/1.1 200 OK\nTrailer: server-timing\n", Trailer: "Server-Timing: a\n"}, false},
	{"allow-names-refused-method", answered("405 Method Not Allowed", "Allow: get"), false},
	{"status-unregistered", answered("418 I'm a teapot"), false},
	{"fingerprint-cached-short", ok200("Cache-Control: max-age=60").asked("GET /photo-20260901.jpg HTTP/1.1"), false},
	{"fingerprint-cached-short", ok200("Cache-Control: max-age=60").asked("GET /facade-decade.css HTTP/1.1"), false},
	{"request-host-differs", ok200().asked("Host: example.com"), false},
	{"via-loop", ok200("Via: 1.1 google, 1.1 google"), false},
}

func TestBorderline(t *testing.T) {
	known := map[string]bool{}
	for n := range Notes {
		known[n.ID] = true
	}
	for _, c := range borderline {
		if !known[c.note] {
			t.Errorf("there is no note %s", c.note)
			continue
		}
		if got, others := found(mustExchange(t, c.example), c.note); got != c.fires {
			t.Errorf("%s: fires %v, want %v, on %s; others: %s", c.note, got, c.fires,
				strings.ReplaceAll(c.example.Request+" → "+c.example.Response, "\n", " ⏎ "), strings.Join(others, ", "))
		}
	}
}
