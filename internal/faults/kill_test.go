//go:build linux

package faults

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"sync"
	"syscall"
	"testing"
	"time"

	"freshet/fleet"
	"freshet/internal/wiretest"
	"freshet/jobs"
)

var (
	rounds = flag.Int("faults.rounds", 1, "how many rounds of kills")
	tasks  = flag.Int("faults.jobs", 300, "jobs a round: an array of nine tenths of them, and one by one")
	most   = flag.Duration("faults.most", 0, "no further round is begun after so long; 0: all are")
	kills  = flag.Int("faults.kills", 2, "processes killed a round; at most 4, since five losses make a task dead")
)

// TestKill kills the hub and its workers at random while jobs are submitted and
// run. Each submission that was acknowledged, or repeated until it was, is one
// job; all of them succeed; no attempt of a task has begun twice.
func TestKill(t *testing.T) {
	long(t, "it takes some twenty seconds")
	t.Parallel()
	random := rand.New(rand.NewPCG(wiretest.Seed(t), 0))
	s := newShape(t, plan{workers: 2})
	s.campaign(t, random, s.hubs, s.workers)
}

// campaign is rounds, in which nodes of all kinds are killed.
func (s *shape) campaign(t *testing.T, random *rand.Rand, kinds ...[]*node) {
	t.Helper()
	killed, done, lost := map[string]int{}, 0, 0
	for began := time.Now(); done < *rounds && (*most == 0 || time.Since(began) < *most); done++ {
		round := time.Now()
		ids := s.round(t, done, random, killed, kinds...)
		lost += s.verify(t, ids, *tasks)
		if t.Failed() {
			t.Fatalf("round %d", done)
		}
		t.Logf("round %d: %d jobs, %.1f s", done, *tasks, time.Since(round).Seconds())
	}
	s.restarted(t)
	t.Logf("%d rounds of %d jobs; killed: %v; runs beyond one a task: %d; 0 jobs lost, 0 attempts begun twice", done, *tasks, killed, lost)
}

// round submits jobs while processes are killed, and waits until all are over.
func (s *shape) round(t *testing.T, round int, random *rand.Rand, killed map[string]int, kinds ...[]*node) (ids []jobs.ID) {
	until := time.Now().Add(roundWithin + time.Duration(*tasks)*20*time.Millisecond)
	var killing sync.WaitGroup
	var all, victims []*node
	for _, kind := range kinds {
		all = append(all, kind...)
		victims = append(victims, kind[random.IntN(len(kind))]) // at least one of each kind
	}
	kills := max(*kills, len(kinds))
	for len(victims) < kills {
		victims = append(victims, all[random.IntN(len(all))])
	}
	random.Shuffle(len(victims), func(i, j int) { victims[i], victims[j] = victims[j], victims[i] })
	pauses := make([][2]time.Duration, len(victims))
	for i := range pauses {
		pauses[i] = [2]time.Duration{time.Duration(random.IntN(1500)) * time.Millisecond, time.Duration(random.IntN(500)) * time.Millisecond}
	}
	killing.Go(func() {
		for i, n := range victims {
			time.Sleep(pauses[i][0])
			if err := n.again(pauses[i][1]); err != nil {
				t.Error(err)
				return
			}
			killed[n.name]++
			if s.whole != nil {
				s.whole(t)
			}
		}
	})
	defer killing.Wait()

	singles := *tasks / 10
	submit := func(spec jobs.Spec) {
		spec.Command = s.noted("")
		spec.Key = fmt.Sprintf("%d-%d", round, len(ids))
		got := insist(t, s, until, func(ctx context.Context, c *fleet.Client) ([]jobs.ID, error) { return c.Submit(ctx, spec) })
		ids = append(ids, got...)
	}
	submit(jobs.Spec{Name: "array", Array: must(jobs.ParseArray(fmt.Sprintf("1-%d", *tasks-singles)))})
	for range singles {
		submit(jobs.Spec{Name: "single"})
	}
	for _, id := range ids {
		info := insist(t, s, until, func(ctx context.Context, c *fleet.Client) (jobs.Info, error) { return c.Wait(ctx, id) })
		if info.State != jobs.Succeeded {
			t.Errorf("job %s: %+v", id, info)
		}
	}
	return ids
}

// restarted compares what the hub says of all jobs before and after an orderly
// restart: what it makes of its log is what it had in memory.
func (s *shape) restarted(t *testing.T) {
	t.Helper()
	list := func() string {
		page := insist(t, s, time.Now().Add(roundWithin), func(ctx context.Context, c *fleet.Client) (jobs.Page, error) {
			return c.Jobs(ctx, jobs.Filter{N: 1000})
		})
		return string(must(json.Marshal(page)))
	}
	before := list()
	for _, h := range s.hubs { // with another, that takes over
		if err := h.end(syscall.SIGTERM); err != nil {
			t.Errorf("%s ended with %v: %s", h.name, err, h.said)
		}
		if len(s.hubs) > 1 {
			if after := list(); before != after {
				t.Errorf("before %s has ended, and after:\n%s\n%s", h.name, before, after)
			}
		}
		if _, err := h.start(); err != nil {
			t.Fatal(err)
		}
		if after := list(); before != after {
			t.Errorf("before %s was started again, and after:\n%s\n%s", h.name, before, after)
		}
	}
}
