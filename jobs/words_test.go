package jobs

import (
	"testing"
	"time"
)

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

func TestWordsOfTasks(t *testing.T) {
	began := time.Unix(1000, 0)
	now := began.Add(time.Minute)
	for _, c := range []struct {
		task       TaskInfo
		state, say string
		took       time.Duration
		known      bool
	}{
		{TaskInfo{}, "queued", "", 0, false},
		{TaskInfo{State: Running, Started: began, Progress: Progress{Message: "drawing"}, Result: &Result{Exit: 1}}, "running", "drawing", time.Minute, true},
		{TaskInfo{State: Running, Started: now.Add(time.Hour), Ending: true}, "ending", "", 0, true},
		{TaskInfo{State: Failed, Started: began, Ended: began.Add(time.Second), Result: &Result{Exit: 1}}, "failed", "exit status 1", time.Second, true},
		{TaskInfo{State: Queued, Started: began, Result: &Result{Exit: 1}}, "queued", "exit status 1", 0, false},
	} {
		took, known := c.task.Took(now)
		if c.task.Condition() != c.state || c.task.Says() != c.say || took != c.took || known != c.known {
			t.Errorf("%+v: %s, %q, %v %v", c.task, c.task.Condition(), c.task.Says(), took, known)
		}
	}
	counts := Counts{3, 1, 0, 4, 0, 2}
	if counts.Words() != "3 queued, 1 running, 4 failed, 2 dead" || counts.Over() != 6 || counts.Broken() != 6 {
		t.Errorf("%s, %d, %d", counts.Words(), counts.Over(), counts.Broken())
	}
}
