package app

import (
	"encoding/json"
	"math"
	"testing"
	"time"

	"freshet/fleet"
	"freshet/internal/control"
	"freshet/jobs"
)

// Whatever is done to the clock while the server runs, what waits or is away has
// been so for as long as before and the time that has passed.
func TestWaitsByAClockSetBack(t *testing.T) {
	now := time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)
	list := []jobs.Info{{ID: "1", Submitted: now.Add(-2 * time.Hour)}}
	purges := []control.Receipt{{ID: "p", Time: now.Add(-10 * time.Minute), Nodes: []control.NodeReceipt{{Node: "one", State: control.NodeAway}}}}
	away := []fleet.Server{{Name: "one", State: fleet.StateAway, Away: now.Add(-3 * time.Minute)}}
	k := &sampler{}
	for _, c := range []struct {
		what      string
		clock     time.Duration // from the first look
		ran       time.Duration
		waits     float64
		purge, of float64
	}{
		{"first", 0, 0, 7200, 600, 180},
		{"a look later", 5 * time.Second, 5 * time.Second, 7205, 605, 185},
		{"set back a little", -time.Hour, 10 * time.Second, 7210, 610, 190},
		{"before all of it", -1000 * time.Hour, 15 * time.Second, 7215, 615, 195},
		{"set forward", 1000 * time.Hour, 20 * time.Second, 7220, 620, 200},
		{"a minute later", -time.Minute, 80 * time.Second, 7280, 680, 260},
	} {
		k.ran = c.ran
		at := now.Add(c.clock)
		of := k.fleet.look(away, at, k.ran)
		waits, purge := k.jobWaits(list, at), k.purgeWaits(purges, at)
		if waits[0].Value != c.waits || len(purge) != 1 || purge[0].Value != c.purge || of[0].Value != c.of {
			t.Errorf("%s: %+v %+v %+v", c.what, waits, purge, of)
		}
	}
}

// After a restart with a clock that was set back nobody knows for how long a job
// has waited; a server that was away is so for as long as was saved.
func TestRestartByAClockSetBack(t *testing.T) {
	now := time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)
	list := []jobs.Info{{ID: "1", Submitted: now.Add(time.Hour)}}
	k := &sampler{}
	wait := func() float64 { return k.jobWaits(list, now.Add(k.ran))[0].Value }
	for k.ran = 0; k.ran <= time.Hour; k.ran += time.Minute {
		if v := wait(); !math.IsNaN(v) {
			t.Fatalf("after %v it waits for %v", k.ran, v)
		}
	}
	if v := wait(); v != 3660 {
		t.Errorf("after an hour it waits for %v", v)
	}

	away := []fleet.Server{{Name: "one", State: fleet.StateAway, Away: now}}
	p := &presence{}
	p.look(away, now.Add(2*time.Minute), 0)
	text, err := json.Marshal(p.heard)
	if err != nil {
		t.Fatal(err)
	}
	p = &presence{}
	if err := json.Unmarshal(text, &p.heard); err != nil {
		t.Fatal(err)
	}
	away[0].State, away[0].Away = fleet.StateInvited, time.Time{}
	now = now.Add(-time.Hour)
	for _, ran := range []time.Duration{0, time.Minute} {
		if r := p.look(away, now.Add(ran), ran); r[0].Value != (2*time.Minute + ran).Seconds() {
			t.Errorf("after %v: %+v", ran, r)
		}
	}
}
