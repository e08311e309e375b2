package check

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"freshet/internal/coding"
	"freshet/internal/field"
)

func packed(t testing.TB, text string) []byte {
	t.Helper()
	b, err := coding.Encode(nil, field.Gzip, []byte(text), coding.Quick)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestParseSitemap(t *testing.T) {
	const set = `<?xml version="1.0" encoding="UTF-8"?><urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9" xmlns:image="http://www.google.com/schemas/sitemap-image/1.1">
<url><loc> http://example.com/a?b=1&amp;c=2 </loc><lastmod>2026-01-01</lastmod><image:image><image:loc>http://example.com/no.png</image:loc></image:image></url>
<url><loc>https://example.com</loc></url><url><loc>ftp://example.com/</loc></url><url><loc>/relative</loc></url></urlset>`
	const index = `<sitemapindex><sitemap><loc>http://example.com/1.xml</loc></sitemap><sitemap><loc>http://example.com/2.xml.gz</loc></sitemap></sitemapindex>`
	for _, tt := range []struct{ name, text, pages, sitemaps, fault string }{
		{"set", set, "http://example.com/a?b=1&c=2 https://example.com/", "", ""},
		{"gzip", string(packed(t, set)), "http://example.com/a?b=1&c=2 https://example.com/", "", ""},
		{"index", index, "", "http://example.com/1.xml http://example.com/2.xml.gz", ""},
		{"byte order mark", "\xef\xbb\xbf" + index, "", "http://example.com/1.xml http://example.com/2.xml.gz", ""},
		{"text", "http://example.com/a\r\n\nhttps://example.com/b\n", "http://example.com/a https://example.com/b", "", ""},
		{"empty set", "<urlset/>", "", "", ""},
		{"empty", "", "", "", "it is no sitemap"},
		{"prose", "hello\n", "", "", "it is no sitemap"},
		{"feed", "<rss><channel/></rss>", "", "", "it is no sitemap"},
		{"page", "<!DOCTYPE html><html><head><title>x</title></head></html>", "", "", "it is no sitemap"},
		{"cut off", set[:300], "", "", "read the sitemap: XML syntax error on line 2: unexpected EOF"},
		{"cut gzip", string(packed(t, set)[:40]), "", "", "decode gzip: unexpected EOF"},
		{"deep", "<urlset>" + strings.Repeat("<a>", 40), "", "", "read the sitemap: its elements are nested too deep"},
		{"bomb", string(packed(t, strings.Repeat(" ", maxSitemapBytes+1))), "", "", "decode gzip: it becomes more than 52428800 bytes"},
	} {
		pages, sitemaps, err := ParseSitemap([]byte(tt.text))
		fault := ""
		if err != nil {
			fault = err.Error()
		}
		if got := strings.Trim(fmt.Sprint(pages), "[]"); got != tt.pages {
			t.Errorf("%s: pages %s, want %s", tt.name, got, tt.pages)
		}
		if got := strings.Trim(fmt.Sprint(sitemaps), "[]"); got != tt.sitemaps {
			t.Errorf("%s: sitemaps %s, want %s", tt.name, got, tt.sitemaps)
		}
		if fault != tt.fault {
			t.Errorf("%s: %s, want %s", tt.name, fault, tt.fault)
		}
	}
}

func TestSitemapBound(t *testing.T) {
	text := strings.Repeat("http://example.com/a\n", maxSitemapURLs+5)
	pages, _, err := ParseSitemap([]byte(text))
	if err != nil || len(pages) != maxSitemapURLs {
		t.Errorf("%d pages, %v", len(pages), err)
	}
	text = "<sitemapindex>" + strings.Repeat("<sitemap><loc>http://example.com/a</loc></sitemap>", maxSitemaps+5) + "</sitemapindex>"
	_, sitemaps, err := ParseSitemap([]byte(text))
	if err != nil || len(sitemaps) != maxSitemaps {
		t.Errorf("%d sitemaps, %v", len(sitemaps), err)
	}
}

func TestSitemap(t *testing.T) {
	var s *httptest.Server
	s = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/index.xml": // and it names itself
			fmt.Fprintf(w, "<sitemapindex><sitemap><loc>%[1]s/1.xml</loc></sitemap><sitemap><loc>%[1]s/2.xml.gz</loc></sitemap><sitemap><loc>%[1]s/index.xml</loc></sitemap></sitemapindex>", s.URL)
		case "/1.xml":
			fmt.Fprintf(w, "<urlset><url><loc>%[1]s/a</loc></url><url><loc>%[1]s/b</loc></url></urlset>", s.URL)
		case "/2.xml.gz":
			http.Redirect(w, r, "/moved.gz", http.StatusFound)
		case "/moved.gz":
			w.Write(packed(t, fmt.Sprintf("<urlset><url><loc>%[1]s/b</loc></url><url><loc>%[1]s/c</loc></url></urlset>", s.URL)))
		case "/deep.xml":
			n := len(r.URL.RawQuery)
			fmt.Fprintf(w, "<sitemapindex><sitemap><loc>%s/deep.xml?%s</loc></sitemap></sitemapindex>", s.URL, strings.Repeat("x", n+1))
		case "/page.xml":
			io.WriteString(w, "<html></html>")
		default:
			http.NotFound(w, r)
		}
	}))
	defer s.Close()
	c := New(Options{})
	defer c.Close()
	ask := func(path string) (string, error) {
		u, err := ParseURL(s.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		pages, err := c.Sitemap(context.Background(), u)
		return strings.ReplaceAll(fmt.Sprint(pages), s.URL, ""), err
	}
	if got, err := ask("/index.xml"); err != nil || got != "[/a /b /c]" {
		t.Errorf("%s, %v", got, err)
	}
	if got, err := ask("/deep.xml"); err != nil || got != "[]" {
		t.Errorf("indexes without an end: %s, %v", got, err)
	}
	if _, err := ask("/page.xml"); !errors.Is(err, ErrNoSitemap) {
		t.Errorf("a page: %v", err)
	}
	if _, err := ask("/none.xml"); err == nil || err.Error() != s.URL+"/none.xml: the answer is 404: it is no sitemap" || !errors.Is(err, ErrNoSitemap) {
		t.Errorf("no file: %v", err)
	}
	pages, err := c.Pages(context.Background(), []byte("http://example.com/a\nhttp://example.com/a#b\n"))
	if err != nil || fmt.Sprint(pages) != "[http://example.com/a]" {
		t.Errorf("%v, %v", pages, err)
	}
}

