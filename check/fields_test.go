package check

import (
	"strings"
	"testing"

	"freshet/internal/field"
	"freshet/internal/wire"
)

// The table is sound: names are field names and stand there once, obsolete
// fields say what to do, others do not.
func TestFieldTable(t *testing.T) {
	seen, n := map[string]bool{}, 0
	for _, table := range fieldTables {
		for i := range table {
			row := &table[i]
			n++
			key := wire.CanonicalName(row.name)
			switch {
			case !field.IsToken(row.name):
				t.Errorf("%q is no field name", row.name)
			case seen[key]:
				t.Errorf("%s stands there twice", row.name)
			case row.in == 0 || row.grammar == nil:
				t.Errorf("%s has no direction, or no grammar", row.name)
			case row.grammar.structured == (row.grammar.valid != nil):
				t.Errorf("%s has a grammar that nobody can judge", row.name)
			case row.is(obsolete) != (row.instead != ""):
				t.Errorf("%s: obsolete or not?", row.name)
			case !clause.MatchString(row.clause):
				t.Errorf("%s: clause %q", row.name, row.clause)
			case row.clause == "" && !row.is(vendor|obsolete) && row.name != "X-Robots-Tag":
				t.Errorf("%s has no clause and is not marked as a vendor's", row.name)
			}
			seen[key] = true
			if knownField(strings.ToUpper(row.name)) != row {
				t.Errorf("%s is not found", row.name)
			}
		}
	}
	if n < 300 {
		t.Errorf("%d fields", n)
	}
}

// Breadth is a promise: these numbers may only grow.
func TestCoverage(t *testing.T) {
	notes, relating, judged := 0, 0, 0
	for n := range Notes {
		notes++
		if n.Relates {
			relating++
		}
	}
	for _, table := range fieldTables {
		for i := range table {
			if g := table[i].grammar; g.structured || g != gFreeText && g != gFreeLines && g != gFreeList && g != gCookieLine {
				judged++
			}
		}
	}
	t.Logf("%d notes, %d of them relate fields or messages; the grammar of %d fields of %d", notes, relating, judged, len(fieldsByName))
	if notes < 480 || relating < 195 || judged < 155 || len(fieldsByName) < 365 {
		t.Error("fewer than there were")
	}
}

func TestMeantFor(t *testing.T) {
	for name, want := range map[string]string{
		"Cache-Contol":                "Cache-Control",
		"Cachecontrol":                "Cache-Control",
		"Cache_Control":               "Cache-Control",
		"Content_Type":                "Content-Type",
		"Content-Securty-Policy":      "Content-Security-Policy",
		"Content-Security-Polciy":     "Content-Security-Policy",
		"X-Frame-Option":              "X-Frame-Options",
		"X-Content-Type-Option":       "X-Content-Type-Options",
		"Strict-Transport-Securitiy":  "Strict-Transport-Security",
		"Access-Control-Allow-Origen": "Access-Control-Allow-Origin",
		"Last-Modifed":                "Last-Modified",
		"Expire":                      "Expires",
		"Locaton":                     "Location",

		"X-Custom":               "",
		"Status":                 "",
		"Etags":                  "", // too short to be sure
		"X-Trace-Id":             "",
		"X-Forwarded-Fo":         "", // a vendor's
		"Pragmas":                "", // obsolete
		"Server-Id":              "",
		"X-Cache-Control":        "",
		"Content-Hash":           "",
		"Ratelimit":              "RateLimit",
		strings.Repeat("a", 100): "",
		"":                       "",
	} {
		got := ""
		if row := meantFor(name); row != nil {
			got = row.name
		}
		if got != want {
			t.Errorf("%q: meant for %q, want %q", name, got, want)
		}
	}
}

