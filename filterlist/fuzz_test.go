package filterlist

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"freshet/internal/alloctest"
)

// FuzzCompile: whatever a list says, nothing panics, what is reported is in the
// list, and a style sheet stays inside of its element.
func FuzzCompile(f *testing.F) {
	f.Add("||ads.example^$script\n@@||ads.example/ok\n/ad[sx]+/$domain=a.example|~b.*\n", "https://ads.example/x.js?a=1", "https://news.example/")
	f.Add("! Title: x\n##.ad\n###x\nnews.example#@#.ad\n~a.example##div[a=\"b\"]\n", "http://x@[::1]:80/..", "news.example")
	f.Add("0.0.0.0 a b # c\n*.c.example\n!#if (true\nx\n!#else\n", "a:1", "\\")
	f.Add("$removeparam=/^a(b|c){1,2}/i\n||x^$csp=a,important,badfilter\n$$x\n|||\n@@", "https://a/?abc=1&&=", "..")
	f.Add("*$redirect-rule=none:5,denyallow=a.com,to=~b.com,method=~get\n||*\n||^$all\n|*|\n^^^|", "x://", "http://")
	f.Fuzz(func(t *testing.T, list, url, page string) {
		set := Compile([]Source{{"fuzz", list}})
		for typ := range numTypes {
			v := set.Match(&Request{URL: url, Page: page, Type: typ})
			if (v.Action == Pass) != (v.Rule == Rule{}) || !strings.Contains(list, v.Rule.Text) {
				t.Fatalf("%v by %+v", v.Action, v.Rule)
			}
			if (v.Action == Redirect) != (v.Redirect != "") {
				t.Fatalf("%v to %q", v.Action, v.Redirect)
			}
			if v.URL != "" && len(v.URL) >= len(url) {
				t.Fatalf("removing parameters made %q of %q", v.URL, url)
			}
		}
		h := set.Hide(page)
		if style := h.Style(); strings.Contains(style, "<") || !strings.HasSuffix(style, hide) && style != "" {
			t.Fatalf("style %q", style)
		}
		counts := set.Lists()[0].Counts
		if again := Compile([]Source{{"fuzz", list}}); again.Version() != set.Version() || again.Lists()[0].Counts != counts {
			t.Fatal("compiled differently the second time")
		}
		set.Find("a", 10)
		Diff(list, page)
	})
}

// TestAllocations: a request that nothing is to be changed about costs no
// memory, whether it is blocked or not.
func TestAllocations(t *testing.T) {
	var b strings.Builder
	for i := range 5000 {
		fmt.Fprintf(&b, "||ads%d.example^$third-party\n/banner%d/*$image,domain=a%d.example|~b.a%d.example\n@@||ok%d.example^$script\n0.0.0.0 h%d.example\n", i, i, i, i, i, i)
	}
	b.WriteString("/ad[sx]+[0-9]/$script\n||case.example/X$match-case\n@@||page.example^$genericblock\n||a.example^$removeparam=never\n||a.example^$csp=x,domain=never.example\n*$redirect-rule=noop.js,domain=never.example\n||h.example^$domain=page.*\n@@||trusted.example^$document\n")
	set := Compile([]Source{{"test", b.String()}})
	for _, q := range []Request{
		{URL: "https://www.news.example/some/path/script.js?with=a&query=1", Page: "https://www.news.example/", Type: Script},
		{URL: "https://x.ads77.example/script.js", Page: "https://www.news.example/", Type: Script},
		{URL: "https://www.shop.example/banner77/x.gif", Page: "https://c.a77.example/", Type: Image},
		{URL: "https://h77.example/", Type: Document},
		{URL: "https://case.example/Xy/AdS1", Page: "other.example", Type: Script},
		{URL: "https://ads1.example/", Page: "https://page.example/x", Type: Script},
		{URL: "https://ads1.example/", Page: "https://trusted.example/x", Type: Script},
		{URL: "https://g.example/?x=1", Page: "https://x.page.co/x", Type: XHR},
		{URL: "https://a.example/?x=1", Page: "https://a.example/", Type: Document},
	} {
		if n := alloctest.PerRun(100, func() { set.Match(&q) }); n > 0 {
			t.Errorf("%s: %v allocations", q.URL, n)
		}
	}
}

// TestConcurrentUse is for the race detector.
func TestConcurrentUse(t *testing.T) {
	set := Compile([]Source{{"test", "||ads.example^$script,domain=news.*\n/ad[sx]/\n$removeparam=u\n##.x\nnews.example##.y\n"}})
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			for range 200 {
				set.Match(&Request{URL: "https://ads.example/adx?u=1", Page: "https://news.com/", Type: Script})
				set.Hide("news.example")
			}
		})
	}
	group.Wait()
}
