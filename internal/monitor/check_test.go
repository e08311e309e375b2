package monitor

import (
	"testing"
	"time"

	"freshet/check"
	"freshet/internal/monitor/ui"
)

// What the monitor says of others' answers holds for its own.
func TestCheckFindsNothing(t *testing.T) {
	now := time.Now()
	f := newFixture(t, func(o *Options) { o.Now, o.Started = func() time.Time { return now }, now.Add(-time.Hour) })
	paths := []string{"/", "/requests", "/requests.json", "/requests.csv", "/requests.prom", "/cache", "/cache/misses", "/config", "/origins", "/metrics", "/why", "/check", "/jobs", "/login",
		ui.URL("app.css"), ui.URL("app.js"), ui.URL("charts.js"), ui.URL("charts.css"), ui.URL("icon.svg")}
	check.HandlerFrom(t, check.Warn, check.Options{}, f.Handler(), paths...)
}
