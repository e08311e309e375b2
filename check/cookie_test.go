package check

import (
	"testing"
	"time"
)

func TestCookieDate(t *testing.T) {
	for in, want := range map[string]string{
		"Wed, 21 Oct 2026 07:28:00 GMT":       "2026-10-21T07:28:00Z",
		"Wed, 21-Oct-2026 07:28:00 GMT":       "2026-10-21T07:28:00Z",
		"Wednesday, 21-Oct-26 07:28:00 GMT":   "2026-10-21T07:28:00Z",
		"Wed Oct 21 07:28:00 2026":            "2026-10-21T07:28:00Z",
		"21 october 2026 7:28:0":              "2026-10-21T07:28:00Z",
		"Thu, 01-Jan-1970 00:00:00 GMT":       "1970-01-01T00:00:00Z",
		"1 Jan 71 00:00:00":                   "1971-01-01T00:00:00Z",
		"1 Jan 69 00:00:00":                   "2069-01-01T00:00:00Z",
		"Wed, 21 Oct 2026 07:28:00 GMT+0200X": "2026-10-21T07:28:00Z",
		"":                                    "",
		"0":                                   "",
		"-1":                                  "",
		"1790856000":                          "",
		"Wed, 31 Feb 2026 07:28:00 GMT":       "",
		"Wed, 32 Oct 2026 07:28:00 GMT":       "",
		"Wed, 21 Oct 2026":                    "",
		"Wed, 21 Oct 2026 24:00:00":           "",
		"Wed, 21 Oct 1600 07:28:00":           "",
		"Wed, 21 Foo 2026 07:28:00":           "",
		"2026-10-21T07:28:00Z":                "",
	} {
		at, ok := parseCookieDate(in)
		got := ""
		if ok {
			got = time.Unix(at, 0).UTC().Format(time.RFC3339)
		}
		if got != want {
			t.Errorf("%q: %q, not %q", in, got, want)
		}
	}
}

func TestSetCookie(t *testing.T) {
	const now = exampleReceived / second
	c := parseSetCookie(` a = b=c ; PATH = /x;Domain=.Example.com; Secure;; =odd; max-age=10; Max-Age=0; SameSite=NONE`)
	if c.name != "a" || c.value != "b=c" || c.nameless {
		t.Errorf("%+v", c)
	}
	if c.text("path") != "/x" || c.domain() != "example.com" || !c.has("secure") || c.has("httponly") || c.sameSite() != "none" {
		t.Errorf("%+v", c)
	}
	if seconds, persistent := c.lifetime(now); seconds != 0 || !persistent || !c.deletes(now) {
		t.Error("of Max-Age the last counts")
	}
	past := parseSetCookie("a=; expires=Thu, 01 Jan 1970 00:00:00 GMT")
	session := parseSetCookie("a=1; Max-Age=soon")
	if !past.deletes(now) || session.deletes(now) {
		t.Error("deletes")
	}
	for _, p := range []struct {
		attr, from, want string
	}{
		{"", "", "/"}, {"", "/", "/"}, {"", "/a", "/"}, {"", "/a/b", "/a"}, {"x", "/a/b", "/a"}, {"/q", "/a/b", "/q"},
	} {
		c := parseSetCookie("a=1; Path=" + p.attr)
		if got := c.path(p.from); got != p.want {
			t.Errorf("path %q from %q: %q", p.attr, p.from, got)
		}
	}
}

func TestCookieMatches(t *testing.T) {
	for _, m := range []struct {
		host, domain string
		want         bool
	}{
		{"example.com", "example.com", true}, {"www.Example.com", "example.com", true}, {"example.com", "www.example.com", false},
		{"badexample.com", "example.com", false}, {"1.2.3.4", "3.4", false}, {"1.2.3.4", "1.2.3.4", true},
	} {
		if domainMatches(m.host, m.domain) != m.want {
			t.Error(m)
		}
	}
	for _, m := range []struct {
		request, path string
		want          bool
	}{
		{"/", "/", true}, {"", "/", true}, {"/a", "/a", true}, {"/a/b", "/a", true}, {"/ab", "/a", false}, {"/a/b", "/a/", true}, {"/a", "/a/", false},
	} {
		if pathMatches(m.request, m.path) != m.want {
			t.Error(m)
		}
	}
}
