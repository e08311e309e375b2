package jobs

import (
	"strings"
	"testing"
	"testing/synctest"
)

// A task of a kind goes to a worker that has the kind, and to nobody else; until
// there is one, the job says what it waits for.
func TestKindsOfWorkers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := start(t, newMemLog(), Options{})
		defer s.Close(ctx)
		kind := submit(t, s, Spec{Kind: "scrub"})[0]
		idle(t, s, Worker{Node: "plain"})
		idle(t, s, Worker{Node: "other", Kinds: []string{"warm", "check"}})
		if info := wantState(t, s, kind, Queued); !strings.Contains(info.Waits, `kind of work "scrub"`) {
			t.Errorf("it waits %q", info.Waits)
		}
		program := submit(t, s, Spec{})[0]
		if task := claim(t, s, Worker{Node: "plain"}); task.Job != program {
			t.Errorf("the plain worker has got %s, not the program", task.Job)
		}
		if task := claim(t, s, Worker{Node: "whole", Kinds: []string{"scrub", "warm"}}); task.Job != kind {
			t.Errorf("the worker with the kind has got %s", task.Job)
		}
		// It is known who can; what waits now, waits for its turn.
		again := submit(t, s, Spec{Kind: "scrub"})[0]
		idle(t, s, Worker{Node: "other", Kinds: []string{"warm", "check"}})
		if info := wantState(t, s, again, Queued); info.Waits != "" {
			t.Errorf("it waits %q", info.Waits)
		}
	})
}

// Of kinds of a worker there are not many, and they are short.
func TestKindsOfWorkersAreBounded(t *testing.T) {
	s := start(t, newMemLog(), Options{})
	for _, kinds := range [][]string{make([]string, 65), {strings.Repeat("k", 65)}, {"a\nb"}} {
		if _, err := s.Claim(ctx, Worker{Node: "n", Kinds: kinds}); err == nil {
			t.Errorf("%d kinds are taken, the first of %d bytes", len(kinds), len(kinds[0]))
		}
	}
}