func TestGrammars(t *testing.T) {
	for _, c := range []struct {
		g           *grammar
		good, wrong []string
	}{
		{gToken, []string{"GET", "a-b"}, []string{"a b", "a,b", "a=b"}},
		{gTokens, []string{"a, b", "a,,b", ""}, []string{"a b", "a;q=1"}},
		{gTokenArgs, []string{"return=minimal; foo=\"a, b\"", "respond-async", "wait=10;x"}, []string{"=x", "a b"}},
		{gNumber, []string{"0", "0017"}, []string{"-1", "1.5", "1 2", "0x1", "+1"}},
		{gHTTPDate, []string{"Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"}, []string{"0", "1994-11-06", "Sun, 06 Nov 1994 08:49:37 UTC", "Sun, 31 Feb 1994 08:49:37 GMT"}},
		{gRetryTime, []string{"120", "Sun, 06 Nov 1994 08:49:37 GMT"}, []string{"2 minutes"}},
		{gEntityTag, []string{`"a"`, `W/"a"`, `""`}, []string{"a", `w/"a"`, `"a", "b"`, `"a`}},
		{gEntityTags, []string{`"a"`, `W/"a", "b,c"`, "*"}, []string{"a", `"a", b`}},
		{gTagOrDate, []string{`"a"`, "Sun, 06 Nov 1994 08:49:37 GMT"}, []string{"a"}},
		{gReference, []string{"/a?b#c", "https://example.com/%20", "../a", "//host/", "?q"}, []string{"/a b", "/ü", "<a>", "http://[::1"}},
		{gMediaType, []string{"text/html", "text/html; charset=\"utf-8\"", "a/b;c=d"}, []string{"text", "text/", "text/html; charset", "text/html, a/b"}},
		{gMediaList, []string{"text/html, application/json"}, []string{"text/html, json"}},
		{gMediaQs, []string{"*/*", "text/*;q=0.5, */*;q=0.1", "*;q=0.2"}, []string{"text"}},
		{gWeighted, []string{"gzip, br;q=0.5", "*;q=0"}, []string{"gzip;q=2", "gz ip"}},
		{gLanguages, []string{"en", "de-AT, zh-Hant-TW"}, []string{"languages-english", "de_AT", "de--AT", "1a"}},
		{gLanguageQs, []string{"*", "de-AT, de;q=0.5, en-*;q=0.1"}, []string{"de;q=x", "de_AT"}},
		{gProducts, []string{"nginx", "Apache/2.4 (Unix (x)) mod_ssl/2", "(a \\) b)"}, []string{"a/b/c", "(open", "a/", "a,b"}},
		{gFieldNames, []string{"*", "Accept, X-A"}, []string{"Accept Encoding", "a:b"}},
		{gProtocols, []string{"h2c", "HTTP/2.0, websocket"}, []string{"a/b/c", "/x"}},
		{gByteRange, []string{"bytes=0-9", "items=1"}, []string{"0-9", "bytes=", "bytes:0-9"}},
		{gByteExtent, []string{"bytes 0-9/10", "bytes 0-9/*", "bytes */10", "items 1-2"}, []string{"bytes=0-9/10", "bytes 0-9", "bytes */*", "0-9/10", "bytes -9/10"}},
		{gViaList, []string{"1.1 a, HTTP/2 b (x)", "1.0 a:80"}, []string{"a", "1.1"}},
		{gDirectives, []string{"max-age=60, private=\"a, b\"", "no-store"}, []string{"max-age =60", "a b", "a=b c"}},
		{gLinks, []string{`</a>; rel="x y"; title*=UTF-8''a`, "</a>;rel=preload;type=text/css", "</a>", "<>;rel=x"}, []string{"/a; rel=x", "</a> rel=x", "</a b>; rel=x", `</a>; rel="x`}},
		{gChallenges, []string{"Basic realm=\"a\"", "Negotiate", "Bearer"}, []string{"=x", "\"a\""}},
		{gAltSvc, []string{"clear", `h3=":443"; ma=60; persist=1`, `h2="a:443", h3=":443"`}, []string{"h3", "h3=:443", `h3=":443"; ma`}},
		{gHostPort, []string{"example.com", "example.com:80", "[::1]:80", ""}, []string{"a b", "a/b", "a:x"}},
	} {
		for _, s := range c.good {
			if wrong := c.g.faults([]string{s}); wrong != nil {
				t.Errorf("%s: %q is refused for %q", c.g.form, s, wrong)
			}
		}
		for _, s := range c.wrong {
			if wrong := c.g.faults([]string{s}); wrong == nil {
				t.Errorf("%s: %q is let through", c.g.form, s)
			}
		}
	}
}
