//go:build linux

package faults

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"

	"freshet/fleet"
	"freshet/internal/bus"
	"freshet/jobs"
)

// liar is a node with a token of the fleet, that speaks its protocol and says
// what it likes.
type liar struct {
	conn   *bus.Conn
	number int64 // of its latest claim
}

func (l *liar) join(t *testing.T, token string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), startWithin)
	defer cancel()
	conn, err := bus.Join(ctx, token, bus.JoinOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	l.conn = conn
}

func (l *liar) say(t *testing.T, subject, format string, args ...any) ([]byte, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	return l.conn.Call(ctx, subject, fmt.Appendf(nil, format, args...))
}

// claim waits for a task.
func (l *liar) claim(t *testing.T, until time.Time) (task jobs.Task) {
	t.Helper()
	for time.Now().Before(until) {
		l.number = max(l.number+1, time.Now().UnixNano())
		text, err := l.say(t, "jobs.claim", `{"number": %d, "worker": {"node": "worker-1", "capacity": 1000, "labels": {"lies": "all"}}}`, l.number)
		if err != nil {
			t.Fatal(err)
		}
		if len(text) > 0 {
			if err := json.Unmarshal(text, &task); err != nil {
				t.Fatal(err)
			}
			return task
		}
	}
	t.Fatal("there is no task")
	return task
}

// refused reports lies that are believed.
func (l *liar) refused(t *testing.T, lease jobs.Lease) {
	t.Helper()
	of := string(must(json.Marshal(lease)))
	for _, what := range []struct{ subject, more string }{
		{"jobs.beat", `"progress": {"fraction": 0.5, "message": "half of it"}`},
		{"jobs.log", `"lines": [{"t": "bGllcw=="}]`},
		{"jobs.file", `"file": {"name": "lies", "size": 1, "data": "bA=="}`},
		{"jobs.input", `"input": {"sha256": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"}`},
		{"jobs.finish", `"result": {"exit": 0}`},
		{"jobs.finish", `"result": {"exit": 1, "reason": "lies"}`},
		{"jobs.finish", `"result": {"lost": true}`},
	} {
		_, err := l.say(t, what.subject, `{"lease": %s, %s}`, of, what.more)
		var said *bus.Error
		if !errors.As(err, &said) || said.Code != "lost" && said.Code != "unknown" {
			t.Errorf("%s of %s with %s: %v", what.subject, of, what.more, err)
		}
	}
}

// TestLiar: what a node says of tasks that it does not have, or not any more, or
// with a lease that is none, changes nothing; and neither does a second end of one
// that it had.
func TestLiar(t *testing.T) {
	long(t, "it takes some ten seconds")
	t.Parallel()
	s := newShape(t, plan{workers: 1})
	until := time.Now().Add(roundWithin)
	token := s.invite(t, "liar")
	l := &liar{}
	l.join(t, token)
	h := s.hold(t, "liar", until)
	before := string(must(json.Marshal(h.tasks(t))))

	id := insist(t, s, until, func(ctx context.Context, c *fleet.Client) ([]jobs.ID, error) {
		return c.Submit(ctx, jobs.Spec{Key: "lies", Command: s.noted(""), Needs: map[string]string{"lies": "all"}})
	})[0]
	first := l.claim(t, until)
	if first.Job != id || first.Attempt != 1 {
		t.Fatalf("%+v", first)
	}
	// Of others, all of which it knows.
	workers := insist(t, s, until, func(ctx context.Context, c *fleet.Client) ([]jobs.WorkerInfo, error) { return c.Workers(ctx) })
	n := 0
	for _, w := range workers {
		for _, lease := range w.Running {
			if lease == first.Lease {
				if w.Node != "liar" {
					t.Errorf("it is taken for %s", w.Node)
				}
				continue
			}
			n++
			l.refused(t, lease)
		}
	}
	if n != atOnce {
		t.Errorf("%d leases of others", n)
	}
	// Of its own, with what is not true of it.
	for _, change := range []func(*jobs.Lease){
		func(l *jobs.Lease) { l.Token++ }, func(l *jobs.Lease) { l.Token-- }, func(l *jobs.Lease) { l.Token = 0 },
		func(l *jobs.Lease) { l.Attempt++ }, func(l *jobs.Lease) { l.Task++ }, func(l *jobs.Lease) { l.Job = h.job }, func(l *jobs.Lease) { l.Job = "none" },
	} {
		lease := first.Lease
		change(&lease)
		l.refused(t, lease)
	}
	// It is gone until its tasks are given to others (that leases are over without a
	// sign is TestStopped's), and gets the same task once more.
	if _, err := l.say(t, "fleet.report", `{}`); err != nil {
		t.Fatal(err)
	}
	l.conn.Close()
	for {
		info := insist(t, s, until, func(ctx context.Context, c *fleet.Client) (jobs.Info, error) { return c.Job(ctx, id) })
		if info.Counts[jobs.Queued] == 1 {
			break
		}
		if time.Now().After(until) {
			t.Fatalf("its task is not given to others: %+v", info)
		}
		time.Sleep(50 * time.Millisecond)
	}
	l.join(t, token)
	second := l.claim(t, until)
	if second.Job != id || second.Attempt != 2 || second.Token <= first.Token {
		t.Fatalf("%+v after %+v", second, first)
	}
	l.refused(t, first.Lease)
	end := func(result string) error {
		_, err := l.say(t, "jobs.finish", `{"lease": %s, "result": %s}`, must(json.Marshal(second.Lease)), result)
		return err
	}
	if err := end(`{"exit": 0}`); err != nil {
		t.Fatal(err)
	}
	show := func() string {
		return string(must(json.Marshal(insist(t, s, until, func(ctx context.Context, c *fleet.Client) (jobs.Info, error) { return c.Job(ctx, id) }))))
	}
	ended := show()
	for _, result := range []string{`{"exit": 0}`, `{"exit": 1}`, `{"lost": true}`} {
		_ = end(result) // a worker that did not hear an answer tells it once more
	}
	l.refused(t, first.Lease)
	if after := show(); after != ended {
		t.Errorf("it had ended:\n%s\n%s", ended, after)
	}

	if after := string(must(json.Marshal(h.tasks(t)))); after != before {
		t.Errorf("before what was said of them, and after:\n%s\n%s", before, after)
	}
	for _, task := range h.passed(t, "") {
		if task.Result == nil || task.Result.Reason != "" {
			t.Errorf("%+v", task)
		}
	}
	s.verify(t, []jobs.ID{h.job}, atOnce)
	s.restarted(t)
}
