package client

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// jarAt is a jar whose clock stands still, and that clock.
func jarAt() (*Jar, *time.Time) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	return &Jar{Now: func() time.Time { return now }}, &now
}

func mustURL(t testing.TB, s string) *url.URL {
	t.Helper()
	u, err := url.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func setCookie(t testing.TB, j *Jar, at, line string) {
	t.Helper()
	c, err := http.ParseSetCookie(line)
	if err != nil {
		t.Fatal(err)
	}
	j.SetCookies(mustURL(t, at), []*http.Cookie{c})
}

func sentTo(t testing.TB, j *Jar, to string) string {
	t.Helper()
	var all []string
	for _, c := range j.Cookies(mustURL(t, to)) {
		all = append(all, c.String())
	}
	return strings.Join(all, "; ")
}

// Who sets what, and where it goes.
func TestJar(t *testing.T) {
	for _, tt := range []struct{ from, line, to, want string }{
		{"http://a.test/", "n=v", "http://a.test/x", "n=v"},
		{"http://a.test/", "n=v", "http://b.a.test/", ""},
		{"http://a.test/", "n=v", "https://A.TEST.:8443/", "n=v"},
		{"http://b.a.test/", "n=v; Domain=a.test", "http://c.a.test/", "n=v"},
		{"http://b.a.test/", "n=v; Domain=.A.test", "http://a.test/", "n=v"},
		{"http://b.a.test/", "n=v; Domain=other.test", "http://other.test/", ""},
		{"http://a.test/", "n=v; Domain=b.a.test", "http://b.a.test/", ""},
		{"http://xa.test/", "n=v; Domain=a.test", "http://a.test/", ""},
		{"http://shop.co.uk/", "n=v; Domain=co.uk", "http://bank.co.uk/", ""},
		{"http://a.com/", "n=v; Domain=com", "http://b.com/", ""},
		{"http://me.github.io/", "n=v; Domain=github.io", "http://you.github.io/", ""},
		{"http://github.io/", "n=v; Domain=github.io", "http://github.io/", "n=v"},
		{"http://github.io/", "n=v; Domain=github.io", "http://you.github.io/", ""},
		{"http://localhost/", "n=v; Domain=localhost", "http://localhost/", "n=v"},
		{"http://127.0.0.1/", "n=v; Domain=127.0.0.1", "http://127.0.0.1/", "n=v"},
		{"http://127.0.0.1/", "n=v; Domain=0.0.1", "http://127.0.0.1/", ""},
		{"http://a.test/x/y", "n=v", "http://a.test/x/z", "n=v"},
		{"http://a.test/x/y", "n=v", "http://a.test/xz", ""},
		{"http://a.test/x/y", "n=v", "http://a.test/x", "n=v"},
		{"http://a.test/", "n=v; Path=/x", "http://a.test/x/y", "n=v"},
		{"http://a.test/", "n=v; Path=/x/", "http://a.test/x", ""},
		{"https://a.test/", "n=v; Secure", "http://a.test/", ""},
		{"https://a.test/", "n=v; Secure", "https://a.test/", "n=v"},
		{"http://a.test/", "n=v; Secure", "https://a.test/", ""},
		{"https://a.test/", "__Host-n=v; Secure; Path=/", "https://a.test/", "__Host-n=v"},
		{"https://a.test/", "__Host-n=v; Secure", "https://a.test/", ""},
		{"https://a.test/", "__Host-n=v; Secure; Path=/; Domain=a.test", "https://a.test/", ""},
		{"https://a.test/", "__secure-n=v", "https://a.test/", ""},
		{"http://a.test/", "n=v; Max-Age=0", "http://a.test/", ""},
		{"http://a.test/", "n=v; Max-Age=1", "http://a.test/", "n=v"},
		{"http://a.test/", "n=v; Expires=Thu, 01 Jan 1970 00:00:00 GMT", "http://a.test/", ""},
		{"http://a.test/", `n="a b"`, "http://a.test/", `n="a b"`},
		{"ftp://a.test/", "n=v", "http://a.test/", ""},
		{"http://a.test/", "n=" + strings.Repeat("v", 4095), "http://a.test/", "n=" + strings.Repeat("v", 4095)},
		{"http://a.test/", "n=" + strings.Repeat("v", 4096), "http://a.test/", ""},
	} {
		j, _ := jarAt()
		setCookie(t, j, tt.from, tt.line)
		if got := sentTo(t, j, tt.to); got != tt.want {
			t.Errorf("%s at %s: %s gets %q, want %q", tt.line, tt.from, tt.to, got, tt.want)
		}
	}
}

func TestJarOrderAndTime(t *testing.T) {
	j, now := jarAt()
	setCookie(t, j, "https://a.test/", "s=secret; Secure")
	setCookie(t, j, "http://a.test/", "s=forged")
	setCookie(t, j, "http://a.test/", "b=1; Max-Age=60")
	setCookie(t, j, "http://a.test/", "a=1")
	setCookie(t, j, "http://a.test/", "c=1; Path=/x")
	setCookie(t, j, "http://a.test/", "b=2; Max-Age=60")
	setCookie(t, j, "http://a.test/", "old=1; Max-Age=99999999")
	if got, want := sentTo(t, j, "https://a.test/x/y"), "c=1; s=secret; b=2; a=1; old=1"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	*now = now.Add(time.Minute)
	if got, want := sentTo(t, j, "http://a.test/"), "a=1; old=1"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	*now = now.Add(maxCookieAge)
	if got, want := sentTo(t, j, "http://a.test/"), "a=1"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	setCookie(t, j, "http://a.test/", "a=; Max-Age=0")
	if got := sentTo(t, j, "http://a.test/"); got != "" {
		t.Errorf("%s", got)
	}
}

func TestJarBounds(t *testing.T) {
	j, _ := jarAt()
	for i := range maxDomainCookies + 20 {
		setCookie(t, j, "http://a.test/", fmt.Sprintf("n%d=v", i))
	}
	got := j.Cookies(mustURL(t, "http://a.test/"))
	if len(got) != maxDomainCookies || got[0].Name != "n20" {
		t.Errorf("%d cookies, the first is %v", len(got), got[0])
	}
	for i := range maxCookies {
		setCookie(t, j, fmt.Sprintf("http://h%d.test/", i), "n=v")
	}
	if len(j.cookies) != maxCookies {
		t.Errorf("%d cookies", len(j.cookies))
	}
}

const cookieFile = `# Netscape HTTP Cookie File
# a comment

a.test	FALSE	/	FALSE	0	session	1
.a.test	TRUE	/x	TRUE	2000000000	wide	2
#HttpOnly_b.test	FALSE	/	FALSE	2000000000	hidden	3
a.test	FALSE	/	FALSE	1	gone	4
.co.uk	TRUE	/	FALSE	2000000000	suffix	5
a.test	FALSE	/	FALSE	0	empty
not a cookie
a.test	MAYBE	/	FALSE	0	n	v
a.test	FALSE	/	FALSE	-1	n	v
a.test	FALSE	/	FALSE	0	n	v;w
`

func TestCookieFile(t *testing.T) {
	j, _ := jarAt()
	bad, err := j.ReadCookies(strings.NewReader(cookieFile), false)
	if bad != 4 || err != nil {
		t.Errorf("%d %v", bad, err)
	}
	for to, want := range map[string]string{
		"http://a.test/":      "session=1; empty=",
		"https://w.a.test/x":  "wide=2",
		"http://b.test/":      "hidden=3",
		"http://shop.co.uk/":  "",
		"http://sub.b.test/x": "",
	} {
		if got := sentTo(t, j, to); got != want {
			t.Errorf("%s gets %q, want %q", to, got, want)
		}
	}
	var b strings.Builder
	if err := j.WriteCookies(&b); err != nil {
		t.Fatal(err)
	}
	again, _ := jarAt()
	if bad, err := again.ReadCookies(strings.NewReader(b.String()), false); bad != 0 || err != nil {
		t.Errorf("%d %v", bad, err)
	}
	var c strings.Builder
	again.WriteCookies(&c)
	if b.String() != c.String() {
		t.Errorf("written\n%s\nread and written\n%s", b.String(), c.String())
	}
	if !strings.Contains(b.String(), "#HttpOnly_b.test\tFALSE\t/\tFALSE\t") || !strings.Contains(b.String(), "\n.a.test\tTRUE\t/x\tTRUE\t") {
		t.Errorf("%s", b.String())
	}
	junked, _ := jarAt()
	junked.ReadCookies(strings.NewReader(cookieFile), true)
	if got := sentTo(t, junked, "http://a.test/"); got != "" {
		t.Errorf("session cookies: %q", got)
	}
	if _, err := junked.ReadCookies(strings.NewReader(strings.Repeat("x", maxCookieLine+1)), false); err == nil {
		t.Error("a line without end was read")
	}
}

// What is read and written is read the same.
func FuzzCookieFile(f *testing.F) {
	f.Add(cookieFile)
	f.Add("a.test\tTRUE\t/\tTRUE\t9999999999999\tn\tv\n")
	f.Fuzz(func(t *testing.T, text string) {
		j, _ := jarAt()
		if _, err := j.ReadCookies(strings.NewReader(text), false); err != nil {
			return
		}
		var b, c strings.Builder
		j.WriteCookies(&b)
		again, _ := jarAt()
		bad, err := again.ReadCookies(strings.NewReader(b.String()), false)
		again.WriteCookies(&c)
		if bad != 0 || err != nil || b.String() != c.String() {
			t.Errorf("%d %v: %q then %q", bad, err, b.String(), c.String())
		}
	})
}

// A server can have a path asked for that has ends of lines and tabs in it,
// escaped. They must not become lines of the file.
func TestJarFileHasNoLinesOfServers(t *testing.T) {
	from, err := url.Parse("http://evil.example/%0A.bank.example%09TRUE%09/%09FALSE%090%09session%09theirs%0A/page")
	if err != nil {
		t.Fatal(err)
	}
	var j, again Jar
	j.SetCookies(from, []*http.Cookie{{Name: "a", Value: "b"}, {Name: "c", Value: "d", Path: "/x\n.bank.example\tTRUE\t/\tFALSE\t0\ts\tt"}})
	var file strings.Builder
	if err := j.WriteCookies(&file); err != nil {
		t.Fatal(err)
	}
	if bad, err := again.ReadCookies(strings.NewReader(file.String()), false); bad != 0 || err != nil {
		t.Errorf("%d bad lines, %v in:\n%s", bad, err, file.String())
	}
	bank := &url.URL{Scheme: "http", Host: "www.bank.example", Path: "/"}
	if got := again.Cookies(bank); len(got) > 0 {
		t.Errorf("the bank gets %v of a file with:\n%s", got, file.String())
	}
	if got := again.Cookies(from); len(got) != 1 || got[0].Name != "a" {
		t.Errorf("the page gets %v", got)
	}
}
