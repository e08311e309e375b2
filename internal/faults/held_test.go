//go:build linux

package faults

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"freshet/fleet"
	"freshet/internal/wiretest"
	"freshet/jobs"
)

// held are tasks that run until they may end: all that the hub and its first
// worker run at once.
type held struct {
	s     *shape
	until time.Time
	job   jobs.ID
	gate  string
}

// atOnce is how many tasks the hub and one worker run at once.
const atOnce = 4

// hold submits them, and waits until all run.
func (s *shape) hold(t *testing.T, name string, until time.Time) *held {
	t.Helper()
	h := &held{s: s, until: until, gate: filepath.Join(s.dir, "gate-"+name)}
	spec := jobs.Spec{Name: "held", Key: "held-" + name, Array: must(jobs.ParseArray(fmt.Sprintf("1-%d", atOnce))),
		Command: s.noted(`until [ -e "$1" ]; do sleep 0.1; done`, h.gate)}
	h.job = insist(t, s, until, func(ctx context.Context, c *fleet.Client) ([]jobs.ID, error) { return c.Submit(ctx, spec) })[0]
	for {
		info := insist(t, s, until, func(ctx context.Context, c *fleet.Client) (jobs.Info, error) { return c.Job(ctx, h.job) })
		if info.Counts[jobs.Running] == atOnce {
			return h
		}
		if time.Now().After(until) {
			t.Fatalf("%d tasks do not all run: %+v", atOnce, info)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// tasks are what the queue knows of them.
func (h *held) tasks(t *testing.T) []jobs.TaskInfo {
	t.Helper()
	return insist(t, h.s, h.until, func(ctx context.Context, c *fleet.Client) ([]jobs.TaskInfo, error) {
		return c.Tasks(ctx, h.job, jobs.TaskFilter{})
	})
}

// passed lets the tasks end, while the worker of that name is away, or with "" none
// is, and waits until the job has succeeded; what the queue knows of it then.
func (h *held) passed(t *testing.T, away string) []jobs.TaskInfo {
	t.Helper()
	theirs := map[int64]bool{}
	for _, task := range h.tasks(t) {
		theirs[task.Task] = task.Worker == away
	}
	if err := os.WriteFile(h.gate, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	info := insist(t, h.s, h.until, func(ctx context.Context, c *fleet.Client) (jobs.Info, error) { return c.Wait(ctx, h.job) })
	if info.State != jobs.Succeeded || info.Counts[jobs.Succeeded] != atOnce {
		t.Errorf("%+v", info)
	}
	list, n := h.tasks(t), 0
	for _, task := range list {
		attempt := 1
		if theirs[task.Task] {
			attempt, n = 2, n+1
		}
		if task.State != jobs.Succeeded || task.Attempt != attempt || task.Worker == away {
			t.Errorf("%s had task %d, and then: %+v", away, task.Task, task)
		}
	}
	if away != "" && n != atOnce/2 {
		t.Errorf("%s had %d tasks", away, n)
	}
	return list
}

// together has the worker of that number run as many tasks at once as it may: all
// that it had before is over then. It returns their job.
func (s *shape) together(t *testing.T, name string, number int, until time.Time) jobs.ID {
	t.Helper()
	met := filepath.Join(s.dir, "met-"+name)
	s.writable(t, met)
	spec := jobs.Spec{Name: "together", Key: "together-" + name, Array: must(jobs.ParseArray("1-2")), Needs: map[string]string{"number": fmt.Sprint(number)},
		Command: s.noted(`echo $FRESHET_TASK >> "$1"; until [ $(sort -u "$1" | wc -l) = 2 ]; do sleep 0.1; done`, met)}
	id := insist(t, s, until, func(ctx context.Context, c *fleet.Client) ([]jobs.ID, error) { return c.Submit(ctx, spec) })[0]
	info := insist(t, s, until, func(ctx context.Context, c *fleet.Client) (jobs.Info, error) { return c.Wait(ctx, id) })
	if info.State != jobs.Succeeded {
		t.Errorf("%+v", info)
	}
	return id
}

// lateResult has a worker go away while it runs tasks, their programs end, and
// the hub run them again; then the worker comes back, and nothing changes by what
// it says. It returns the jobs and how many tasks they have.
func (s *shape) lateResult(t *testing.T, name string, until time.Time, away, back func()) (ids []jobs.ID, tasks int) {
	t.Helper()
	h := s.hold(t, name, until)
	away()
	before := string(must(json.Marshal(h.passed(t, "worker-1"))))
	back()
	id := s.together(t, name, 1, until)
	if after := string(must(json.Marshal(h.tasks(t)))); after != before {
		t.Errorf("before the worker is back, and after:\n%s\n%s", before, after)
	}
	return []jobs.ID{h.job, id}, atOnce + 2
}

// TestStopped stops a worker, as one that hangs, until its leases are over: others
// run its tasks, and what it says about them when it goes on changes nothing.
func TestStopped(t *testing.T) {
	long(t, "it takes a lease of 15 seconds")
	t.Parallel()
	random := rand.New(rand.NewPCG(wiretest.Seed(t), 0))
	s := newShape(t, plan{workers: 1})
	more := 0
	for round := range *rounds {
		ids, tasks := s.lateResult(t, fmt.Sprint(round), time.Now().Add(roundWithin), func() {
			time.Sleep(time.Duration(random.IntN(500)) * time.Millisecond)
			s.workers[0].signal(t, syscall.SIGSTOP)
		}, func() {
			time.Sleep(time.Duration(random.IntN(500)) * time.Millisecond)
			s.workers[0].signal(t, syscall.SIGCONT)
		})
		more += s.verify(t, ids, tasks)
		if t.Failed() {
			t.Fatalf("round %d", round)
		}
	}
	s.restarted(t)
	t.Logf("%d rounds; runs beyond one a task: %d; 0 late results counted", *rounds, more)
}
