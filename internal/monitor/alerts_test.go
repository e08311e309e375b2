package monitor

import (
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"freshet/internal/alert"
	"freshet/internal/notify"
)

// The page of alerts has the raised ones first, and nothing of what others name
// can be anything but text.
func TestAlertsPage(t *testing.T) {
	m := alert.New(alert.Options{Rules: alert.Rules(), Server: "edge-1"})
	at := time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)
	look := alert.Look{"origin_down": {{Subject: `<script>alert(1)</script>`, Value: 1, Detail: "\"'><b>x"}}, "certificate_left": {{Subject: "www.example.org", Value: 3600}}}
	var told []alert.Notice
	for i := range 3 {
		told = append(told, m.Step(at.Add(time.Duration(i)*20*time.Second), look)...)
	}
	if len(told) != 2 {
		t.Fatalf("%+v", told)
	}
	shown := New(Options{Started: at, Alerts: func() Alerts {
		return Alerts{Rules: m.Rules(), Stands: m.Standing(), Alerts: m.Alerts(), History: m.History(), Ways: []notify.State{{Way: "mail to ops@example.org", Sent: 2, Error: "<i>no"}}}
	}})
	defer shown.Close()
	page := func(path string) string {
		t.Helper()
		w := httptest.NewRecorder()
		shown.Local().ServeHTTP(w, httptest.NewRequest("GET", "http://127.0.0.1"+path, nil))
		if w.Code != 200 {
			t.Fatalf("%s: %d %s", path, w.Code, w.Body)
		}
		return w.Body.String()
	}
	html := page("/alerts")
	for _, bad := range []string{"<script>alert", "<b>x", "<i>no"} {
		if strings.Contains(html, bad) {
			t.Errorf("the page has %s", bad)
		}
	}
	for _, want := range []string{"&lt;script&gt;alert(1)", "www.example.org", "mail to ops@example.org", "raised", "certificate_left &lt; 14d", `href="/alerts.csv"`, `href="/alerts/notices.csv"`, `href="/alerts/ways.json"`} {
		if !strings.Contains(html, want) {
			t.Errorf("the page has no %s", want)
		}
	}
	first, last := strings.Index(html, "origin-down"), strings.Index(html, "queue-stopped")
	if first < 0 || last < first {
		t.Errorf("origin-down at %d, queue-stopped at %d", first, last)
	}
	if got := page("/alerts.json"); !strings.Contains(got, `"state":"raised"`) {
		t.Error(got)
	}
	// That nothing is known of a rule is said, and is not that all is well.
	m.Step(at.Add(time.Hour), alert.Look{"latency_p99": {{Value: 0.1, Of: 1000}}, "error_ratio": {{Value: 100, Of: 3}}})
	for rule, want := range map[string]string{"latency": `"state":"ok"`, "errors": `"state":"unknown"`, "memory": `"state":"unknown"`} {
		if got := page("/alerts.json?q=" + rule); !strings.Contains(got, want) {
			t.Errorf("%s: %s, want %s", rule, got, want)
		}
	}
	if got := page("/alerts.json?q=errors"); !strings.Contains(got, "The figure is of 3 requests, and the rule asks for 50.") {
		t.Errorf("it is not said why: %s", got)
	}
	if got := page("/alerts/notices.csv"); !strings.Contains(got, "certificate-expiry") {
		t.Error(got)
	}
	if got := page("/overview.json"); !strings.Contains(got, `"name":"alerts"`) {
		t.Error(got)
	}
}
