package forward

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// newDecider returns a handler whose servers set the given cookies.
func newDecider(t *testing.T, p Policy, sets ...string) (*Handler, func(address string, fields ...string) http.Header) {
	t.Helper()
	now := time.Unix(1e9, 0)
	server := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.Header()["Set-Cookie"] = sets })
	h, err := New(Options{Policy: p, Now: func() int64 { now = now.Add(time.Second); return now.UnixNano() }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.Close() })
	h.next = server
	return h, func(address string, fields ...string) http.Header {
		r := request(address, fields...)
		r.Host = r.URL.Host
		w := httptest.NewRecorder()
		h.forward(w, r)
		w.Flush()
		return w.Result().Header
	}
}

// What is remembered: names, whose, how often, what was done; nothing of values.
func TestCookieSites(t *testing.T) {
	h, ask := newDecider(t, Policy{Cookies: "learn"}, "sid=VALUE1; Max-Age=3600", "VALUE2", "=VALUE3", "p=VALUE4; Partitioned")
	ask("http://www.a.example/", "Cookie", "sid=VALUE5; VALUE6; other = VALUE7", "Accept", "text/html")
	ask("http://www.a.example/", "Cookie", "sid=VALUE8", "Accept", "image/png", "Referer", "http://page.example/VALUE9")
	all := h.CookieSites()
	text := fmt.Sprintf("%+v", all)
	if strings.Contains(text, "VALUE") {
		t.Errorf("a value is remembered: %s", text)
	}
	if len(all) != 1 || all[0].Site != "a.example" || all[0].Rule != "learn" || len(all[0].Cookies) != 4 {
		t.Fatalf("%s", text)
	}
	nameless, other, p, sid := all[0].Cookies[0], all[0].Cookies[1], all[0].Cookies[2], all[0].Cookies[3]
	if sid.Name != "sid" || sid.Host != "www.a.example" || sid.Set != 2 || sid.Sent != 2 || sid.First != 2 || sid.Third != 2 || sid.Page != "page.example" ||
		sid.Life != time.Hour || sid.Done != "passed: everything passes while learning" || sid.Rule != "learn" || sid.Instead != "refused" {
		t.Errorf("%+v", sid)
	}
	if nameless.Name != "" || nameless.Set != 4 || nameless.Sent != 1 || other.Name != "other" || other.Sent != 1 || other.Set != 0 || !p.Partitioned || p.Instead != "refused" {
		t.Errorf("%+v\n%+v\n%+v", nameless, other, p)
	}
}

// The memory is bounded by sites, by names, and by the length of a name.
func TestCookieSitesBounded(t *testing.T) {
	h, ask := newDecider(t, Policy{})
	var b strings.Builder
	for i := range maxSeenNames + 50 {
		fmt.Fprintf(&b, "n%d=1; ", i)
	}
	ask("http://a.example/", "Cookie", strings.Repeat("x", 5000)+"=1; "+b.String(), "Accept", "text/html")
	s := h.CookieSites()[0]
	if len(s.Cookies) != maxSeenNames || s.Others != 51 || len(s.Cookies[maxSeenNames-1].Name) != maxNameLength {
		t.Errorf("%d names, %d others, %d long", len(s.Cookies), s.Others, len(s.Cookies[maxSeenNames-1].Name))
	}
	for i := range maxSeenSites + 5 {
		ask(fmt.Sprintf("http://s%d.example/", i), "Cookie", "a=1")
	}
	all := h.CookieSites()
	if len(all) != maxSeenSites || all[0].Site != fmt.Sprintf("s%d.example", maxSeenSites+4) || all[len(all)-1].Site != "s5.example" {
		t.Errorf("%d sites, from %s to %s", len(all), all[0].Site, all[len(all)-1].Site)
	}
	for i := range maxSeenTotal/maxSeenNames + 10 {
		ask(fmt.Sprintf("http://s%d.example/", i), "Cookie", b.String())
	}
	all = h.CookieSites()
	total := 0
	for _, s := range all {
		total += len(s.Cookies)
	}
	if total != h.cookies.total || total > maxSeenTotal || total < maxSeenTotal/2 || len(all[0].Cookies) != maxSeenNames {
		t.Errorf("%d names of %d sites, counted as %d, %d of the last", total, len(all), h.cookies.total, len(all[0].Cookies))
	}
	if err := h.ForgetCookies(all[0].Site); err != nil || h.cookies.total != total-maxSeenNames {
		t.Errorf("%v, %d of %d", err, h.cookies.total, total)
	}
	ask("http://"+strings.Repeat("x.", 200)+"y"+strings.Repeat("z", 300)+"/", "Cookie", "a=1")
	if n := len(h.CookieSites()); n != len(all)-1 {
		t.Errorf("a host that none can be: %d sites", n)
	}
}

