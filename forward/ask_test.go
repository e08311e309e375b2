package forward_test

import (
	"compress/gzip"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"time"

	"freshet/filterlist"
	"freshet/forward"
	"freshet/internal/why"
)

// What would be answered is what is answered, and says by which line of which
// list, and what would be without it; asking has no effects.
func TestWhyListed(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Cache-Control", "max-age=60")
		io.WriteString(w, aPage)
	}))
	defer server.Close()
	h, c, told, _ := filtered(t, hideRules+"/ads/\n@@/ads/own\n/ads/named$script,redirect=noop.js\n$removeparam=utm\n", nil)
	visit(server.URL+"/").do(t, c)
	<-told
	host := strings.TrimPrefix(server.URL, "http://")
	for _, tt := range []struct {
		path, dest string
		rule       string
		says       []string
	}{
		{"/ads/x", "image", "filter-stand-in", []string{"mine:5 /ads/", "unless another one blocks it", "for the page http://news.example/"}},
		{"/ads/named", "script", "filter-replaced", []string{"noop.js", "mine:7", "an empty stand-in"}},
		{"/ads/own", "image", "cache-uri-miss", []string{"mine:6 @@/ads/own", "mine:5 /ads/", "filter-allowed", "Without this exception it would be blocked"}},
		{"/?utm=1", "document", "reuse-fresh", []string{"utm", "filter-parameters", "with all parameters"}},
		{"/", "document", "reuse-fresh", nil},
	} {
		r := httptest.NewRequest("GET", tt.path, nil)
		r.Host, r.TLS = host, (*tls.ConnectionState)(nil)
		r.Header.Set("Sec-Fetch-Dest", tt.dest)
		r.Header.Set("Referer", "http://news.example/")
		r.Header.Set("Accept", "text/html")
		r.Header.Set("Accept-Encoding", "gzip") // as the client's
		e := h.Why(r)
		text := strings.Join(strings.Fields(string(e.AppendText(nil, 200))), " ")
		if e.Rule.String() != tt.rule {
			t.Errorf("%s: %v, want %s\n%s", tt.path, e.Rule, tt.rule, text)
		}
		for _, want := range tt.says {
			if !strings.Contains(text, want) {
				t.Errorf("%s: no %q in %s", tt.path, want, text)
			}
		}
		if len(r.Header["Freshet-Sheet"]) > 0 {
			t.Errorf("%s: asking has changed the request", tt.path)
		}
	}
	if sites := h.CutSites(); len(sites) != 0 {
		t.Errorf("asking counts: %+v", sites)
	}
	fetch{url: server.URL + "/ads/x", dest: "image", page: "http://news.example/"}.do(t, c)
	record := <-told
	if e := h.Explain(&record); e == nil || !strings.Contains(string(e.AppendText(nil, 200)), "mine:5 /ads/") {
		t.Errorf("explained: %+v", e)
	}
	visit(server.URL+"/?utm=2").do(t, c)
	record = <-told
	if e := h.Explain(&record); e == nil || !hasRule(e, "filter-parameters") || !hasRule(e, "filter-hidden") {
		t.Errorf("explained: %+v", e)
	}
}

func hasRule(e *why.Explanation, name string) bool {
	for _, c := range e.Compared {
		if c.Rule == name {
			return true
		}
	}
	return false
}

func TestJudge(t *testing.T) {
	h, _, _, _ := filtered(t, hideRules+"/ads/\n", nil)
	q := filterlist.Request{URL: "http://x.example/ads/", Type: filterlist.Image, Page: "http://news.example/"}
	if j := h.Judge(q); j.Rule.String() != "filter-stand-in" || j.LetPass != nil || j.Verdict.Rule.Line != 5 {
		t.Errorf("%+v", j)
	}
	if err := h.Allow(forward.Allowance{Site: "news.example", Until: time.Now().Add(time.Hour)}); err != nil {
		t.Fatal(err)
	}
	if j := h.Judge(q); j.Rule != 0 || j.LetPass == nil || j.Notes[0].String() != "filter-let-pass" {
		t.Errorf("allowed: %+v", j)
	}
	if j := h.Judge(filterlist.Request{URL: "http://news.example/", Type: filterlist.Document}); len(j.Hide.Rules) == 0 || j.Hide.Generic == "" {
		t.Errorf("hide: %+v", j.Hide)
	}
}

// A page of any length passes in bounded memory, decoded, with its style sheet,
// and coded again.
func TestHideMemory(t *testing.T) {
	const size = 24 << 20
	var text strings.Builder
	for i := 0; text.Len() < size; i++ {
		fmt.Fprintf(&text, "<p>some text that goes on and on, %d</p>\n", i*2654435761)
	}
	body := gzipped(aPage + text.String())
	text.Reset()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Content-Encoding", "gzip")
		w.Header().Set("Cache-Control", "no-store")
		w.Write(body)
	}))
	defer server.Close()
	_, c, _, _ := filtered(t, hideRules, nil)
	r, _ := http.NewRequest("GET", server.URL, nil)
	r.Header.Set("Accept", "text/html")
	r.Header.Set("Accept-Encoding", "gzip")
	var before, now runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	resp, err := c.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	page, err := gzip.NewReader(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 64<<10)
	var n, most int64
	for look := int64(0); ; {
		k, err := page.Read(buf)
		if n += int64(k); n > look {
			look += 8 << 20
			runtime.GC()
			runtime.ReadMemStats(&now)
			most = max(most, int64(now.HeapAlloc)-int64(before.HeapAlloc))
		}
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if n < size || most > 8<<20 {
		t.Errorf("%d bytes came; %d KiB were held", n, most>>10)
	}
}

// A document that may be a frame passes, and why says what it would be as one.
func TestWhyFrame(t *testing.T) {
	h, err := forward.New(forward.Options{AllowPrivate: true, Lists: []forward.ListSource{listFile(t, "||ads.example^\n||all.example^$all\n")}})
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	const as = "taken for a page. As a frame it would be blocked, by mine:1 ||ads.example^"
	for _, tt := range []struct {
		host, referer, dest string
		says                bool
		rule                string
	}{
		{"ads.example", "http://news.example/a", "", true, "proxy-answered"},
		{"ads.example", "", "", false, "proxy-answered"},
		{"ads.example", "https://news.example/", "", false, "proxy-answered"},
		{"ads.example", "http://news.example/", "iframe", false, "filter-stand-in"},
		{"ads.example", "http://news.example/", "document", false, "proxy-answered"},
		{"good.example", "http://news.example/", "", false, "proxy-answered"},
		{"all.example", "http://news.example/", "", false, "filter-blocked"},
	} {
		r := httptest.NewRequest("GET", "/x", nil)
		r.Host = tt.host
		r.Header.Set("Accept", "text/html,*/*;q=0.8")
		if tt.referer != "" {
			r.Header.Set("Referer", tt.referer)
		}
		if tt.dest != "" {
			r.Header.Set("Sec-Fetch-Dest", tt.dest)
		}
		e := h.Why(r)
		text := strings.Join(strings.Fields(string(e.AppendText(nil, 200))), " ")
		if strings.Contains(text, as) != tt.says || e.Rule.String() != tt.rule {
			t.Errorf("%+v: %v\n%s", tt, e.Rule, text)
		}
	}
}
