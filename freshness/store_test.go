package freshness

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"freshet/internal/rule"
	"freshet/internal/wire"
)

// t0 is when the responses of the tests were received.
const (
	t0     = 1794000000 * second
	t0Date = "Fri, 06 Nov 2026 21:20:00 GMT"
)

func date(sec int64) string {
	return time.Unix(t0/second+sec, 0).UTC().Format("Mon, 02 Jan 2006 15:04:05 GMT")
}

// fields makes fields of "Name: value" lines, separated by "|".
func fields(lines string) Fields {
	f := Fields{}
	for line := range strings.SplitSeq(lines, "|") {
		if name, value, ok := strings.Cut(line, ":"); ok {
			name = wire.CanonicalName(strings.TrimSpace(name))
			f[name] = append(f[name], strings.Trim(value, " "))
		}
	}
	return f
}

const site = "https://example.com/a?b=c"

// get makes a request of "METHOD", "METHOD URL", or the field lines of a GET.
func get(t *testing.T, s string) *Request {
	t.Helper()
	first, uri, _ := strings.Cut(s, " ")
	if s == "" || strings.HasSuffix(first, ":") {
		return &Request{Method: "GET", URL: site, Fields: fields(s)}
	}
	if uri == "" {
		uri = site
	}
	return &Request{Method: first, URL: uri}
}

