package worker_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"freshet/internal/worker"
	"freshet/jobs"
)

// site is a server without a network: answers by URL, each in turn; the last
// one stays.
type site struct {
	mu      sync.Mutex
	answers map[string][]answer
	asked   []string // URL, after what time
	start   time.Time
	running int
	most    int // at a time
}

type answer struct {
	status int
	header string // "Name: value"
	body   string
	err    error
	takes  time.Duration
}

func (s *site) RoundTrip(r *http.Request) (*http.Response, error) {
	s.mu.Lock()
	url := r.URL.String()
	s.asked = append(s.asked, fmt.Sprintf("%s %v", url, time.Since(s.start)))
	s.running++
	s.most = max(s.most, s.running)
	list := s.answers[url]
	a := answer{status: 404}
	if len(list) > 0 {
		a = list[0]
	}
	if len(list) > 1 {
		s.answers[url] = list[1:]
	}
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		s.running--
		s.mu.Unlock()
	}()
	t := time.NewTimer(a.takes)
	defer t.Stop()
	select {
	case <-t.C:
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
	if a.err != nil {
		return nil, a.err
	}
	header := http.Header{}
	for line := range strings.Lines(a.header) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
		header.Add(name, value)
	}
	return &http.Response{StatusCode: a.status, Header: header, Body: io.NopCloser(strings.NewReader(a.body)), Request: r}, nil
}

// paper is a Reporter that keeps what it is told.
type paper struct {
	mu    sync.Mutex
	text  strings.Builder
	last  float64
	lines int
}

func (p *paper) Progress(fraction float64, _ string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.last = max(p.last, fraction)
}

func (p *paper) Print(format string, args ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.lines++
	fmt.Fprintf(&p.text, format+"\n", args...)
}

// warm runs a task of the kind in a bubble of its own.
func warm(t *testing.T, s *site, o worker.WarmOptions, params map[string]string) (r jobs.Result, p *paper) {
	t.Helper()
	p = &paper{}
	synctest.Test(t, func(t *testing.T) {
		s.start = time.Now()
		o.Transport = s
		r = worker.Warm(o)(t.Context(), &jobs.Task{Spec: jobs.Spec{Kind: "warm", Params: params}}, p)
	})
	return r, p
}

func TestWarmCounts(t *testing.T) {
	s := &site{answers: map[string][]answer{
		"http://a/hit":   {{status: 200, header: `Cache-Status: origin; fwd=miss, "it;s, ours"; hit`, body: "12345"}},
		"http://a/miss":  {{status: 200, header: "Cache-Status: far; hit\nCache-Status: ours; fwd=miss; stored"}},
		"http://a/plain": {{status: 200}},
		"http://a/moved": {{status: 301, header: `Cache-Status: ours; hit`}},
		"http://a/bad":   {{status: 500}},
		"http://a/error": {{err: errors.New("no route")}},
		"http://a/slow":  {{status: 200, takes: time.Hour}},
	}}
	r, p := warm(t, s, worker.WarmOptions{Concurrency: 3}, map[string]string{
		"urls": "http://a/hit http://a/miss\nhttp://a/plain#part http://a/plain\thttp://a/moved http://a/bad http://a/error http://a/slow http://a/none"})
	if r.Exit != 1 || !strings.HasPrefix(r.Reason, "4 of 8 URLs failed; the first: http://a/") {
		t.Errorf("%+v", r)
	}
	if len(s.asked) != 8 || p.last != 1 {
		t.Errorf("%d asked for, progress %v", len(s.asked), p.last)
	}
	for _, want := range []string{"8 of 8 URLs: 2 hit, 1 miss, 4 failed, 1 of which no cache speaks; 5 bytes in 1m0s", "http://a/bad: status 500", "http://a/error: no route", "http://a/slow: context deadline exceeded", "http://a/none: status 404"} {
		if !strings.Contains(p.text.String(), want) {
			t.Errorf("nothing is said of %q:\n%s", want, p.text.String())
		}
	}
}

// Over a network, with the transport of net/http.
func TestWarmOverHTTP(t *testing.T) {
	var asked atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		if r.Header.Get("Accept-Encoding") != "br" {
			t.Errorf("Accept-Encoding: %q", r.Header.Get("Accept-Encoding"))
		}
		w.Header().Set("Cache-Status", "ours; hit")
		io.WriteString(w, strings.Repeat("x", 100_000))
	}))
	defer server.Close()
	p := &paper{}
	r := worker.Warm(worker.WarmOptions{})(t.Context(), &jobs.Task{Spec: jobs.Spec{Params: map[string]string{"urls": server.URL + "/a " + server.URL + "/b", "accept-encoding": "br"}}}, p)
	if !r.OK() || asked.Load() != 2 || !strings.Contains(p.text.String(), "2 of 2 URLs: 2 hit, 0 miss, 0 failed; 200000 bytes") {
		t.Errorf("%+v\n%s", r, p.text.String())
	}
}

