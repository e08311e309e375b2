package monitor

import (
	"strings"
	"testing"
)

// What the latest requests say of an origin stands beside its state.
func TestOriginsOfLatestRequests(t *testing.T) {
	f := newFixture(t, func(o *Options) {
		o.Sites = func() []Site {
			return []Site{{Name: "all hosts", Others: true, Routes: []Route{{Path: "/", Origins: []Origin{{URL: "http://a", Circuit: "closed"}, {URL: "http://b", Circuit: "closed"}}}}}}
		}
	})
	for n := range 10 {
		r := newRecord(n)
		d := *r.Detail
		d.Origin, d.OriginStatus, d.Wait = "http://a", 200, int64(n+1)*1e6
		if n >= 8 {
			d.OriginStatus = 503
		}
		r.Detail = &d
		f.journal.Record(r)
	}
	lines := strings.Split(send(f.Handler(), "GET", "/origins.csv", "").Body.String(), "\r\n")
	if len(lines) < 3 || !strings.HasPrefix(lines[1], "http://a,all hosts/,closed,0,0,20,0.004,0.007,0,") || !strings.HasPrefix(lines[2], "http://b,all hosts/,closed,0,0,,,,0,") {
		t.Errorf("%q", lines)
	}
}

// Each place has a name of its own in metrics, whether its route is there or
// not.
func TestPlacesInMetrics(t *testing.T) {
	f := newFixture(t, func(o *Options) {
		o.Sites = func() []Site {
			return []Site{{Name: "a.example", Routes: []Route{{Place: 1, Path: "/"}}}, {Name: "for all other hosts", Others: true, Routes: []Route{{Place: 2, Path: "/x"}}}}
		}
	})
	for place := range uint16(5) {
		r := newRecord(1)
		r.Place = place
		f.metrics.Record(r)
	}
	text := send(f.Handler(), "GET", "/metrics", "").Body.String()
	for _, name := range []string{"none", "a.example/", "*/x", "gone-3", "gone-4"} {
		if strings.Count(text, `freshet_requests_total{route="`+name+`"`) != 1 {
			t.Errorf("%s is not there once:\n%s", name, text)
		}
	}
}
