package jobs

import "testing"

func TestTitle(t *testing.T) {
	for want, s := range map[string]Spec{
		"name":     {Name: "name", Kind: "kind", Command: []string{"a"}},
		"kind":     {Kind: "kind", Command: []string{"a"}},
		"a b -c d": {Command: []string{"a", "b", "-c d"}},
		"":         {},
	} {
		if got := s.Title(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestCondition(t *testing.T) {
	for _, c := range []struct {
		state  State
		paused bool
		want   string
	}{
		{Queued, false, "queued"}, {Queued, true, "paused"}, {Running, true, "paused"}, {Running, false, "running"},
		{Succeeded, true, "succeeded"}, {Dead, false, "dead"},
	} {
		if got := (&Info{State: c.state, Paused: c.paused}).Condition(); got != c.want {
			t.Errorf("%v, paused %v: %q", c.state, c.paused, got)
		}
	}
}

func TestEnding(t *testing.T) {
	for want, r := range map[string]*Result{
		"":                    nil,
		"exit status 0":       {},
		"exit status 3":       {Exit: 3},
		"SIGKILL":             {Exit: -1, Signal: "SIGKILL"},
		"timed out after 10m": {Exit: -1, Signal: "SIGTERM", Reason: "timed out after 10m"},
	} {
		if got := r.Ending(); got != want {
			t.Errorf("%+v: %q, want %q", r, got, want)
		}
	}
}
