package monitor

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"freshet/cache"
	"freshet/internal/journal"
	"freshet/internal/metrics"
)

// Whatever is asked for, the answer is a page, a table or a refusal that says
// what was wrong: no fault of ours, and nothing of the address becomes markup.
func FuzzAddress(f *testing.F) {
	for _, query := range []string{
		"", "sort=size&order=desc&offset=10&limit=5", "status=5xx&path=/a*b*&slower=0.5&verdict=hit&client=192.&host=H", "q=%3Cscript%3Ealert(1)%3C/script%3E",
		"offset=-1", "limit=99999999999999999999", "sort=<script>alert(1)</script>", "over=hour&reload=off", "url=http://a/%3Cb%3E&field=A:b%0aC:d&method=GET",
		"key=\x00&url=javascript:alert(1)", "a=%zz", "path=**&status=cut", ";&=&&",
	} {
		for i := range pages {
			f.Add(uint8(i), query)
		}
	}
	j, m := journal.New(journal.Options{Records: 64}), metrics.New(metrics.Options{})
	for n := range 30 {
		j.Record(newRecord(n))
		m.Record(newRecord(n))
	}
	o := Options{Journal: j, Metrics: m, Started: time.Now()}
	monitor := New(o)
	monitor.objects = func(yield func(cache.ObjectInfo) bool) { yield(cache.ObjectInfo{Key: hostile, URL: hostile}) }
	f.Cleanup(func() { monitor.Close() })
	h := monitor.Handler()
	f.Fuzz(func(t *testing.T, page uint8, query string) {
		p := pages[int(page)%len(pages)]
		if p.own {
			return // it would ask other servers
		}
		path := p.path
		if p.named {
			path += "0000000000001"
		}
		for _, suffix := range []string{"", ".json"} {
			at := (&formOf{path, suffix}).path()
			r := httptest.NewRequest("GET", "/", nil)
			r.Host, r.URL = "localhost", &url.URL{Path: at, RawQuery: query}
			r.Header.Set("Accept", "text/html")
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			body := w.Body.String()
			switch {
			case w.Code >= 500:
				t.Fatalf("%s?%s: %d\n%s", at, query, w.Code, body)
			case strings.Contains(body, "<script>") || strings.Contains(body, "<img src=x") || strings.Contains(body, `href="javascript:`):
				t.Fatalf("%s?%s: markup\n%s", at, query, body)
			case w.Code == http.StatusOK && suffix == ".json" && !json.Valid(w.Body.Bytes()):
				t.Fatalf("%s?%s: no JSON\n%s", at, query, body)
			}
		}
	})
}

// formOf makes the path of a page's form.
type formOf struct{ page, suffix string }

func (q *formOf) path() string {
	if q.page == "/" && q.suffix != "" {
		return "/overview" + q.suffix
	}
	return q.page + q.suffix
}

// A pattern fits exactly when its parts stand in a target, in their order.
func FuzzMatches(f *testing.F) {
	for _, s := range [][2]string{{"/a/b", "/a*"}, {"/a/b", "*b"}, {"/aXbXc", "/a*b*c"}, {"/ab", "/a*b*b"}, {"", "*"}, {"/x", "x"}, {"/aa", "/a*a*"}} {
		f.Add(s[0], s[1])
	}
	f.Fuzz(func(t *testing.T, target, pattern string) {
		if strings.Count(pattern, "*") > 6 || len(target) > 64 {
			return
		}
		want := strings.Contains(target, pattern)
		if strings.Contains(pattern, "*") {
			want = slowMatch(target, pattern)
		}
		if got := matches(target, pattern); got != want {
			t.Errorf("matches(%q, %q) = %v", target, pattern, got)
		}
	})
}

// slowMatch tries everything that a star can stand for.
func slowMatch(s, pattern string) bool {
	switch {
	case pattern == "":
		return s == ""
	case pattern[0] != '*':
		return s != "" && s[0] == pattern[0] && slowMatch(s[1:], pattern[1:])
	}
	for i := 0; i <= len(s); i++ {
		if slowMatch(s[i:], pattern[1:]) {
			return true
		}
	}
	return false
}
