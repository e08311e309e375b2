package monitor

import (
	"compress/gzip"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"freshet/cache"
	"freshet/internal/control"
	"freshet/internal/gateway"
	"freshet/internal/journal"
	"freshet/internal/metrics"
	"freshet/internal/record"
	"freshet/internal/rule"
	"freshet/internal/why"
)

// hostile is text that would be markup, if it were not text.
const hostile = `"'><script>alert(1)</script><img src=x onerror=alert(2)>` + "`${1}\u202e\x1b[31m"

// newRecord is a request with hostile text wherever a client has a say.
func newRecord(n int) *record.Record {
	return &record.Record{
		ID: record.FirstID(time.Unix(1800000000, 0)).Request(n), Start: 1800000000e9 + int64(n), Duration: int64(n) * 1e6, Method: "GET",
		Target: "/a" + hostile, Host: "h" + hostile, Agent: hostile, Proto: "HTTP/1.1", Status: 500, Bytes: 10, Rule: rule.ProxyAnswered,
		Verdict: record.Miss, Remote: netip.MustParseAddrPort("192.0.2.1:5"),
		Detail: &record.Detail{Key: "k" + hostile, Forward: hostile, Evidence: hostile, Origin: "http://o/" + hostile, Error: hostile, Tries: 1},
	}
}

// fixture is a monitor of a server that has seen something.
type fixture struct {
	*Monitor
	journal *journal.Journal
	metrics *metrics.Metrics
	store   *cache.Store
	purged  []string
	board   gateway.Board
	stopped chan uint64 // the runs that were
}

func (f *fixture) Purge(q *control.Request) (*control.Answer, error) {
	f.purged = append(f.purged, q.URLs...)
	return &control.Answer{Purged: []int{1}, Receipt: &control.Receipt{ID: "r1", What: q.URLs, Objects: 1, Soft: q.Soft}}, nil
}

func newFixture(t testing.TB, change func(*Options)) *fixture {
	t.Helper()
	f := &fixture{journal: journal.New(journal.Options{}), metrics: metrics.New(metrics.Options{}), stopped: make(chan uint64, 10)}
	f.run("/cgi-bin/a" + hostile)
	var err error
	if f.store, err = cache.NewStore(cache.StoreOptions{Memory: 1 << 20}); err != nil {
		t.Fatal(err)
	}
	o := Options{
		Name: "site" + hostile, Version: "1", Started: time.Now(), Journal: f.journal, Metrics: f.metrics, Store: f.store, Purger: f,
		Sites: func() []Site {
			return []Site{{Name: hostile, Routes: []Route{{Path: "/" + hostile, Does: hostile, Where: hostile, Origins: []Origin{{URL: hostile, Circuit: "open", Error: hostile}}}}}}
		},
		Programs: func() []Programs {
			return []Programs{{Route: hostile, Kind: "cgi", About: hostile, Board: &f.board, Load: func() (int, int) { return len(f.board.Runs()), 2 },
				Pool: &Pool{Open: 3, Idle: 1, Most: 4, Workers: 2, Restarts: 1, Error: hostile, ErrorTime: time.Now()}}}
		},
		Settings: func() []Setting {
			return []Setting{{Group: hostile, Key: hostile, Value: hostile, From: hostile, Help: hostile}}
		},
		Why: func(url, method string, fields []string) (*why.Explanation, error) {
			return &why.Explanation{Method: method, URL: url, Sentence: strings.Join(fields, " "), Advice: hostile,
				Compared: []why.Comparison{{What: hostile, Value: hostile, Note: hostile}}, Settings: []why.Setting{{Key: hostile, Value: hostile, Place: hostile}}, Also: []string{hostile},
				Fixes: []why.Fix{{Who: why.Origin, Do: "set", Name: hostile, Value: hostile}}}, nil
		},
		Access: Access{Owner: func(token string) bool { return token == "owner's token" }},
	}
	if change != nil {
		change(&o)
	}
	f.Monitor = New(o)
	t.Cleanup(func() {
		f.Monitor.Close()
		if err := f.store.Close(); err != nil {
			t.Error(err)
		}
	})
	f.objects = func(yield func(cache.ObjectInfo) bool) {
		for range 3 {
			if !yield(cache.ObjectInfo{Key: hostile, URL: "http://h/" + hostile, Type: hostile, Variants: 1, Size: 5}) {
				return
			}
		}
	}
	for n := range 20 {
		f.journal.Record(newRecord(n))
		f.metrics.Record(newRecord(n))
	}
	return f
}

