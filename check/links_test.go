package check

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"freshet/internal/wiretest"
)

func TestLinks(t *testing.T) {
	for _, tt := range []struct{ page, want string }{
		{`<a href=/a>x</a> <A HREF='b?c=d&amp;e=f#g'>y</A> <a href="//other.example/h">`, "/a /dir/b?c=d&e=f http://other.example/h"},
		{`<a href="/a"><a href="/a#x"><a href="#y"><a href="">`, "/a"},
		{`<img src=a.png srcset="b.png 1x, c.png 2x"><source srcset='d.webp'>`, "/dir/a.png /dir/b.png /dir/c.png /dir/d.webp"},
		{`<link rel=stylesheet href=s.css><link rel=dns-prefetch href=//x.example><link rel="preconnect" href=https://y.example>`, "/dir/s.css"},
		{`<script src=a.js>document.write('<a href="/no">')</script><a href=/yes>`, "/dir/a.js /yes"},
		{`<style>a:after{content:"<a href=/no>"}</style><textarea><a href=/no></textarea><title><a href=/no></title><a href=/yes>`, "/yes"},
		{`<!-- <a href=/no> --><a href=/yes><!--><a href=/too>`, "/yes /too"},
		{`<!DOCTYPE html><?xml?></a href=/no><a href=/yes>`, "/yes"},
		{`<base href="/other/"><a href=x><base href="/third/"><a href=y>`, "/other/x /other/y"},
		{`<a href=mailto:x@y><a href="javascript:z()"><a href="data:text/html,x"><a href="tel:1">`, ""},
		{`<a title="a>b" data-href=/no href = "/yes" href=/second>`, "/yes"},
		{`<a href="/cut`, ""},
		{`<a href="/cut" `, ""},
		{`<a =href=/no href=/yes>`, "/yes"},
		{`1 < 2 <a/href=/yes/>`, "/yes/"},
		{"<a\nhref\n=\n'/yes'\n>", "/yes"},
		{`<svg><use xlink:href="sprite.svg#a"/></svg><video poster=p.png src=v.mp4></video><object data=o.svg>`, "/dir/sprite.svg /dir/p.png /dir/v.mp4 /dir/o.svg"},
		{`<a href=" /spaces ">`, "/spaces"},
		{`<a href="http://[">`, ""},
	} {
		base := &url.URL{Scheme: "http", Host: "example.com", Path: "/dir/page"}
		var got []string
		for _, u := range Links([]byte(tt.page), base) {
			got = append(got, strings.TrimPrefix(u.String(), "http://example.com"))
		}
		want := strings.Fields(tt.want)
		if strings.Join(sorted(got), " ") != strings.Join(sorted(want), " ") {
			t.Errorf("%s: %q, want %q", tt.page, got, want)
		}
	}
}

func sorted(s []string) []string {
	s = append([]string(nil), s...)
	for i := range s {
		for j := i; j > 0 && s[j] < s[j-1]; j-- {
			s[j], s[j-1] = s[j-1], s[j]
		}
	}
	return s
}

// Time grows with the size of the page.
func TestLinksTime(t *testing.T) {
	base := &url.URL{Scheme: "http", Host: "example.com", Path: "/"}
	for _, part := range []string{"<", "<a ", "<!--", "<script>", "<script></", "<a href=\"", "<a href=x>", "=", "<a =", "</"} {
		page := []byte(strings.Repeat(part, 1<<20/len(part)))
		if d := wiretest.Busy(func() { Links(page, base) }); d > 10*time.Second {
			t.Errorf("%q: %v", part, d)
		}
	}
}

func FuzzLinks(f *testing.F) {
	f.Add(`<a href="/a?b=c&amp;d">x</a><img srcset="b 1x, c 2x">`)
	f.Add(`<base href=//x/><script><a href=y></script><!-- -->`)
	f.Add(`<a href='`)
	base := &url.URL{Scheme: "http", Host: "example.com", Path: "/dir/"}
	f.Fuzz(func(t *testing.T, page string) {
		seen := map[string]bool{}
		for _, u := range Links([]byte(page), base) {
			s := u.String()
			switch {
			case u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.Fragment != "" || u.Path == "":
				t.Errorf("%q has %q", page, s)
			case seen[s]:
				t.Errorf("%q has %q twice", page, s)
			}
			seen[s] = true
			// It is in its one form.
			if again := normalised(u).String(); again != s {
				t.Errorf("%q becomes %q", s, again)
			}
		}
	})
}