// What is chosen for a site holds before every rule, for all its hosts, and at
// the next start; what is forgotten is gone.
func TestChooseCookies(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "filter")
	p := Policy{Folder: folder, CookieRules: []string{"www.a.example=allow"}}
	h, ask := newDecider(t, p, "a=1; Max-Age=99")
	set := func(ask func(string, ...string) http.Header) string {
		return strings.Join(ask("http://www.a.example/", "Accept", "text/html")["Set-Cookie"], "|")
	}
	for _, step := range []struct{ choice, want string }{{"refuse", ""}, {"session", "a=1"}, {"allow", "a=1; Max-Age=99"}, {"refuse", ""}, {"", "a=1; Max-Age=99"}, {"session", "a=1"}} {
		if err := h.ChooseCookies("www.a.example", step.choice); err != nil {
			t.Fatal(err)
		}
		if got := set(ask); got != step.want {
			t.Errorf("%q: %q", step.choice, got)
		}
	}
	again, ask := newDecider(t, p, "a=1; Max-Age=99")
	if all := again.CookieSites(); len(all) != 1 || all[0].Chosen != "session" || all[0].Site != "a.example" || all[0].Rule != "session" {
		t.Errorf("at the next start: %+v", all)
	}
	if got := set(ask); got != "a=1" {
		t.Errorf("at the next start: %q", got)
	}
	if err := again.ForgetCookies("a.example"); err != nil || len(again.CookieSites()) != 0 || set(ask) != "a=1; Max-Age=99" {
		t.Errorf("forgotten: %v %+v", err, again.CookieSites())
	}
	for _, bad := range [][2]string{{"", "allow"}, {"a.example", "perhaps"}, {strings.Repeat("x", 300), "allow"}} {
		if again.ChooseCookies(bad[0], bad[1]) == nil {
			t.Errorf("%q was taken", bad)
		}
	}
	info, err := os.Stat(filepath.Join(folder, "cookies.json"))
	if err != nil || info.Mode().Perm()&0o077 != 0 && os.PathSeparator == '/' {
		t.Errorf("%v %v", info, err)
	}
}

// A file of choices that is damaged does not keep the proxy from starting, and
// what of it can be read holds.
func TestChoicesDamaged(t *testing.T) {
	for text, want := range map[string]int{"{": 0, `{"a.example":"refuse","b.example":"nothing"}`: 1, "": 0} {
		folder := t.TempDir()
		if err := os.WriteFile(filepath.Join(folder, "cookies.json"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		var c choices
		if err := c.open(folder); err == nil || len(c.all()) != want {
			t.Errorf("%q: %v, %v", text, err, c.all())
		}
	}
}

// There are no more choices than there may be.
func TestChoicesBounded(t *testing.T) {
	var c choices
	all := c.all()
	for i := range maxChoices {
		all[fmt.Sprint(i)] = 1
	}
	c.current.Store(&all)
	if c.choose("x", 1) == nil || c.choose("7", 2) != nil || c.of("7") != 2 || c.choose("7", 0) != nil || c.choose("x", 1) != nil {
		t.Error("the bound is another one")
	}
}
