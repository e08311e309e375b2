package filterlist

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// choices makes decisions out of bytes, so that a fuzzer can steer them.
type choices struct{ rest []byte }

// below returns a number below n, 0 when nothing is left.
func (c *choices) below(n int) int {
	if len(c.rest) == 0 {
		return 0
	}
	b := c.rest[0]
	c.rest = c.rest[1:]
	return int(b) % n
}

// rarely is true once in n times.
func (c *choices) rarely(n int) bool { return c.below(n) == n-1 }

func pick[T any](c *choices, list []T) T { return list[c.below(len(list))] }

var (
	someHosts  = []string{"ads.example.com", "example.com", "a.b.example.com", "news.co.uk", "www.news.co.uk", "x.github.io", "y.github.io", "ads.net", "localhost", "1.2.3.4", "9.2.3.4", "example.org", "my-ads.example.com"}
	someNames  = []string{"example.com", "ads.example.com", "com", "news.co.uk", "co.uk", "github.io", "x.github.io", "ads.net", "localhost", "1.2.3.4", "example.org", "b.example.com"}
	someWords  = []string{"ads", "ad", "banner", "img", "x", "Ads", "1", "%D1%82", "js", "com", "-ad", "nads"}
	separating = []string{"/", "/", "/", "-", "_", ".", "?", "&", "=", ":", ";", "//", "|", "$/"}
	somePieces = append([]string{"*", "^", "*", "^", "^^", "**", "example.com", "ads.example.com", "http", "https://", "ds", "anner", "1%D"}, append(someWords, separating...)...)
	someParams = []string{"a", "b", "utm", "ads", ""}
)

func (c *choices) url() (url, host string) {
	host = pick(c, someHosts)
	var b strings.Builder
	b.WriteString(pick(c, []string{"http", "https"}) + "://" + host + pick(c, []string{"", "", ":8080"}) + "/")
	for range c.below(6) {
		b.WriteString(pick(c, someWords) + pick(c, separating))
	}
	if c.rarely(3) {
		b.WriteString("?")
		for range c.below(4) {
			b.WriteString(pick(c, someParams) + pick(c, []string{"=1", "", "=ads"}) + "&")
		}
	}
	return strings.ReplaceAll(b.String(), "#", ""), host
}

func (c *choices) domains(entities, not bool) (ds []modelDomain) {
	for range 1 + c.below(3) {
		d := modelDomain{name: pick(c, someNames), not: not && c.rarely(3)}
		if entities && c.rarely(4) {
			d.entity, d.name = true, pick(c, []string{"example", "ads.example", "news", "x", "b.example"})
		}
		ds = append(ds, d)
	}
	return ds
}

// rule makes a rule. What it makes is in the language that both sides know; the
// forms that are refused have tests of their own.
func (c *choices) rule() *modelRule {
	r := &modelRule{}
	switch c.below(16) {
	case 0:
		return &modelRule{hosts: true, pattern: pick(c, someHosts[:8])}
	case 1:
		return &modelRule{domain: true, pattern: pick(c, []string{"example.com", "ads.example.com", "news.co.uk", "ads.net"})}
	case 2:
		r.expr = pick(c, []string{`ads?\d`, `\/(ads|banner)\/`, `^https?:\/\/ads\.`, `com\/x$`, `[?&]a=1`, `banner.*img`, `(banner\/)+x`, `ads{1,2}\/`})
	case 3, 4, 5:
		r.hostAnchor, r.pattern = true, pick(c, someNames)+"^"
	case 6, 7:
		r.hostAnchor, r.pattern = true, pick(c, someNames)+c.pieces(4)
	default:
		r.hostAnchor = c.rarely(4)
		r.start = !r.hostAnchor && c.rarely(5)
		r.pattern = c.pieces(5)
	}
	r.end = r.expr == "" && c.rarely(8)
	if r.expr == "" {
		r.pattern = strings.Trim(r.pattern, "|")
		if r.pattern == "" || r.pattern[0] == '/' && strings.HasSuffix(r.pattern, "/") || strings.Trim(r.pattern, "*") == "" {
			r.pattern = "ads"
		}
		if r.pattern[0] == '/' && r.end == false && strings.HasSuffix(r.pattern, "/") {
			r.pattern += "x"
		}
	}
	r.exception = c.rarely(4)
	r.cased = c.rarely(10)
	r.important = c.rarely(8)
	if c.rarely(3) {
		for range 1 + c.below(3) {
			r.types = append(r.types, Type(c.below(int(numTypes))))
		}
		r.notTypes = c.rarely(3)
	} else if !r.exception {
		r.all = c.rarely(12)
	}
	if c.rarely(3) {
		r.party = pick(c, []string{"third-party", "~third-party", "strict3p", "strict1p"})
	}
	if c.rarely(3) {
		r.domains = c.domains(true, true)
	}
	if c.rarely(8) {
		r.to = c.domains(true, true)
	}
	if c.rarely(8) {
		r.deny = c.domains(false, false)
	}
	if c.rarely(10) {
		r.methods = pick(c, [][]string{{"get"}, {"post", "put"}, {"~get"}, {"~post", "~put"}})
	}
	if r.exception && c.rarely(4) {
		r.page = pick(c, []string{"genericblock", "urlblock", "generichide", "elemhide"})
	} else if c.rarely(4) {
		r.mod = pick(c, []string{"redirect", "redirect-rule", "csp", "permissions", "removeparam"})
		r.value = pick(c, map[string][]string{
			"redirect": {"noop.js", "1x1.gif"}, "redirect-rule": {"noop.js", "1x1.gif"},
			"csp": {"script-src 'none'", "img-src 'self'"}, "permissions": {"camera=()", "sync-xhr=()"},
			"removeparam": {"a", "utm", "~b", ""},
		}[r.mod])
		if r.exception && c.rarely(3) {
			r.value = ""
		}
	}
	if r.notTypes && len(slices.Compact(slices.Sorted(slices.Values(r.types)))) >= 2 && (r.mod == "csp" || r.mod == "permissions") {
		r.types = r.types[:1] // else it might be for nothing
	}
	r.badfilter = c.rarely(12)
	return r
}

