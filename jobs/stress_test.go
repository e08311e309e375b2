package jobs

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"
)

// Everybody at once: each task that is not cancelled succeeds once.
func TestStress(t *testing.T) {
	s := start(t, newMemLog(), Options{PageEntries: 20, Lease: time.Hour, Pools: map[string]int{"small": 2}})
	const submitters, each = 4, 40
	work, stop := context.WithCancel(ctx)
	var mu sync.Mutex
	var ids []ID
	accepted := map[string]int{}
	var submitting, working sync.WaitGroup
	for i := range submitters {
		submitting.Go(func() {
			for n := range each {
				spec := Spec{Owner: fmt.Sprint("o", i), Command: []string{"x"}, Retries: 100, Backoff: time.Millisecond, Array: Range(1, int64(1+n%5))}
				if n%7 == 0 {
					spec.Pool = "small"
				}
				mu.Lock()
				if len(ids) > 0 && n%5 == 0 {
					spec.After, spec.AfterAny = ids[len(ids)-1:], true
				}
				mu.Unlock()
				got, err := s.Submit(ctx, spec)
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				ids = append(ids, got...)
				mu.Unlock()
				if n%10 == 3 {
					if err := s.Cancel(ctx, got[0], Array{}); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	for i := range 6 {
		working.Go(func() {
			r := rand.New(rand.NewPCG(uint64(i), 4))
			for work.Err() == nil {
				c, cancel := work, context.CancelFunc(func() {})
				if r.IntN(4) == 0 {
					c, cancel = context.WithTimeout(work, time.Duration(r.IntN(1000))*time.Microsecond)
				}
				task, err := s.Claim(c, Worker{Node: fmt.Sprint("n", i)})
				cancel()
				if err != nil {
					continue
				}
				beat := s.Beat(ctx, task.Lease, Progress{Fraction: r.Float64()})
				if beat != nil && !errors.Is(beat, ErrCancelled) {
					t.Errorf("Beat: %v", beat)
				}
				result := Result{Exit: r.IntN(3) / 2}
				if err := s.Finish(ctx, task.Lease, result); err != nil {
					t.Errorf("Finish: %v", err)
				}
				if result.OK() {
					mu.Lock()
					accepted[fmt.Sprint(task.Job, task.Task)]++
					mu.Unlock()
				}
			}
		})
	}
	working.Go(func() {
		for work.Err() == nil {
			if _, err := s.Jobs(ctx, Filter{Owner: "o1"}); err != nil {
				t.Error(err)
			}
			if _, err := s.Workers(ctx); err != nil {
				t.Error(err)
			}
		}
	})
	submitting.Wait()
	for _, id := range ids {
		if err := s.Watch(ctx, id, func(Info) error { return nil }); err != nil {
			t.Errorf("Watch: %v", err)
		}
	}
	stop()
	working.Wait()
	succeeded := int64(0)
	for _, id := range ids {
		info, err := s.Job(ctx, id)
		if err != nil {
			t.Fatal(err)
		}
		if !info.State.Final() || info.Counts[Failed]+info.Counts[Dead] > 0 {
			t.Errorf("job %s: %s %v", id, info.State, info.Counts)
		}
		succeeded += info.Counts[Succeeded]
	}
	for key, n := range accepted {
		if n != 1 {
			t.Errorf("task %s has succeeded %d times", key, n)
		}
	}
	if succeeded != int64(len(accepted)) {
		t.Errorf("%d tasks have succeeded, %d were finished so", succeeded, len(accepted))
	}
}