// storeCases are requests (method, fields), answers, and what is decided.
var storeCases = []struct {
	name    string
	private bool
	request string
	status  int
	answer  string
	store   bool
	rule    rule.ID
}{
	{"plain", false, "", 200, "Cache-Control: max-age=60", true, rule.FreshByMaxAge},
	{"s-maxage", false, "", 200, "Cache-Control: max-age=0, s-maxage=60", true, rule.FreshBySMaxAge},
	{"expires", false, "", 200, "Expires: " + date(60), true, rule.FreshByExpires},
	{"heuristic", false, "", 200, "Last-Modified: " + date(-100), true, rule.FreshHeuristic},
	{"only a tag", false, "", 200, `ETag: "x"`, true, rule.StoredToValidate},
	{"only a malformed tag", false, "", 200, `ETag: x`, false, rule.NotStoredUseless},
	{"two tags are none", false, "", 200, `ETag: "x"|ETag: "y"`, false, rule.NotStoredUseless},
	{"nothing", false, "", 200, "", false, rule.NotStoredUseless},
	{"nothing, but public", false, "", 200, "Cache-Control: public", false, rule.NotStoredUseless},
	{"stale without a validator", false, "", 200, "Cache-Control: max-age=0", false, rule.NotStoredUseless},
	{"stale with a validator", false, "", 200, `Cache-Control: max-age=0|ETag: "x"`, true, rule.StoredToValidate},
	{"stale, but allowed to be", false, "", 200, "Cache-Control: max-age=0, stale-while-revalidate=60", true, rule.FreshByMaxAge},
	{"stale, but allowed on errors", false, "", 200, "Cache-Control: max-age=0, stale-if-error=60", true, rule.FreshByMaxAge},
	{"stale, allowed and forbidden", false, "", 200, "Cache-Control: max-age=0, stale-if-error=60, must-revalidate", false, rule.NotStoredUseless},
	{"born stale", false, "", 200, "Cache-Control: max-age=60|Age: 60", true, rule.FreshByMaxAge},
	{"born stale, and not to be used so", false, "", 200, "Cache-Control: max-age=60, must-revalidate|Age: 60", false, rule.NotStoredUseless},
	{"no-cache with a validator", false, "", 200, `Cache-Control: no-cache, max-age=60|ETag: "x"`, true, rule.StoredToValidate},
	{"no-cache without", false, "", 200, "Cache-Control: no-cache, max-age=60", false, rule.NotStoredUseless},

	{"HEAD", false, "HEAD", 200, "Cache-Control: max-age=60", false, rule.NotStoredMethod},
	{"PUT", false, "PUT", 200, "Cache-Control: max-age=60", false, rule.NotStoredMethod},
	{"get", false, "get", 200, "Cache-Control: max-age=60", false, rule.NotStoredMethod},
	{"POST", false, "POST", 200, "Cache-Control: max-age=60", false, rule.NotStoredPOST},
	{"POST of itself", false, "POST", 200, "Cache-Control: max-age=60|Content-Location: /a?b=c", true, rule.StoredAsGET},
	{"POST of itself, absolute", false, "POST", 200, "Cache-Control: max-age=60|Content-Location: HTTPS://EXAMPLE.com:443/a?b=c#x", true, rule.StoredAsGET},
	{"POST of itself, empty", false, "POST", 200, "Cache-Control: max-age=60|Content-Location: ", true, rule.StoredAsGET},
	{"POST of another query", false, "POST", 200, "Cache-Control: max-age=60|Content-Location: /a?b=d", false, rule.NotStoredPOST},
	{"POST of another host", false, "POST", 200, "Cache-Control: max-age=60|Content-Location: https://example.org/a?b=c", false, rule.NotStoredPOST},
	{"POST of a host", false, "POST https://example.com", 200, "Cache-Control: max-age=60|Content-Location: /", true, rule.StoredAsGET},
	{"POST to nowhere", false, "POST http://[", 200, "Cache-Control: max-age=60|Content-Location: /", false, rule.NotStoredPOST},
	{"POST of two", false, "POST", 200, "Cache-Control: max-age=60|Content-Location: /a?b=c|Content-Location: /a?b=c", false, rule.NotStoredPOST},
	{"POST, malformed", false, "POST", 200, "Cache-Control: max-age=60|Content-Location: http://[", false, rule.NotStoredPOST},
	{"POST, guessed", false, "POST", 200, "Last-Modified: " + date(-100) + "|Content-Location: /a?b=c", false, rule.NotStoredPOST},
	{"POST, failed", false, "POST", 404, "Cache-Control: max-age=60|Content-Location: /a?b=c", false, rule.NotStoredPOST},

	{"interim", false, "", 103, "Cache-Control: max-age=60", false, rule.NotStoredStatus},
	{"not modified", false, "", 304, "Cache-Control: max-age=60", false, rule.NotStoredStatus},
	{"precondition", false, "", 412, "Cache-Control: max-age=60", false, rule.NotStoredStatus},
	{"range", false, "", 416, "Cache-Control: max-age=60", false, rule.NotStoredStatus},
	{"rate", false, "", 429, "Cache-Control: max-age=60", false, rule.NotStoredStatus},
	{"captive portal", false, "", 511, "Cache-Control: max-age=60", false, rule.NotStoredStatus},
	{"no status", false, "", 600, "Cache-Control: max-age=60", false, rule.NotStoredStatus},
	{"unknown status", false, "", 599, "Cache-Control: max-age=60", true, rule.FreshByMaxAge},
	{"403 with nothing", false, "", 403, `Last-Modified: ` + date(-100), false, rule.NotStoredNoFreshness},
	{"403 with a tag", false, "", 403, `ETag: "x"`, false, rule.NotStoredNoFreshness},
	{"403 that is public", false, "", 403, `Cache-Control: public|Last-Modified: ` + date(-100), true, rule.FreshHeuristic},
	{"403 that is private", true, "", 403, `Cache-Control: private|ETag: "x"`, true, rule.StoredToValidate},
	{"404", false, "", 404, `Last-Modified: ` + date(-100), true, rule.FreshHeuristic},

	{"part", false, "", 206, "Cache-Control: max-age=60|Content-Range: bytes 0-4/10", true, rule.StoredPartial},
	{"part with its length", false, "", 206, "Cache-Control: max-age=60|Content-Range: bytes 0-4/10|Content-Length: 5", true, rule.StoredPartial},
	{"part with another length", false, "", 206, "Cache-Control: max-age=60|Content-Range: bytes 4-9/10|Content-Length: 5", false, rule.NotStoredPartial},
	{"parts", false, "", 206, "Cache-Control: max-age=60|Content-Type: multipart/byteranges; boundary=x", false, rule.NotStoredPartial},
	{"part of something", false, "", 206, "Cache-Control: max-age=60|Content-Range: lines 0-4/10", false, rule.NotStoredPartial},
	{"part twice", false, "", 206, "Cache-Control: max-age=60|Content-Range: bytes 0-4/10|Content-Range: bytes 0-4/10", false, rule.NotStoredPartial},
	{"part, but not to be stored", false, "", 206, "Cache-Control: no-store|Content-Range: bytes 0-4/10", false, rule.NotStoredNoStore},

	{"no-store", false, "", 200, "Cache-Control: max-age=60, No-StOrE", false, rule.NotStoredNoStore},
	{"no-store with an argument", false, "", 200, "Cache-Control: max-age=60, no-store=no", false, rule.NotStoredNoStore},
	{"no-store in a string", false, "", 200, `Cache-Control: max-age=60, x="no-store, private"`, true, rule.FreshByMaxAge},
	{"no-store of the request", false, "Cache-Control: no-store", 200, "Cache-Control: max-age=60", false, rule.NotStoredRequest},
	{"must-understand", false, "", 200, "Cache-Control: max-age=60, no-store, must-understand", true, rule.StoredUnderstood},
	{"must-understand 599", false, "", 599, "Cache-Control: max-age=60, must-understand", false, rule.NotStoredNotUnderstood},
	{"must-understand 599 no-store", false, "", 599, "Cache-Control: max-age=60, must-understand, no-store", false, rule.NotStoredNotUnderstood},
	{"private", false, "", 200, "Cache-Control: max-age=60, private", false, rule.NotStoredPrivate},
	{"private in a private cache", true, "", 200, "Cache-Control: max-age=60, private", true, rule.FreshByMaxAge},
	{"private fields", false, "", 200, `Cache-Control: max-age=60, private="x-user"`, true, rule.FreshByMaxAge},
	{"private of nothing", false, "", 200, `Cache-Control: max-age=60, private=""`, false, rule.NotStoredPrivate},
	{"private of what rules", false, "", 200, `Cache-Control: max-age=60, private="vary"`, false, rule.NotStoredPrivate},

	{"authorized", false, "Authorization: x", 200, "Cache-Control: max-age=60", false, rule.NotStoredAuthorized},
	{"authorized, own cache", true, "Authorization: x", 200, "Cache-Control: max-age=60", true, rule.FreshByMaxAge},
	{"authorized, public", false, "Authorization: x", 200, "Cache-Control: max-age=60, public", true, rule.FreshByMaxAge},
	{"authorized, must-revalidate", false, "Authorization: x", 200, "Cache-Control: max-age=60, must-revalidate", true, rule.FreshByMaxAge},
	{"authorized, s-maxage", false, "Authorization: x", 200, "Cache-Control: s-maxage=60", true, rule.FreshBySMaxAge},
	{"authorized, proxy-revalidate", false, "Authorization: x", 200, "Cache-Control: max-age=60, proxy-revalidate", false, rule.NotStoredAuthorized},

	{"cookie, explicit", false, "Cookie: a=b", 200, "Cache-Control: max-age=60|Set-Cookie: a=b", true, rule.FreshByMaxAge},
	{"cookie, guessed", false, "", 200, "Last-Modified: " + date(-100) + "|Set-Cookie: a=b", false, rule.NotStoredSetCookie},
	{"cookie, guessed, public", false, "", 200, "Cache-Control: public|Last-Modified: " + date(-100) + "|Set-Cookie: a=b", true, rule.FreshHeuristic},
	{"cookie, guessed, own cache", true, "", 200, "Last-Modified: " + date(-100) + "|Set-Cookie2: a=b", true, rule.FreshHeuristic},
	{"vary", false, "", 200, "Cache-Control: max-age=60|Vary: foo", true, rule.FreshByMaxAge},
	{"vary any", false, "", 200, "Cache-Control: max-age=60|Vary: foo|Vary: , *", false, rule.NotStoredVaryAny},

	{"targeted", false, "", 200, "CDN-Cache-Control: max-age=60|Cache-Control: no-store", true, rule.FreshByTarget},
	{"targeted no-store", false, "", 200, "CDN-Cache-Control: no-store|Cache-Control: max-age=60", false, rule.NotStoredNoStore},
	{"targeted private", false, "", 200, "CDN-Cache-Control: private|Cache-Control: max-age=60|Expires: " + date(60), false, rule.NotStoredPrivate},
	{"targeted, own cache", true, "", 200, "CDN-Cache-Control: max-age=60|Cache-Control: no-store", false, rule.NotStoredNoStore},
	{"targeted, malformed", false, "", 200, "CDN-Cache-Control: max-age=60, &&&&&|Cache-Control: no-store", false, rule.NotStoredNoStore},
	{"targeted, wrong type", false, "", 200, `CDN-Cache-Control: max-age="60"|Cache-Control: max-age=60`, false, rule.NotStoredUseless},
	{"a stronger target", false, "", 200, "Freshet-Cache-Control: no-store|CDN-Cache-Control: max-age=60", false, rule.NotStoredNoStore},
}