// run adds a program that runs, and has hostile text wherever somebody has a
// say.
func (f *fixture) run(url string) *gateway.Run {
	r := &gateway.Run{Kind: "cgi", Request: "r" + hostile, Script: "/srv/a" + hostile, Method: "GET" + hostile, URL: url, Client: hostile, PID: 77,
		Started: time.Now(), Usage: func() (time.Duration, int64) { return 1500 * time.Millisecond, 5 << 20 }}
	r.Stop = func() { f.stopped <- r.ID() }
	r.Say(hostile)
	f.board.Add(r)
	return r
}

// send sends a request with fields, given as name and value in turn.
func send(h http.Handler, method, target, body string, fields ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	r.Host = "127.0.0.1:8001"
	if body != "" {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for i := 0; i+1 < len(fields); i += 2 {
		if fields[i] == "Host" {
			r.Host = fields[i+1]
			continue
		}
		r.Header.Set(fields[i], fields[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// addresses are all pages, with what they need.
func addresses(f *fixture) []string {
	id := newRecord(3).ID.String()
	return []string{
		"/", "/?over=hour", "/?over=minutes", "/?over=hours", "/series", "/requests", "/requests?status=5xx&path=*script*&verdict=miss&client=192.&slower=1&host=H",
		"/requests?sort=duration&order=asc&offset=10", "/why", "/why?url=http://h/x&field=A:%20%3Cb%3E", "/why/" + id, "/cache", "/cache?q=SCRIPT", "/cache/misses", "/cache/purge", "/purges", "/purges/receipt?id=%3Cscript%3Ealert(1)", "/purges/undo?id=%3Cscript%3Ealert(1)",
		"/cache/purge?key=%3Cscript%3Ealert(1)", "/programs", "/programs?sort=cpu", "/programs/stop?" + (&runOf{route: hostile, Run: f.board.Runs()[0]}).name().Encode(), "/origins", "/check", "/config", "/config?q=%3Cscript%3Ealert(1)", "/jobs", "/servers", "/messages", "/login?next=/%3Cscript%3Ealert(1)",
	}
}

func TestPages(t *testing.T) {
	f := newFixture(t, nil)
	for _, at := range addresses(f) {
		w := send(f.Handler(), "GET", at, "", "Accept", "text/html")
		if w.Code != 200 || w.Header().Get("Content-Type") != htmlType {
			t.Errorf("%s: %d %s\n%s", at, w.Code, w.Header(), w.Body)
		}
		body := w.Body.String()
		for _, bad := range []string{"<script>alert", "<img src=x", "\x1b", "\u202e", "javascript:"} {
			if strings.Contains(body, bad) {
				t.Errorf("%s: has %q", at, bad)
			}
		}
		if got := w.Header().Get("Content-Security-Policy"); !strings.Contains(got, "default-src 'none'") || strings.Contains(got, "unsafe") {
			t.Errorf("%s: policy %q", at, got)
		}
		if strings.Contains(body, "<style") || strings.Contains(body, " style=") || strings.Contains(body, "onclick") {
			t.Errorf("%s: has styles or scripts that the policy forbids", at)
		}
	}
}

func TestFormats(t *testing.T) {
	f := newFixture(t, nil)
	h := f.Handler()
	for _, page := range []string{"overview", "series", "verdicts", "statuses", "requests", "cache", "cache/misses", "purges", "programs", "pools", "origins", "routes", "config", "jobs", "servers", "messages"} {
		w := send(h, "GET", "/"+page+".json", "")
		if w.Code != 200 || w.Header().Get("Content-Type") != "application/json" || !json.Valid(w.Body.Bytes()) {
			t.Errorf("%s.json: %d %s\n%s", page, w.Code, w.Header(), w.Body)
		}
		w = send(h, "GET", "/"+page+".csv", "")
		if w.Code != 200 || !strings.HasPrefix(w.Header().Get("Content-Type"), "text/csv") || !strings.Contains(w.Body.String(), "\r\n") {
			t.Errorf("%s.csv: %d %s\n%s", page, w.Code, w.Header(), w.Body)
		}
		if page == "series" {
			continue
		}
		w = send(h, "GET", "/"+page+".prom", "")
		if w.Code != 200 || !strings.HasPrefix(w.Header().Get("Content-Type"), "text/plain; version=0.0.4") {
			t.Errorf("%s.prom: %d %s\n%s", page, w.Code, w.Header(), w.Body)
		}
	}
	for accept, want := range map[string]string{
		"": "text/html", "*/*": "text/html", "text/html,*/*;q=0.8": "text/html", "application/json": "application/json", "text/csv": "text/csv", "text/plain": "text/plain",
		"application/json;q=0.5, text/csv": "text/csv", "image/png": "text/html",
	} {
		w := send(h, "GET", "/requests", "", "Accept", accept)
		if got := w.Header().Get("Content-Type"); !strings.HasPrefix(got, want) || !strings.Contains(w.Header().Get("Vary"), "Accept,") {
			t.Errorf("Accept: %s: %s, Vary: %s", accept, got, w.Header().Get("Vary"))
		}
	}
	if w := send(h, "GET", "/metrics", ""); w.Code != 200 || !strings.Contains(w.Body.String(), "freshet_requests_total") {
		t.Errorf("metrics: %d %s", w.Code, w.Body)
	}
}

// Pages and tables have validators, and a client that has one gets 304.
func TestValidators(t *testing.T) {
	now := time.Unix(1800000000, 0)
	f := newFixture(t, func(o *Options) { o.Now, o.Started = func() time.Time { return now }, now.Add(-time.Hour) })
	h := f.Handler()
	for _, at := range []string{"/", "/requests", "/requests.json", "/metrics", "/config.csv"} {
		for _, coding := range []string{"identity", "gzip", "br", "zstd"} {
			w := send(h, "GET", at, "", "Accept-Encoding", coding)
			tag := w.Header().Get("ETag")
			if w.Code != 200 || tag == "" || w.Header().Get("Cache-Control") != "no-cache" || !strings.Contains(w.Header().Get("Vary"), "Accept-Encoding") {
				t.Fatalf("%s: %d %v", at, w.Code, w.Header())
			}
			if got := w.Header().Get("Content-Encoding"); w.Body.Len() > 1000 && coding != "identity" && got != coding {
				t.Errorf("%s: Content-Encoding %q, want %q", at, got, coding)
			}
			again := send(h, "GET", at, "", "Accept-Encoding", coding, "If-None-Match", tag)
			if again.Code != 304 || again.Header().Get("ETag") != tag || again.Body.Len() > 0 || again.Header().Get("Vary") != w.Header().Get("Vary") {
				t.Errorf("%s: %d %v", at, again.Code, again.Header())
			}
			head := send(h, "HEAD", at, "", "Accept-Encoding", coding)
			if head.Code != 200 || head.Body.Len() > 0 || head.Header().Get("ETag") != tag || head.Header().Get("Content-Length") != w.Header().Get("Content-Length") {
				t.Errorf("HEAD %s: %d %v", at, head.Code, head.Header())
			}
		}
		whole := send(h, "GET", at, "").Body.String()
		z, err := gzip.NewReader(send(h, "GET", at, "", "Accept-Encoding", "gzip").Body)
		if err != nil {
			t.Errorf("%s: %v", at, err)
			continue
		}
		if b, err := io.ReadAll(z); err != nil || string(b) != whole {
			t.Errorf("%s: coded differently, %v", at, err)
		}
	}
}

func TestRefusals(t *testing.T) {
	f := newFixture(t, nil)
	h := f.Handler()
	for _, tt := range []struct {
		method, target string
		status         int
	}{
		{"GET", "/none", 404}, {"GET", "/overview", 404}, {"GET", "/requests/x", 404}, {"GET", "/why.csv", 404}, {"GET", "/check.json", 404}, {"GET", "/series.prom", 404},
		{"GET", "/assets/none.js", 404}, {"GET", "/cache/object?key=none", 404}, {"GET", "/why/0000000000000", 404}, {"GET", "/programs/stop", 404}, {"GET", "/programs/stop?run=1", 404}, {"GET", "/programs/stop.json", 404}, {"POST", "/programs/stop", 401}, {"GET", "/events?page=none", 404},
		{"GET", "/requests?sort=none", 400}, {"GET", "/requests?order=up", 400}, {"GET", "/requests?offset=-1", 400}, {"GET", "/requests?limit=x", 400},
		{"GET", "/requests?status=abc", 400}, {"GET", "/requests?verdict=none", 400}, {"GET", "/requests?slower=NaN", 400}, {"GET", "/series?over=year", 400},
		{"GET", "/requests?a=%zz", 400}, {"GET", "/why/zzz", 400}, {"GET", "/events?page=requests&status=x", 400},
		{"DELETE", "/", 401}, {"POST", "/requests", 401},
	} {
		for _, accept := range []string{"text/html", "application/json", ""} {
			w := send(h, tt.method, tt.target, "", "Accept", accept)
			if w.Code != tt.status {
				t.Errorf("%s %s as %q: %d, want %d", tt.method, tt.target, accept, w.Code, tt.status)
			}
			if cc := w.Header().Get("Cache-Control"); cc != "no-store" && !strings.HasPrefix(tt.target, "/assets/") {
				t.Errorf("%s %s: Cache-Control: %s", tt.method, tt.target, cc)
			}
		}
	}
	w := send(h, "POST", "/requests", "", "Authorization", "Bearer owner's token")
	if w.Code != 405 || w.Header().Get("Allow") != "GET, HEAD" {
		t.Errorf("%d %v", w.Code, w.Header())
	}
}

// However many ask, a page is made once a second.
func TestPagesAreShared(t *testing.T) {
	now := time.Unix(1800000000, 0)
	calls := 0
	f := newFixture(t, func(o *Options) {
		o.Now = func() time.Time { return now }
		o.Settings = func() []Setting { calls++; return nil }
	})
	h := f.Handler()
	for range 50 {
		send(h, "GET", "/config", "")
	}
	if calls != 1 {
		t.Errorf("made %d times", calls)
	}
	now = now.Add(time.Second)
	send(h, "GET", "/config", "")
	if calls != 2 {
		t.Errorf("made %d times after a second", calls)
	}
	for n := range 2 * maxShared { // what others ask for does not pile up
		send(h, "GET", "/config?q="+number(n), "")
	}
	if len(f.shared.of) > maxShared {
		t.Errorf("%d answers are kept", len(f.shared.of))
	}
	now = now.Add(time.Minute)
	a, err := f.shared.get("large", func() (*answer, error) {
		return newAnswer(200, "text/plain", make([]byte, maxSharedBytes+1)), nil
	})
	if _, kept := f.shared.of["large"]; err != nil || len(a.body) == 0 || kept {
		t.Errorf("a large answer: %v, kept: %v", err, kept)
	}
}

// Who reads without scripts can keep a page from loading again.
func TestReload(t *testing.T) {
	h := newFixture(t, nil).Handler()
	w := send(h, "GET", "/requests?status=404", "", "Accept", "text/html")
	if page := w.Body.String(); !strings.Contains(page, `http-equiv="refresh"`) || !strings.Contains(page, `href="/requests?reload=off&amp;status=404"`) {
		t.Errorf("no way to stop it:\n%s", page)
	}
	w = send(h, "GET", "/requests?status=404&reload=off", "", "Accept", "text/html")
	if page := w.Body.String(); strings.Contains(page, `http-equiv="refresh"`) || !strings.Contains(page, "sort=status&amp;status=404") || !strings.Contains(page, "reload=off") {
		t.Errorf("it loads again, or its links do:\n%s", page)
	}
}
