package monitor

import (
	"encoding/csv"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"freshet/internal/alloctest"
	"freshet/internal/journal"
)

// A page of another site, or of another port of this machine, can lead here, and
// nothing more: no image, script, frame or stream of the monitor becomes a part
// of it.
func TestEmbedding(t *testing.T) {
	h := newFixture(t, nil).Handler()
	for _, tt := range []struct {
		site, mode, dest string
		status           int
	}{
		{"", "", "", 200}, // no browser, or one far away
		{"none", "navigate", "document", 200},
		{"same-origin", "cors", "empty", 200},
		{"same-origin", "no-cors", "image", 200},
		{"cross-site", "navigate", "document", 200},
		{"same-site", "navigate", "document", 200},
		{"cross-site", "navigate", "", 200},
		{"cross-site", "navigate", "iframe", 403},
		{"cross-site", "navigate", "object", 403},
		{"cross-site", "no-cors", "image", 403},
		{"cross-site", "no-cors", "script", 403},
		{"cross-site", "cors", "empty", 403},
		{"same-site", "no-cors", "empty", 403},
		{"cross-site", "", "", 403},
	} {
		for _, at := range []string{"/", "/requests.json", "/metrics", "/events?page=none", "/cache.csv?sort=url", "/why.json?url=http://h/"} {
			w := send(h, "GET", at, "", "Sec-Fetch-Site", tt.site, "Sec-Fetch-Mode", tt.mode, "Sec-Fetch-Dest", tt.dest)
			if (w.Code == 403) != (tt.status == 403) {
				t.Errorf("%s %s %s: %s: %d", tt.site, tt.mode, tt.dest, at, w.Code)
			}
		}
	}
	// The check page asks others for whoever comes, and is for its own links.
	for site, want := range map[string]int{"cross-site": 403, "same-site": 403, "none": 200, "same-origin": 200} {
		w := send(h, "GET", "/check?url=ftp://a/", "", "Sec-Fetch-Site", site, "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document")
		if w.Code != want {
			t.Errorf("check from %s: %d", site, w.Code)
		}
	}
}

// What stands in front, or pretends to, does not say which host was asked for.
func TestHostsOfProxies(t *testing.T) {
	h := newFixture(t, nil).Handler()
	for _, fields := range [][]string{{"X-Forwarded-Host", "127.0.0.1"}, {"Forwarded", "host=127.0.0.1"}, {"X-Host", "localhost"}, {"X-Original-Url", "/"}} {
		if w := send(h, "GET", "/", "", append(fields, "Host", "evil.example")...); w.Code != 421 {
			t.Errorf("%q: %d", fields, w.Code)
		}
	}
	for _, host := range []string{"127.0.0.1..", "127.0.0.1 evil.example", "[::1].evil.example", "[::1]evil.example", "::1.evil.example", "localhost..", "0", "0x7f000001", "017700000001", "127.0.0.1%00.evil.example", "localhost%2eevil.example"} {
		if w := send(h, "GET", "/", "", "Host", host); w.Code != 421 {
			t.Errorf("Host %q: %d", host, w.Code)
		}
	}
}

// Who guesses shuts out himself and nobody else.
func TestGuessersAreToldApart(t *testing.T) {
	now := time.Unix(1800000000, 0)
	f := newFixture(t, func(o *Options) { o.Access.Token, o.Now = "a long secret", func() time.Time { return now } })
	ask := func(from, token string) int {
		r := httptest.NewRequest("GET", "/series.json", nil)
		r.Host, r.RemoteAddr = "127.0.0.1:8001", from
		r.Header.Set("Authorization", "Bearer "+token)
		w := httptest.NewRecorder()
		f.Handler().ServeHTTP(w, r)
		return w.Code
	}
	for range maxAttempts {
		ask("192.0.2.1:5", "wrong")
		ask("[2001:db8::1]:5", "wrong")
	}
	for from, want := range map[string]int{
		"192.0.2.1:6": 401, "[::ffff:192.0.2.1]:6": 401, "[2001:db8::2]:7": 401, // one network has as many addresses as it likes
		"192.0.2.2:5": 200, "[2001:db8:0:1::1]:5": 200, "@": 200,
	} {
		if got := ask(from, "a long secret"); got != want {
			t.Errorf("%s: %d", from, got)
		}
	}
	// More than are told apart count as one.
	for n := range maxGuessers + maxAttempts {
		ask(fmt.Sprintf("198.51.100.%d:1", n), "wrong")
	}
	if n := f.gate.tries.wrong.Keys(); n > maxGuessers+1 {
		t.Errorf("%d clients are kept", n)
	}
	if got := ask("203.0.113.1:1", "a long secret"); got != 401 {
		t.Errorf("one of many: %d", got)
	}
	now = now.Add(attemptTime + time.Second)
	if got := ask("192.0.2.1:6", "a long secret"); got != 200 {
		t.Errorf("later: %d", got)
	}
}