func TestWarmWaits(t *testing.T) {
	s := &site{answers: map[string][]answer{
		"http://a/1": {{status: 200}},
		"http://a/2": {{status: 429, header: "Retry-After: 60"}, {status: 503, header: "Retry-After: Sat, 01 Jan 2000 00:03:00 GMT"}, {status: 200}},
		"http://a/3": {{status: 200}},
		"http://a/4": {{status: 503}},
		"http://a/5": {{status: 429}, {status: 200}},
	}}
	r, p := warm(t, s, worker.WarmOptions{}, map[string]string{"concurrency": "1", "urls": "http://a/1 http://a/2 http://a/3 http://a/4 http://a/5"})
	want := "http://a/1 0s|http://a/2 0s|http://a/2 1m0s|http://a/2 3m0s|http://a/3 3m0s|http://a/4 3m0s|http://a/5 3m0s|http://a/5 3m10s"
	if got := strings.Join(s.asked, "|"); got != want {
		t.Errorf("asked\n%s, want\n%s", got, want)
	}
	if r.Exit != 1 || r.Reason != "1 of 5 URLs failed; the first: http://a/4: status 503" {
		t.Errorf("%+v\n%s", r, p.text.String())
	}
}

// All that fetch stop, not only the one that was told.
func TestWarmAllWait(t *testing.T) {
	answers := map[string][]answer{"http://a/0": {{status: 429, header: "Retry-After: 60"}, {status: 200}}}
	urls := "http://a/0"
	for i := 1; i < 20; i++ {
		url := fmt.Sprintf("http://a/%d", i)
		answers[url] = []answer{{status: 200, takes: time.Second}}
		urls += " " + url
	}
	s := &site{answers: answers}
	if r, _ := warm(t, s, worker.WarmOptions{Concurrency: 4}, map[string]string{"urls": urls}); !r.OK() {
		t.Errorf("%+v", r)
	}
	early := 0
	for i, line := range s.asked {
		switch _, at, _ := strings.Cut(line, " "); {
		case at == "0s":
			early++
		case !strings.HasPrefix(at, "1m"):
			t.Errorf("request %d: %s", i, line)
		}
	}
	if early > 4 || s.most != 4 {
		t.Errorf("%d requests before the pause, %d at a time", early, s.most)
	}
}

func TestWarmGivesUp(t *testing.T) {
	s := &site{answers: map[string][]answer{"http://a/1": {{status: 503, header: "Retry-After: 7200"}}, "http://a/2": {{status: 200}}}}
	r, _ := warm(t, s, worker.WarmOptions{Concurrency: 1}, map[string]string{"urls": "http://a/1 http://a/2"})
	if r.Exit != 1 || r.Reason != "status 503, and asks to be left alone for 2h" || len(s.asked) != 1 {
		t.Errorf("%+v, asked %q", r, s.asked)
	}
	s = &site{answers: map[string][]answer{"http://a/1": {{status: 429, header: "Retry-After: 1"}}}}
	r, _ = warm(t, s, worker.WarmOptions{}, map[string]string{"urls": "http://a/1"})
	if r.Exit != 1 || len(s.asked) != 5 {
		t.Errorf("%+v, asked %q", r, s.asked)
	}
}

func TestWarmEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &site{answers: map[string][]answer{"http://a/1": {{status: 503, header: "Retry-After: 60"}}}}
		ctx, cancel := context.WithTimeoutCause(t.Context(), time.Second, jobs.ErrCancelled)
		defer cancel()
		r := worker.Warm(worker.WarmOptions{Transport: s})(ctx, &jobs.Task{Spec: jobs.Spec{Params: map[string]string{"urls": "http://a/1 http://a/2"}}}, &paper{})
		if r.OK() || !strings.Contains(r.Reason, "cancelled") {
			t.Errorf("%+v", r)
		}
	})
}

func TestWarmParameters(t *testing.T) {
	for _, x := range []struct {
		params map[string]string
		reason string
	}{
		{nil, "nothing to fetch"},
		{map[string]string{"urls": "  "}, "nothing to fetch"},
		{map[string]string{"urls": "ftp://a/"}, "no http or https URL"},
		{map[string]string{"urls": "/a"}, "no http or https URL"},
		{map[string]string{"urls": "http://%zz/"}, "invalid"},
		{map[string]string{"urls": "http://a/ http://b/ http://c/"}, "more than 2 URLs"},
		{map[string]string{"urls": "http://a/", "concurrency": "0"}, "no number above 0"},
		{map[string]string{"url": "http://a/"}, `no parameter "url"`},
		{map[string]string{"sitemap": "file:///etc/passwd"}, "no http or https URL"},
		{map[string]string{"sitemap": "http://a/none"}, "sitemap http://a/none: status 404"},
	} {
		s := &site{}
		if r, _ := warm(t, s, worker.WarmOptions{MaxURLs: 2}, x.params); r.OK() || !strings.Contains(r.Reason, x.reason) {
			t.Errorf("%q: %+v", x.params, r)
		}
	}
}

