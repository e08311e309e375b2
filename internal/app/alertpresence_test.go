package app

import (
	"fmt"
	"maps"
	"math"
	"testing"
	"time"

	"freshet/fleet"
)

// After a restart of the hub a server that was away is so still, one that was
// there has a while to come back, and of one that was never heard of, or that had
// ended as it was told to, nothing is known.
func TestPresence(t *testing.T) {
	now := time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)
	list := func(states ...string) []fleet.Server {
		all := []fleet.Server{{Name: "hub", Hub: true, State: fleet.StateWorking}}
		for i, state := range states {
			s := fleet.Server{Name: fmt.Sprint("s", i), State: state}
			if state == fleet.StateAway || state == fleet.StateDrained {
				s.Away = now.Add(-10 * time.Second)
			}
			all = append(all, s)
		}
		return all
	}
	p, began := &presence{}, now
	check := func(what string, all []fleet.Server, want ...float64) {
		t.Helper()
		got := p.look(all, now, now.Sub(began))
		if len(got) != len(want) {
			t.Fatalf("%s: %+v", what, got)
		}
		for i := range want {
			if v := got[i].Value; v != want[i] && !(math.IsNaN(v) && math.IsNaN(want[i])) {
				t.Errorf("%s: %s is away for %v, want %v", what, got[i].Subject, v, want[i])
			}
		}
	}
	nan := math.NaN()
	check("before", list(fleet.StateWorking, fleet.StateAway, fleet.StateInvited, fleet.StateDrained, fleet.StateServing), 0, 0, 10, nan, 0, 0)
	saved := maps.Clone(p.heard)
	if len(saved) != 3 {
		t.Errorf("heard of %v", saved)
	}
	now = now.Add(time.Hour)
	p = &presence{heard: saved}
	invited := list(fleet.StateInvited, fleet.StateInvited, fleet.StateInvited, fleet.StateInvited, fleet.StateInvited)
	check("after the restart", invited, 0, 0, 3610, nan, nan, 0)
	now = now.Add(time.Minute)
	check("a minute later", invited, 0, 60, 3670, nan, nan, 60)
	check("they are back", list(fleet.StateWorking, fleet.StateServing), 0, 0, 0)
	if check("a token is taken back", list(fleet.StateWorking), 0, 0); len(p.heard) != 1 {
		t.Errorf("heard of %v", p.heard)
	}
}