// No cell is a formula.
func TestFormulas(t *testing.T) {
	f := newFixture(t, nil)
	hostile := []string{"=HYPERLINK(CHAR(104),1)", "+cmd|'x'!a", "-1+1", "@SUM(1)", "\t=1", "\r=1", "\n=1", "＝1"}
	for n, text := range hostile {
		rec := newRecord(100 + n)
		rec.Host, rec.Method, rec.Target = text, text, text
		f.journal.Record(rec)
	}
	w := send(f.Handler(), "GET", "/requests.csv", "")
	rows, err := csv.NewReader(w.Body).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, row := range rows[1:] {
		for _, cell := range row {
			if cell != "" && strings.ContainsRune("=+-@\t\r\n＝", []rune(cell)[0]) {
				t.Errorf("cell %q", cell)
			}
			if strings.HasPrefix(cell, "'") {
				found++
			}
		}
	}
	if found < len(hostile) {
		t.Errorf("%d cells have an apostrophe", found)
	}
	// Numbers stay numbers.
	neg := &table{rows: 1, columns: []column{{key: "n", num: func(int) float64 { return -5 }}}}
	if b, err := neg.csv([]int{0}, 1, nil); err != nil || string(b) != "n\r\n-5\r\n" {
		t.Errorf("%q %v", b, err)
	}
}

// Texts of an event stream, of Prometheus and of JSON end neither the line nor
// the label.
func TestBreakingOut(t *testing.T) {
	f := newFixture(t, nil)
	const text = "a\r\ndata: x\n\nevent: stats\ndata: {}\u2028\"} 1\n# TYPE x"
	rec := newRecord(100)
	rec.Host, rec.Target = text, "/"+text
	f.journal.Record(rec)
	entries := f.journal.Latest(1, func(e *journal.Entry) bool { return e.Seq != 0 && strings.HasPrefix(e.Host, "a\r") })
	for line := range strings.Lines(string(appendRows(nil, entries))) {
		if name, _, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ": "); name != "event" && name != "id" && name != "data" && name != "" || strings.ContainsAny(line, "\r") {
			t.Errorf("event stream: %q", line)
		}
	}
	w := send(f.Handler(), "GET", "/requests.prom", "")
	for line := range strings.Lines(w.Body.String()) {
		if !strings.HasPrefix(line, "# HELP freshet_") && !strings.HasPrefix(line, "# TYPE freshet_") && !strings.HasPrefix(line, "freshet_") {
			t.Errorf("Prometheus: %q", line)
		}
	}
}

// An error that quotes what was asked has nothing that a terminal obeys.
func TestErrorsOnTerminals(t *testing.T) {
	h := newFixture(t, nil).Handler()
	for _, at := range []string{"/none%1b%5b31m%0d%0a%c2%9b31m%e2%80%ae", "/requests?limit=%1b[31m", "/requests?status=%1b[31m%c2%9b", "/why/%1b[31m", "/events?page=%1b[31m", "/requests?sort=%1b[31m", "/requests?order=%c2%9b31m", "/check.json?url=%1b"} {
		w := send(h, "GET", at, "")
		if body := w.Body.String(); w.Code < 400 || strings.ContainsAny(body, "\x1b\r\u009b\u202e") {
			t.Errorf("%s: %d %q", at, w.Code, body)
		}
	}
}

// A pattern costs what it can match, not how long it is.
func TestPatternOfStars(t *testing.T) {
	f := newFixture(t, nil)
	entry := f.journal.Latest(1, nil)[0]
	for _, pattern := range []string{strings.Repeat("*", 8000) + "zzz", strings.Repeat("*z", 4000), strings.Repeat("a*", 4000)} {
		q := &query{values: map[string][]string{"path": {pattern}}}
		filter, err := newFilter(q)
		if err != nil {
			t.Fatal(err)
		}
		if n := alloctest.PerRun(10, func() { filter.keeps(&entry) }); n != 0 {
			t.Errorf("%.10s…: %v allocations for each request", pattern, n)
		}
		if strings.Contains(filter.path, "**") {
			t.Errorf("%.10s…: stars are counted", pattern)
		}
	}
}

// Nothing but what is embedded is below /assets/.
func TestAssetPaths(t *testing.T) {
	h := newFixture(t, nil).Handler()
	for _, at := range []string{"/assets/", "/assets/.", "/assets/../gate.go", "/assets/%2e%2e/gate.go", "/assets/..%2fgate.go", "/assets/dist/app.js", "/assets/app.js", "/assets//etc/passwd", "/assets/%00", `/assets/..\gate.go`} {
		r, err := http.NewRequest("GET", "http://127.0.0.1:8001"+at, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.RequestURI = at
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code < 400 || w.Code >= 500 {
			t.Errorf("%s: %d", at, w.Code)
		}
	}
}

// Methods that read nothing and change nothing mean nothing.
func TestMethods(t *testing.T) {
	h := newFixture(t, nil).Handler()
	for _, method := range []string{"OPTIONS", "TRACE", "PUT", "DELETE", "PATCH", "PROPFIND", "PURGE"} {
		for _, at := range []string{"/", "/requests.json", "/cache/purge", "/purge", "/events?page=overview", "/why.json"} {
			w := send(h, method, at, "", "Cookie", "a=secret", "X-Probe", "secret")
			if w.Code < 400 || strings.Contains(w.Body.String(), "secret") || w.Header().Get("Access-Control-Allow-Origin") != "" {
				t.Errorf("%s %s: %d %v %s", method, at, w.Code, w.Header(), w.Body)
			}
		}
	}
}