func TestStore(t *testing.T) {
	for _, tt := range storeCases {
		c := Cache{Private: tt.private}
		s := c.Store(get(t, tt.request), &Response{Status: tt.status, Fields: fields(tt.answer), Requested: t0, Received: t0})
		if s.Store != tt.store || s.Rule != tt.rule {
			t.Errorf("%s: %v %s, want %v %s", tt.name, s.Store, s.Rule, tt.store, tt.rule)
		}
		if s.AsGET != (tt.rule == rule.StoredAsGET) {
			t.Errorf("%s: AsGET is %v", tt.name, s.AsGET)
		}
	}
}

// TestStoreFacts: what a stricter profile may look at.
func TestStoreFacts(t *testing.T) {
	for _, tt := range []struct{ request, answer, want string }{
		{"", "", ""},
		{"Authorization: x|Cookie: y", "", "Authorized Cookied"},
		{"", "Set-Cookie: x", "SetCookie"},
		{"", "Set-Cookie2: x", "SetCookie"},
		{"", "Cache-Control: public", "Public"},
		{"", "Cache-Control: max-age=0", "Explicit"},
		{"", "Expires: 0", "Explicit"},
		{"", "CDN-Cache-Control: max-age=5", "Explicit"},
		{"", "Last-Modified: " + date(-100), "Heuristic"},
		{"", "Vary: *", "VaryAny"},
		{"", "Content-Range: bytes 0-1/2", ""}, // not a 206
	} {
		var c Cache
		s := c.Store(get(t, tt.request), &Response{Status: 200, Fields: fields(tt.answer), Received: t0})
		var got []string
		for _, f := range []struct {
			name string
			set  bool
		}{{"SetCookie", s.SetCookie}, {"Authorized", s.Authorized}, {"Cookied", s.Cookied}, {"Explicit", s.Explicit},
			{"Heuristic", s.Terms.Heuristic}, {"Public", s.Public}, {"VaryAny", s.VaryAny}, {"Partial", s.Partial}} {
			if f.set {
				got = append(got, f.name)
			}
		}
		if strings.Join(got, " ") != tt.want {
			t.Errorf("%q, %q: %v, want %s", tt.request, tt.answer, got, tt.want)
		}
	}
}

