package app

import (
	"errors"
	"math"
	"path/filepath"
	"testing"
	"time"

	"freshet/fleet"
	"freshet/internal/alert"
	"freshet/internal/config"
	"freshet/jobs"
)

// A standby is no queue that stopped, unless nobody leads.
func TestQueueAway(t *testing.T) {
	for _, c := range []struct {
		away error
		want float64
	}{
		{nil, 0}, {fleet.ErrStandby, 0}, {errors.Join(fleet.ErrStandby, fleet.ErrNoLeader), 1}, {errors.New("no disk"), 1},
	} {
		if r := queueAway(c.away); len(r) != 1 || r[0].Value != c.want || (r[0].Detail != "") != (c.want == 1) {
			t.Errorf("%v: %+v", c.away, r)
		}
	}
}

// Of jobs that are queued only those wait that could run: no template, which is
// queued from when it is submitted to its end, but what was made from it.
func TestJobWaits(t *testing.T) {
	now := time.Now()
	before := now.Add(-2 * time.Hour)
	list := []jobs.Info{
		{ID: "a", Submitted: before, Spec: jobs.Spec{Schedule: "@daily"}},
		{ID: "b", Submitted: before, Spec: jobs.Spec{From: "a"}},
		{ID: "c", Submitted: before, Paused: true},
		{ID: "d", Submitted: before, Started: before},
		{ID: "e", Submitted: before, Spec: jobs.Spec{After: []jobs.ID{"b"}}},
	}
	got := jobWaits(list, now)
	if len(got) != 1 || got[0].Subject != "b" || got[0].Value != 7200 {
		t.Errorf("%+v", got)
	}
}

// An origin that gets no requests while another one does is not well for that:
// nothing is known of it, and its alert goes on.
func TestNoRequestsNoAllClear(t *testing.T) {
	down := []alert.Reading{{Subject: "a"}, {Subject: "b"}}
	rules := []alert.Rule{{Name: "origin-errors", Figure: "f", Bound: 10, Least: 20}}
	m := alert.New(alert.Options{Rules: rules})
	now := time.Now()
	fails := alert.Reading{Subject: "a", Value: 100, Of: 50}
	if told := m.Step(now, alert.Look{"f": withUnknown([]alert.Reading{fails}, down)}); len(told) != 1 {
		t.Fatalf("%+v", told)
	}
	only := []alert.Reading{{Subject: "b", Value: 0, Of: 50}}
	for i := range 20 {
		if told := m.Step(now.Add(time.Duration(i)*time.Minute), alert.Look{"f": withUnknown(only, down)}); len(told) != 0 {
			t.Fatalf("%+v", told)
		}
	}
}

// A certificate that cannot be read for a moment is not gone.
func TestCertificateUnread(t *testing.T) {
	file := filepath.Join(t.TempDir(), "gone.pem")
	s := &service{conf: &config.Server{}}
	s.conf.TLSCert = file
	look := alert.Look{}
	s.lookAtCertificates(look, &sampler{}, time.Now())
	if r := look["certificate_left"]; len(r) != 1 || r[0].Subject != file || !math.IsNaN(r[0].Value) {
		t.Errorf("%+v", r)
	}
}
