package monitor

import (
	"bufio"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"freshet/forward"
)

// filtering is a fixture with a forward proxy that has cut something.
func filtering(t *testing.T) (*fixture, *forward.Handler) {
	t.Helper()
	name := filepath.Join(t.TempDir(), "list")
	if err := os.WriteFile(name, []byte("! Title: "+hostile+"\n/ads/\n@@/ads/own\n||x.example^$redirect=noop.js\n##.banner\n##+js(set, a, b)\n/"+hostile+"/\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	h, err := forward.New(forward.Options{Lists: []forward.ListSource{{Name: "mine", File: name}}, ErrorLog: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.Close() })
	r, err := http.ReadRequest(bufio.NewReader(strings.NewReader("GET http://ads.example/ads/" + url.PathEscape(hostile) + " HTTP/1.1\r\nHost: x\r\nSec-Fetch-Dest: image\r\nReferer: http://news.example/\r\n\r\n")))
	if err != nil {
		t.Fatal(err)
	}
	r.RemoteAddr = "127.0.0.1:1"
	h.ServeHTTP(httptest.NewRecorder(), r)
	return newFixture(t, func(o *Options) { o.Filter = h }), h
}

// The page shows lists, what they cut, and what would become of a request.
func TestFilterPage(t *testing.T) {
	f, _ := filtering(t)
	h := f.Handler()
	for at, wants := range map[string][]string{
		"/filter": {"Filter</a></li>", "news.example", "mine, line 2", "in force", "For an hour", "+js(set, a, b)"},
		"/filter?url=http://ads.example/ads/x&page=http://news.example/&type=image": {"filter-stand-in", "mine, line 2", "unless another one blocks it", "site=news.example"},
		"/filter?url=http://ads.example/ads/own&type=script":                        {"filter-allowed", "@@/ads/own", "mine, line 2"},
		"/filter?url=http://x.example/a.js&type=script":                             {"filter-replaced", "noop.js"},
		"/filter?url=http://a.example/&type=document":                               {"No rule is about it", "of style for all pages"},
		"/filter?url=ftp://a.example/":                                              {"Give an http or https address"},
		"/filter/allow?site=news.example&rule=/ads/":                                {"for an hour", "The rule /ads/ will block nothing"},
		"/filter/forbid?site=news.example":                                          {"will be blocked again"},
	} {
		w := send(h, "GET", at, "", "Accept", "text/html")
		for _, want := range wants {
			if w.Code != 200 || !strings.Contains(w.Body.String(), want) {
				t.Errorf("%s: %d, no %q in\n%s", at, w.Code, want, w.Body)
			}
		}
		if strings.Contains(w.Body.String(), "<script>alert") {
			t.Errorf("%s: what a list says is a part of the page", at)
		}
	}
	var lists struct {
		Rows []struct {
			List, State, Error                           string
			Block, Hide, Exceptions, Modify, Unsupported float64
		}
	}
	if err := json.Unmarshal(send(h, "GET", "/filter/lists.json", "").Body.Bytes(), &lists); err != nil || len(lists.Rows) != 1 {
		t.Fatal(err, lists)
	}
	if l := lists.Rows[0]; l.List != "mine" || l.State != "in force" || l.Exceptions != 1 || l.Hide != 1 || l.Unsupported < 1 {
		t.Errorf("%+v", l)
	}
	for _, at := range []string{"/filter.json", "/filter.csv", "/filter/sites.json", "/filter/allowed.json", "/filter/unsupported.csv", "/filter/lists.prom"} {
		if w := send(h, "GET", at, ""); w.Code != 200 || w.Body.Len() == 0 {
			t.Errorf("%s: %d", at, w.Code)
		}
	}
}

// Something is let pass, and no more, by who may change things.
func TestFilterAllow(t *testing.T) {
	f, h := filtering(t)
	const owner = "Bearer owner's token"
	for _, tt := range []struct {
		name, path, form string
		fields           []string
		status, allowed  int
	}{
		{"nobody", "/filter/allow", "site=news.example", nil, 401, 0},
		{"another site's page", "/filter/allow", "site=news.example", []string{"Authorization", owner, "Sec-Fetch-Site", "cross-site", "Origin", "https://evil.example"}, 403, 0},
		{"nothing", "/filter/allow", "", []string{"Authorization", owner}, 400, 0},
		{"no host", "/filter/allow", "site=http%3A%2F%2Fa%2F", []string{"Authorization", owner}, 400, 0},
		{"the owner", "/filter/allow", "site=news.example", []string{"Authorization", owner}, 200, 1},
		{"a rule", "/filter/allow", "rule=%2Fads%2F", []string{"Authorization", owner}, 200, 2},
		{"nobody ends it", "/filter/forbid", "site=news.example", nil, 401, 2},
		{"another end", "/filter/forbid", "site=other.example", []string{"Authorization", owner}, 404, 2},
		{"its end", "/filter/forbid", "site=news.example", []string{"Authorization", owner}, 200, 1},
	} {
		w := send(f.Handler(), "POST", tt.path, tt.form, tt.fields...)
		if all := h.Allowances(); w.Code != tt.status || len(all) != tt.allowed {
			t.Errorf("%s: %d, %d allowed\n%s", tt.name, w.Code, len(all), w.Body)
		}
	}
}

// Without a forward proxy there is nothing of it but the page that says so.
func TestNoFilter(t *testing.T) {
	f := newFixture(t, nil)
	w := send(f.Handler(), "GET", "/filter", "", "Accept", "text/html")
	if body, _ := io.ReadAll(w.Body); w.Code != 200 || !strings.Contains(string(body), "filters nothing") || strings.Contains(string(body), `href="/filter"`) {
		t.Errorf("%d %s", w.Code, body)
	}
	if w := send(f.Local(), "POST", "/filter/allow", "site=a.example"); w.Code != 404 {
		t.Errorf("allow: %d", w.Code)
	}
}

// What is cut while somebody watches shows at once.
func TestFilterEvents(t *testing.T) {
	f, h := filtering(t)
	page := send(f.Handler(), "GET", "/filter", "", "Accept", "text/html").Body.String()
	if !strings.Contains(page, `data-events="/events?page=filter"`) {
		t.Error("the page does not watch")
	}
	server := serve(t, f.Handler())
	s := watch(t, server, "/events?page=filter")
	r, err := http.ReadRequest(bufio.NewReader(strings.NewReader("GET http://ads.example/ads/2 HTTP/1.1\r\nHost: x\r\nSec-Fetch-Dest: script\r\nReferer: http://other.example/\r\n\r\n")))
	if err != nil {
		t.Fatal(err)
	}
	r.RemoteAddr = "127.0.0.1:1"
	h.ServeHTTP(httptest.NewRecorder(), r)
	f.live.tick(time.Now())
	stats := map[string]struct{ Text string }{}
	s.next("stats", &stats)
	if stats["filter_cut"].Text != "2" {
		t.Errorf("%+v", stats)
	}
	var latest, sites struct {
		rowsEvent
		Whole bool
	}
	s.next("rows", &latest)
	s.next("rows", &sites)
	if !latest.Whole || len(latest.Rows) != 2 || latest.Rows[0].ID != "2" || latest.Rows[0].Cells[1].Text != "http://ads.example/ads/2" {
		t.Errorf("%+v", latest)
	}
	if !sites.Whole || len(sites.Rows) != 2 || sites.Rows[0].ID != "news.example" {
		t.Errorf("%+v", sites)
	}
}