func FuzzSitemap(f *testing.F) {
	f.Add([]byte("<urlset><url><loc>http://example.com/a</loc></url></urlset>"))
	f.Add([]byte("<sitemapindex><sitemap><loc>http://example.com/1.xml</loc></sitemap></sitemapindex>"))
	f.Add([]byte("http://example.com/\nhttps://example.com/b"))
	f.Add(packed(f, "<urlset/>"))
	f.Fuzz(func(t *testing.T, data []byte) {
		pages, sitemaps, err := ParseSitemap(data)
		if err != nil && len(pages)+len(sitemaps) > 0 {
			t.Errorf("%q: %v and %v beside %v", data, pages, sitemaps, err)
		}
		for _, u := range append(pages, sitemaps...) {
			if u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.Path == "" {
				t.Errorf("%q: %v", data, u)
			}
		}
	})
}

func TestRobots(t *testing.T) {
	for _, tt := range []struct{ text, allowed, not string }{
		{"", "/ /a", ""},
		{"User-agent: *\nDisallow: /", "/robots.txt", "/ /a"},
		{"User-agent: *\nDisallow:", "/ /a", ""},
		{"user-agent: other\ndisallow: /", "/a", ""},
		{"User-agent: Freshet\nDisallow: /a\n\nUser-agent: *\nDisallow: /", "/b", "/a /ab"},
		{"User-agent: freshet\nUser-agent: other\nDisallow: /a", "/b", "/a"},
		{"User-agent: *\nDisallow: /a\nAllow: /a/b", "/a/b /a/bc /b", "/a /a/c"},
		{"User-agent: *\nDisallow: /a\nAllow: /a", "/a", ""},
		{"User-agent: *\nDisallow: /*.php$", "/a.php?x /a.phps", "/a.php /b/c.php"},
		{"User-agent: *\nDisallow: /a*b*c", "/abd /bac", "/abc /axbxcx"},
		{"User-agent: *\nDisallow: /a$", "/ab", "/a"},
		{"User-agent: *\nDisallow: /*?", "/a", "/a?b"},
		{"Disallow: /\nUser-agent: *\nDisallow: /b # not this\nSitemap: /x", "/a", "/b"},
		{"User-agent: *\r\nDisallow: /a\r\n", "/b", "/a"},
	} {
		r := parseRobots(tt.text)
		for want, paths := range map[bool]string{true: tt.allowed, false: tt.not} {
			for path := range strings.FieldsSeq(paths) {
				u, err := ParseURL("http://example.com" + path)
				if err != nil {
					t.Fatal(err)
				}
				if r.allows(u) != want {
					t.Errorf("%q: %s: allowed %v", tt.text, path, !want)
				}
			}
		}
	}
}

func FuzzRobots(f *testing.F) {
	f.Add("User-agent: *\nDisallow: /a*b$\nAllow: /", "/ab")
	f.Add("User-agent: freshet\nDisallow: /", "/")
	f.Fuzz(func(t *testing.T, text, path string) {
		u, err := ParseURL("http://example.com/" + strings.TrimPrefix(path, "/"))
		if err != nil {
			return
		}
		r := parseRobots(text)
		if allowed := r.allows(u); !allowed && len(r.rules) == 0 {
			t.Errorf("%q forbids %q, and has no rule", text, path)
		}
	})
}