func zipped(text string) string {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	z.Write([]byte(text))
	z.Close()
	return b.String()
}

func TestWarmSitemap(t *testing.T) {
	page := answer{status: 200, header: "Cache-Status: ours; fwd=miss"}
	s := &site{answers: map[string][]answer{
		"http://a/index.xml": {{status: 200, body: `<?xml version="1.0" encoding="UTF-8"?>
<sitemapindex xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">
<sitemap><loc>http://a/one.xml.gz</loc><lastmod>2026-01-01</lastmod></sitemap>
<sitemap><loc> http://A/two.txt
</loc></sitemap>
<sitemap><loc>http://a/index.xml</loc></sitemap>
<sitemap><loc>http://b/three.xml</loc></sitemap></sitemapindex>`}},
		"http://a/one.xml.gz": {{status: 200, body: zipped(`<urlset><url><loc>http://a/1?a=1&amp;b=2</loc><image:image><image:loc>http://a/no</image:loc></image:image></url><url><loc><![CDATA[http://a/2]]></loc></url><url><loc>http://b/3</loc></url></urlset>`)}},
		"http://A/two.txt":    {{status: 200, body: "\ufeffhttp://a/2\r\nhttp://a/4\n\n"}},
		"http://a/1?a=1&b=2":  {page}, "http://a/2": {page}, "http://a/4": {page},
	}}
	r, p := warm(t, s, worker.WarmOptions{}, map[string]string{"sitemap": "http://a/index.xml"})
	if !r.OK() || !strings.Contains(p.text.String(), "3 of 3 URLs: 0 hit, 3 miss, 0 failed") || !strings.Contains(p.text.String(), "2 URLs of other hosts") {
		t.Errorf("%+v\n%s\n%q", r, p.text.String(), s.asked)
	}
}

func TestSitemapBounds(t *testing.T) {
	deep := &site{answers: map[string][]answer{}}
	for i := range 5 {
		deep.answers[fmt.Sprintf("http://a/%d", i)] = []answer{{status: 200, body: fmt.Sprintf("<sitemapindex><sitemap><loc>http://a/%d</loc></sitemap></sitemapindex>", i+1)}}
	}
	if r, _ := warm(t, deep, worker.WarmOptions{}, map[string]string{"sitemap": "http://a/0"}); !strings.Contains(r.Reason, "more than 3 deep") {
		t.Errorf("%+v", r)
	}
	for _, x := range []struct{ text, want string }{
		{"<urlset><url><loc>http://a/</loc></url>", "unexpected EOF"},
		{"<urlset>" + strings.Repeat("<a>", 20), "nested more than 16 deep"},
		{"<urlset><url><loc>" + strings.Repeat("x", 9000) + "</loc></url></urlset>", "too long"},
		{strings.Repeat("x", 9000), "too long"},
		{strings.Repeat("http://a/\n", 101), "more than 100 URLs"},
		{"<urlset>" + strings.Repeat("<url><loc>x</loc></url>", 101) + "</urlset>", "more than 100 URLs"},
		{"<urlset>" + strings.Repeat(" ", 1<<20) + "</urlset>", "longer than"},
	} {
		if _, _, err := worker.ReadSitemap(strings.NewReader(x.text), 100, 1<<20); err == nil || !strings.Contains(err.Error(), x.want) {
			t.Errorf("%.40s: %v, want %s", x.text, err, x.want)
		}
	}
}

func TestCacheHit(t *testing.T) {
	for _, x := range []struct {
		lines      []string
		hit, known bool
	}{
		{nil, false, false},
		{[]string{""}, false, false},
		{[]string{"a; hit"}, true, true},
		{[]string{"a; hit=?1; ttl=4"}, true, true},
		{[]string{"a; hit=?0"}, false, true},
		{[]string{"a; hit, b"}, false, true},
		{[]string{"a; fwd=stale", "b; hit"}, true, true},
		{[]string{`"a, b; c\"; hit"`}, false, true},
		{[]string{`a; detail="x; hit, y"`}, false, true},
		{[]string{`"`}, false, true},
		{[]string{`"\`}, false, true},
	} {
		if hit, known := worker.CacheHit(x.lines); hit != x.hit || known != x.known {
			t.Errorf("%q: %v, %v", x.lines, hit, known)
		}
	}
}

func FuzzReadSitemap(f *testing.F) {
	f.Add("<urlset><url><loc>http://a/</loc></url></urlset>")
	f.Add("http://a/\nhttp://b/\n")
	f.Fuzz(func(t *testing.T, text string) {
		pages, maps, _ := worker.ReadSitemap(strings.NewReader(text), 10, 1<<20)
		if len(pages)+len(maps) > 11 {
			t.Errorf("%d pages, %d sitemaps", len(pages), len(maps))
		}
	})
}
