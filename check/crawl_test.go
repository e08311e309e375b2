package check

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// A site is pages by path, and which of them were asked for.
type site struct {
	*httptest.Server
	mu    sync.Mutex
	asked []string
}

func newSite(t *testing.T, pages map[string]string) *site {
	t.Helper()
	s := &site{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		s.asked = append(s.asked, r.URL.RequestURI())
		s.mu.Unlock()
		page, ok := pages[r.URL.RequestURI()]
		to, redirects := strings.CutPrefix(page, "to ")
		switch {
		case !ok:
			http.NotFound(w, r)
			return
		case redirects:
			http.Redirect(w, r, to, http.StatusPermanentRedirect)
			return
		case r.URL.Path == "/robots.txt":
			w.Header().Set("Content-Type", "text/plain")
		default:
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
		}
		w.Header().Set("Cache-Control", "max-age=60")
		io.WriteString(w, page)
	}))
	t.Cleanup(s.Close)
	return s
}

// paths are those of results, without the address of the site.
func (s *site) paths(results []*Result) string {
	var all []string
	for _, r := range results {
		all = append(all, strings.TrimPrefix(r.URL, s.URL))
	}
	return strings.Join(all, " ")
}

func (s *site) crawl(t *testing.T, path string, o Crawling) *Crawl {
	t.Helper()
	c := New(Options{PassiveOnly: true})
	defer c.Close()
	u, err := ParseURL(s.URL + path)
	if err != nil {
		t.Fatal(err)
	}
	crawl, err := c.Crawl(context.Background(), u, o)
	if err != nil {
		t.Fatal(err)
	}
	return crawl
}

func TestCrawl(t *testing.T) {
	other := newSite(t, map[string]string{"/": "other"})
	s := newSite(t, map[string]string{
		"/":           `<a href=/a><a href="/a#x"><a href=b?c><a href=/secret/x><a href=/secret/y><a href=/old><a href=/out><img src=/none.png><a href=` + other.URL + `/>`,
		"/a":          `<a href=/><a href=/deep>`,
		"/b?c":        `<a href=/a>`,
		"/deep":       `<a href=/deeper>`,
		"/deeper":     "the end",
		"/old":        "to /new",
		"/new":        "here",
		"/out":        "to " + other.URL + "/",
		"/secret/x":   "no",
		"/robots.txt": "User-agent: *\nDisallow: /secret/\n",
	})
	crawl := s.crawl(t, "/", Crawling{})
	if got := s.paths(crawl.Results); got != "/ /a /b?c /old /new /out /none.png /deep /deeper" {
		t.Errorf("checked %s", got)
	}
	if crawl.Disallowed != 2 {
		t.Errorf("%d forbidden links", crawl.Disallowed)
	}
	if len(other.asked) > 0 {
		t.Errorf("another host was asked for %v", other.asked)
	}
	for _, path := range []string{"/a", "/new", "/deeper", "/robots.txt"} {
		if n := len(slices.DeleteFunc(slices.Clone(s.asked), func(p string) bool { return p != path })); n != 1 {
			t.Errorf("%s was asked for %d times", path, n)
		}
	}
	broken := foundIn(crawl.Results)["link-broken"]
	if !strings.Contains(broken, "[the link: 404, and the link is in "+s.URL+"/]") {
		t.Errorf("the broken link: %s", broken)
	}
	for _, r := range crawl.Results {
		if found := foundIn([]*Result{r}); (found["link-broken"] != "") != strings.HasSuffix(r.URL, "/none.png") {
			t.Errorf("%s: %v", r.URL, found)
		}
	}
	if slices.Contains(s.asked, "/secret/x") {
		t.Error("robots.txt was not obeyed")
	}
}

// A site that begins with a redirect is where that leads.
func TestCrawlFromRedirect(t *testing.T) {
	s := newSite(t, map[string]string{"/home": "<a href=/a>", "/a": "x"})
	first := newSite(t, map[string]string{"/": "to " + s.URL + "/home"})
	crawl := first.crawl(t, "/", Crawling{})
	if len(crawl.Results) != 3 || crawl.Results[2].URL != s.URL+"/a" {
		t.Errorf("checked %s", first.paths(crawl.Results))
	}
}

func TestCrawlBounds(t *testing.T) {
	pages := map[string]string{}
	for i := range 50 {
		pages[fmt.Sprintf("/%d", i)] = fmt.Sprintf("<a href=/%d><a href=/%d>", i+1, i+2)
	}
	s := newSite(t, pages)
	for _, concurrency := range []int{1, 8} {
		var calls atomic.Int64
		crawl := s.crawl(t, "/0", Crawling{MaxPages: 10, Concurrency: concurrency, Progress: func(done, known int, u *url.URL) {
			if done < 0 || done >= known || known > 10 || u == nil {
				t.Errorf("progress: %d of %d, %v", done, known, u)
			}
			calls.Add(1)
		}})
		if len(crawl.Results) != 10 || calls.Load() != 9 {
			t.Errorf("%d at once: %d results, progress told %d times", concurrency, len(crawl.Results), calls.Load())
		}
	}
}

func TestCrawlDelay(t *testing.T) {
	s := newSite(t, map[string]string{"/a": "", "/b": "", "/c": ""})
	c := New(Options{PassiveOnly: true})
	defer c.Close()
	var pages []*url.URL
	for _, p := range []string{"/a", "/b", "/c", "/a"} {
		u, _ := ParseURL(s.URL + p)
		pages = append(pages, u)
	}
	start := time.Now()
	results := c.URLs(context.Background(), pages, Crawling{Delay: 30 * time.Millisecond, Concurrency: 3})
	if d := time.Since(start); d < 60*time.Millisecond {
		t.Errorf("three checks took %v", d)
	}
	if got := s.paths(results); got != "/a /b /c" {
		t.Errorf("checked %s", got)
	}
}

// A crawl that is ended returns what it has.
func TestCrawlCanceled(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	s := newSite(t, map[string]string{"/": "<a href=/a><a href=/b>", "/a": "", "/b": ""})
	c := New(Options{PassiveOnly: true})
	defer c.Close()
	u, _ := ParseURL(s.URL)
	crawl, err := c.Crawl(ctx, u, Crawling{Progress: func(int, int, *url.URL) { cancel() }})
	if err != nil || len(crawl.Results) != 1 || crawl.Results[0].Err != nil {
		t.Errorf("%+v, %v", crawl, err)
	}
}
