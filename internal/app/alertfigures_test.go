package app

import (
	"errors"
	"testing"
	"time"

	"freshet/fleet"
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
