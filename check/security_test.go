package check

import (
	"net/url"
	"slices"
	"strings"
	"testing"
)

func TestIsOrigin(t *testing.T) {
	for s, want := range map[string]bool{
		"https://a.example": true, "http://a.example:8080": true, "https://[::1]:3000": true, "moz-extension://5f3c": true,
		"capacitor://localhost": true, "https://a.example/": false, "https://a.example?": false, "https://a.example:443": false,
		"http://a.example:80": false, "https://A.example": false, "HTTPS://a.example": false, "a.example": false, "//a.example": false,
		"https://*.a.example": false, "https://u@a.example": false, "*": false, "null": false, "": false, "https://": false,
	} {
		if isOrigin(s) != want {
			t.Errorf("%q: %v", s, !want)
		}
	}
}

func TestTrustworthy(t *testing.T) {
	for s, want := range map[string]bool{
		"https://a.example/": true, "http://a.example/": false, "http://localhost/": true, "http://localhost.:80/": true,
		"http://x.localhost:8080/": true, "http://127.0.0.1/": true, "http://127.9.9.9/": true, "http://[::1]:80/": true,
		"http://192.0.2.1/": false, "http://notlocalhost/": false,
	} {
		u, err := url.Parse(s)
		if err != nil {
			t.Fatal(err)
		}
		if x := (&subject{target: u}); x.trustworthy() != want {
			t.Errorf("%s: %v", s, !want)
		}
	}
}

func TestParseCSP(t *testing.T) {
	x := newSubject(mustExchange(t, Example{Response: "HTTP/1.1 200 OK\n" +
		"Content-Security-Policy: Img-Src 'self'\tdata: ;; ;img-src *; upgrade-insecure-requests , , script-src 'none'\n" +
		"Content-Security-Policy-Report-Only: default-src x\n\n"}))
	var got []string
	for _, p := range x.policies() {
		s := "enforced"
		if p.reportOnly() {
			s = "reported"
		}
		if p.behind {
			s += " behind"
		}
		for _, d := range p.directives {
			s += " [" + d.name + " " + strings.Join(d.values, " ") + "]"
			if d.ignored {
				s += "!"
			}
		}
		got = append(got, s)
	}
	want := []string{
		"enforced [img-src 'self' data:] [img-src *]! [upgrade-insecure-requests ]",
		"enforced behind [script-src 'none']",
		"reported [default-src x]",
	}
	if !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
}

func TestCSPSources(t *testing.T) {
	valid := []string{
		"*", "'self'", "'NONE'", "https:", "data:", "example.com", "*.example.com", "https://*", "https://example.com:443/a/b.js",
		"http://localhost:*", "wss://a.b-c.example", "127.0.0.1", "'nonce-abc'", "'sha384-abc'", "my_host", "example.com.",
	}
	invalid := []string{
		"'self", "self'", "'slef'", "*example.com", "www.*.com", "https://example.com/a?b", "https://example.com/#c", "\"self\"",
		"'nonce-'", "*://example.com", "https://[::1]", "example.com:port", "https//example.com:", "",
	}
	for _, s := range valid {
		if !validSource(s) {
			t.Errorf("%s is valid", s)
		}
	}
	for _, s := range invalid {
		if validSource(s) {
			t.Errorf("%s is not valid", s)
		}
	}
	for s, want := range map[string]bool{
		"self": true, "None": true, "unsafe-inline": true, "nonce-abc": true, "'self'": false, "self.example": false,
		"sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=": true, "sha256-cdn.example": false, "https:": false,
	} {
		if looksUnquoted(s) != want {
			t.Errorf("%s: %v", s, !want)
		}
	}
}

func TestParseLinks(t *testing.T) {
	links := parseLinks([]string{
		`</a,b;c>; rel="x y"; title="q\"u, o;te", </d> ;rel=next;REL=last,,`,
		` , <e>`, `/f; rel=g, <h; rel=i`, `<>; rel=self`, "",
	})
	var got []string
	for _, l := range links {
		s := "<" + l.target + ">"
		if l.broken {
			s = "broken " + l.raw
		}
		for _, p := range l.params {
			s += " " + p.name + "=" + p.value
		}
		got = append(got, s)
	}
	want := []string{
		`</a,b;c> rel=x y title=q"u, o;te`, "</d> rel=next rel=last", "<e>", "broken /f; rel=g", "broken <h; rel=i", "<> rel=self",
	}
	if !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
	if !links[0].is("X") || !links[0].is("y") || links[0].is("x y") || !links[1].is("next") || links[1].is("last") {
		t.Error("relations")
	}
}

// Values of cookies can be secrets, and are not shown.
func TestCookieValuesAreNotShown(t *testing.T) {
	const secret = "s3cr3t"
	for _, attrs := range []string{"", "; Secure; SameSite=None", "; Domain=org", "; Path=x; Path=y", "; Max-Age=x", "; Expires=0"} {
		for _, name := range []string{"a", "__Host-a", "a b", ""} {
			x := mustExchange(t, Example{Request: "GET /\nCookie: a=" + secret,
				Response: "HTTP/1.1 200 OK\nCache-Control: max-age=60\nSet-Cookie: " + name + "=" + secret + "\"" + attrs + "\nSet-Cookie: a=" + secret + "\n\n"})
			for _, f := range Passive(x) {
				if strings.Contains(f.Detail, secret) || strings.Contains(f.Where, secret) {
					t.Errorf("%s shows %q", f.Note.ID, f.Detail)
				}
			}
		}
	}
}

// A digest is judged only against a body of which all is there.
func TestWhole(t *testing.T) {
	field := "Content-Digest: " + emptyDigest + "\n"
	x := mustExchange(t, Example{Response: "HTTP/1.1 200 OK\n" + field + "\nhello"})
	if yes, _ := found(x, "content-digest-differs"); !yes {
		t.Error("not found in a whole body")
	}
	x.BodySize = 9
	if yes, _ := found(x, "content-digest-differs"); yes {
		t.Error("found in a body that was kept in part")
	}
	x.BodySize = -1
	if yes, _ := found(x, "content-digest-differs"); yes {
		t.Error("found in a body of unknown size")
	}
	x.BodySize = 5
	x.Header.Set("Content-Length", "9")
	if yes, _ := found(x, "content-digest-differs"); yes {
		t.Error("found in a body that was cut off")
	}
	x.Header.Del("Content-Length")
	x.Method = "HEAD"
	if yes, _ := found(x, "content-digest-differs"); yes {
		t.Error("found in an answer to HEAD")
	}
	x = mustExchange(t, Example{Response: "HTTP/1.1 200 OK\nTrailer: Content-Digest\n\nhello", Trailer: field})
	if yes, _ := found(x, "content-digest-differs"); !yes {
		t.Error("not found in trailers")
	}
}

// There are as many notes, of as many kinds, as is promised.
func TestTotals(t *testing.T) {
	notes, relating := 0, 0
	for n := range Notes {
		notes++
		if n.Relates {
			relating++
		}
	}
	if notes < 150 || relating < 60 || len(fieldsByName) < 120 {
		t.Errorf("%d notes, of which %d relate two things, and %d fields", notes, relating, len(fieldsByName))
	}
}