func TestStrip(t *testing.T) {
	for _, tt := range []struct {
		answer          string
		shared, private string
	}{
		{"Cache-Control: max-age=60", "", ""},
		{`Cache-Control: private="x-User, X-b", no-cache="set-cookie"`, "Set-Cookie X-User X-B", "Set-Cookie"},
		{`Cache-Control: no-cache=foo|Cache-Control: no-cache="bar"`, "Foo Bar", "Foo Bar"},
		{`Cache-Control: no-cache="foo bar"`, "", ""},
		{`Cache-Control: no-cache="etag, foo"`, "", ""},
		{`CDN-Cache-Control: max-age=1, no-cache="foo", private=bar`, "Foo Bar", ""},
	} {
		r := fields(tt.answer)
		for _, c := range []*Cache{{}, {Private: true}} {
			want := tt.shared
			if c.Private {
				want = tt.private
			}
			got := c.Strip(r)
			s := c.Store(get(t, ""), &Response{Status: 200, Fields: r, Received: t0})
			if strings.Join(got, " ") != want || !slices.Equal(got, s.Strip) {
				t.Errorf("%s, private %v: %v and %v, want %s", tt.answer, c.Private, got, s.Strip, want)
			}
		}
	}
	// A qualified no-cache that cannot be obeyed field by field is obeyed whole.
	for answer, want := range map[string]bool{
		`Cache-Control: no-cache="foo"`: false, `Cache-Control: no-cache="foo bar"`: true, `Cache-Control: no-cache="etag, foo"`: true,
		`Cache-Control: no-cache=""`: true, `Cache-Control: no-cache="foo", no-cache`: true, `Cache-Control: no-cache="x-cache-control"`: true,
		`Cache-Control: no-cache="fo\o"`: false,
	} {
		var c Cache
		if got := c.Terms(&Response{Status: 200, Fields: fields(answer)}).NoCache; got != want {
			t.Errorf("%s: no-cache is %v", answer, got)
		}
	}
}

// TestStatuses goes through all status codes: what is stored with explicit
// freshness, and what by a guess.
func TestStatuses(t *testing.T) {
	var c Cache
	guessed := map[int]bool{200: true, 203: true, 204: true, 300: true, 301: true, 308: true, 404: true, 405: true, 410: true, 414: true, 501: true}
	for status := range 1000 {
		explicit := c.Store(get(t, ""), &Response{Status: status, Fields: fields("Cache-Control: max-age=60"), Received: t0})
		want := status >= 200 && status < 600 && !strings.Contains("206 304 412 416 417 428 429 431 511", fmt.Sprint(status))
		if explicit.Store != want {
			t.Errorf("%d with max-age: %v (%s)", status, explicit.Store, explicit.Rule)
		}
		guess := c.Store(get(t, ""), &Response{Status: status, Fields: fields("Last-Modified: " + date(-86400)), Received: t0})
		if guess.Store != guessed[status] {
			t.Errorf("%d with Last-Modified: %v (%s)", status, guess.Store, guess.Rule)
		}
		must := c.Store(get(t, ""), &Response{Status: status, Fields: fields("Cache-Control: max-age=60, must-understand, no-store"), Received: t0})
		if must.Store && (!want || !understood(status)) {
			t.Errorf("%d with must-understand: %v (%s)", status, must.Store, must.Rule)
		}
	}
}