func (c *choices) pieces(n int) string {
	var b strings.Builder
	for range 1 + c.below(n) {
		b.WriteString(pick(c, somePieces))
	}
	return b.String()
}

// checkAgainstModel compiles a list that the bytes make, and compares what the
// set and the model say about some requests.
func checkAgainstModel(t *testing.T, data []byte) {
	c := &choices{data}
	var m model
	var text strings.Builder
	for range 1 + c.below(30) {
		r := c.rule()
		line := r.text()
		if len(r.types) == 0 && !r.hosts && !r.domain && kindOf(line, false) != lineRule {
			continue
		}
		m = append(m, r)
		text.WriteString(line + "\n")
	}
	// Two halves, as if they were two lists.
	list := text.String()
	half := strings.LastIndexByte(list[:len(list)/2], '\n') + 1
	set := Compile([]Source{{"one", list[:half]}, {"two", list[half:]}})
	for _, l := range set.Lists() {
		if len(l.Unsupported) > 0 {
			t.Fatalf("%s\nnot supported: %+v", list, l.Unsupported)
		}
	}
	for range 8 {
		q := modelQuery{typ: Type(c.below(int(numTypes)))}
		q.url, q.host = c.url()
		page := ""
		switch c.below(4) {
		case 0:
			page, q.pageHost = c.url()
		case 1, 2:
			q.pageHost = pick(c, someHosts)
			page = q.pageHost
		}
		q.method = pick(c, []string{"", "GET", "POST", "HEAD"})
		pageURL := page
		if !strings.Contains(page, "://") {
			pageURL = "https://" + page + "/"
		}
		want := m.match(q, pageURL)
		v := set.Match(&Request{URL: q.url, Page: page, Type: q.typ, Method: q.method})
		got := modelVerdict{action: v.Action, redirect: v.Redirect, url: v.URL}
		for _, p := range v.CSP {
			got.csp = append(got.csp, p.Value)
		}
		for _, p := range v.Permissions {
			got.permissions = append(got.permissions, p.Value)
		}
		if fmt.Sprintf("%+v", got) != fmt.Sprintf("%+v", want) {
			t.Fatalf("%s\n%s %s for %s of %q\ngot  %+v by %q over %q\nwant %+v", list, q.method, q.url, q.typ, page, got, v.Rule.Text, v.Overrode.Text, want)
		}
		if (v.Action == Pass) != (v.Rule == Rule{}) || v.Action != Pass && !strings.Contains(list, v.Rule.Text+"\n") {
			t.Fatalf("%s\n%s: %v without its rule: %+v", list, q.url, v.Action, v.Rule)
		}
	}
}

// TestAgainstModel compares the package with the model on lists made at random.
func TestAgainstModel(t *testing.T) {
	rounds := 500
	if testing.Short() {
		rounds = 100
	}
	for seed := range rounds {
		random := rand.New(rand.NewPCG(uint64(seed), 7))
		data := make([]byte, 1200)
		for i := range data {
			data[i] = byte(random.Uint32())
		}
		checkAgainstModel(t, data)
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}

func FuzzAgainstModel(f *testing.F) {
	f.Add([]byte("\x05\x03\x01\x0a\x10ads and example"))
	f.Add([]byte(strings.Repeat("\x07\x0f\x03\x0b", 100)))
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 4000 {
			return
		}
		checkAgainstModel(t, data)
	})
}
