package worker_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"freshet/internal/worker"
	"freshet/jobs"
)

// bubble runs a worker that has kinds alone, in a bubble where time is fake.
func bubble(t *testing.T, o worker.Options, f func(t *testing.T, c *crew)) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue()
		c := &crew{q: q, logs: &sink{}, over: make(chan error, 1)}
		o.Queue, o.Logs, o.Node = q, c.logs, "node"
		if o.ErrorLog == nil {
			o.ErrorLog = silent
		}
		w, err := worker.Idle(o)
		if err != nil {
			t.Fatal(err)
		}
		c.Worker = w
		var ctx context.Context
		ctx, c.stop = context.WithCancel(context.Background())
		go func() { c.over <- w.Run(ctx) }()
		synctest.Wait()
		f(t, c)
		c.stop()
		if err := <-c.over; err != nil {
			t.Error(err)
		}
	})
}

// of is a task of a kind.
func of(kind string) jobs.Spec { return jobs.Spec{Kind: kind} }

func TestKinds(t *testing.T) {
	var seen jobs.Task
	kinds := map[string]worker.Kind{
		"well": func(_ context.Context, t *jobs.Task, r worker.Reporter) jobs.Result {
			seen = *t
			r.Print("a %d", 1)
			r.Progress(0.5, "half")
			r.Progress(7, "nonsense")
			return jobs.Result{}
		},
		"fails": func(context.Context, *jobs.Task, worker.Reporter) jobs.Result {
			return jobs.Result{Exit: 4, Reason: "why"}
		},
		"panics": func(context.Context, *jobs.Task, worker.Reporter) jobs.Result { panic(fmt.Errorf("no\nway")) },
		"nil": func(context.Context, *jobs.Task, worker.Reporter) jobs.Result {
			var t *jobs.Task
			return jobs.Result{Exit: t.Attempt}
		},
		"exits": func(context.Context, *jobs.Task, worker.Reporter) jobs.Result { runtime.Goexit(); return jobs.Result{} },
		"waits": func(ctx context.Context, _ *jobs.Task, _ worker.Reporter) jobs.Result {
			<-ctx.Done()
			return jobs.Result{Exit: 1, Reason: ctx.Err().Error()}
		},
		"finishes": func(ctx context.Context, _ *jobs.Task, _ worker.Reporter) jobs.Result {
			<-ctx.Done()
			return jobs.Result{}
		},
	}
	bubble(t, worker.Options{Kinds: kinds, Drain: -1}, func(t *testing.T, c *crew) {
		for _, x := range []struct {
			kind   string
			exit   int
			reason string
		}{
			{"well", 0, ""},
			{"fails", 4, "why"},
			{"panics", -1, "panic: no way"},
			{"nil", -1, "panic: runtime error: invalid memory address or nil pointer dereference"},
			{"exits", -1, "its goroutine was ended"},
			{"waits", 1, "timed out after 10m"},
			{"finishes", 0, ""},
		} {
			l := c.q.put(timeout(of(x.kind), 10*time.Minute))
			r := <-c.q.told
			if r.Exit != x.exit || r.Reason != x.reason || r.Lost {
				t.Errorf("%s: %+v", x.kind, r)
			}
			if x.kind == "well" && (c.logs.text(l) != "stdout: a 1\n" || string(r.Output) != "a 1\n" || seen.Lease != l) {
				t.Errorf("%q, %q, %+v", c.logs.text(l), r.Output, seen)
			}
		}
		c.q.put(of("waits"))
		synctest.Wait()
		c.stop()
		if r := <-c.q.told; !r.Lost || r.Reason != "the worker was stopped" {
			t.Errorf("%+v", r)
		}
	})
}

// waits is a kind that runs until it is told to end.
var waits = map[string]worker.Kind{"waits": func(ctx context.Context, _ *jobs.Task, r worker.Reporter) jobs.Result {
	for i := range 10_000 {
		select {
		case <-time.After(100 * time.Millisecond):
			r.Progress(float64(i)/10_000, "")
		case <-ctx.Done():
			return jobs.Result{Exit: 1}
		}
	}
	return jobs.Result{}
}}

// Beats come every third of the lease, or every two seconds when there is
// progress.
func TestBeats(t *testing.T) {
	for _, x := range []struct {
		lease time.Duration
		want  time.Duration
		kinds map[string]worker.Kind
	}{
		{time.Minute, 2 * time.Second, waits},
		{3 * time.Second, time.Second, waits},
		{time.Minute, 20 * time.Second, map[string]worker.Kind{"waits": func(ctx context.Context, _ *jobs.Task, _ worker.Reporter) jobs.Result {
			<-ctx.Done()
			return jobs.Result{Exit: 1}
		}}},
	} {
		bubble(t, worker.Options{Kinds: x.kinds, Drain: -1}, func(t *testing.T, c *crew) {
			var at []time.Duration
			start := time.Now()
			c.q.lease = x.lease
			c.q.onBeat = func(jobs.Lease, jobs.Progress) error {
				if at = append(at, time.Since(start)); len(at) > 20 {
					return jobs.ErrCancelled
				}
				return nil
			}
			c.q.put(of("waits"))
			<-c.q.told
			for i, a := range at[1:] {
				if d := a - at[i]; d < x.want-150*time.Millisecond || d > x.want+150*time.Millisecond {
					t.Errorf("lease %v: %v between beats, want %v", x.lease, d, x.want)
					break
				}
			}
		})
	}
}

// While the queue is away, claims are further and further apart; nothing is
// lost, and the result is told when it is back.
func TestAway(t *testing.T) {
	bubble(t, worker.Options{Kinds: waits, Drain: -1, Capacity: 2}, func(t *testing.T, c *crew) {
		c.q.lease = time.Minute
		c.q.put(of("waits"))
		synctest.Wait()
		c.q.leave(errors.New("no route"))
		c.Lock() // ends the claim that waits
		synctest.Wait()
		c.Unlock()
		before, _ := c.q.count()
		time.Sleep(10 * time.Minute)
		after, beats := c.q.count()
		if n := after - before; n < 10 || n > 60 {
			t.Errorf("%d claims in 10 minutes", n)
		}
		if beats < 30 || beats > 60 {
			t.Errorf("%d beats in 10 minutes", beats)
		}
		time.Sleep(10 * time.Minute) // the task is over
		if s := c.Status(); len(s.Held) != 1 || s.Held[0].Progress.Fraction < 0.99 {
			t.Errorf("%+v", s)
		}
		c.q.leave(nil)
		if r := <-c.q.told; !r.OK() || r.Usage.Wall < 1000*time.Second {
			t.Errorf("%+v", r)
		}
		time.Sleep(time.Minute)
		c.q.put(of("waits"))
		synctest.Wait()
		if s := c.Status(); len(s.Held) != 1 || s.Finished != 1 {
			t.Errorf("%+v", s)
		}
	})
}

// A worker that is stopped while its queue is away gives up.
func TestAwayForGood(t *testing.T) {
	bubble(t, worker.Options{Kinds: waits, Drain: -1}, func(t *testing.T, c *crew) {
		c.q.put(of("waits"))
		synctest.Wait()
		c.q.leave(errors.New("no route"))
		start := time.Now()
		c.stop()
		err := <-c.over
		if took := time.Since(start); err != nil || took > worker.DefaultGrace+worker.DefaultTell+time.Second {
			t.Errorf("%v, after %v", err, took)
		}
		c.over <- nil
		if s := c.Status(); s.Gone != 1 || len(c.q.results) > 0 {
			t.Errorf("%+v", s)
		}
	})
}

// A result that is refused is told no more.
func TestFinishRefused(t *testing.T) {
	for _, refusal := range []error{jobs.ErrLost, jobs.ErrUnknown, fmt.Errorf("client: %w", jobs.ErrLost)} {
		bubble(t, worker.Options{Kinds: map[string]worker.Kind{"k": func(context.Context, *jobs.Task, worker.Reporter) jobs.Result { return jobs.Result{} }}}, func(t *testing.T, c *crew) {
			var calls atomic.Int32
			c.q.onFinish = func(jobs.Lease, jobs.Result) error { calls.Add(1); return refusal }
			c.q.put(of("k"))
			time.Sleep(time.Hour)
			if s := c.Status(); calls.Load() != 1 || s.Gone != 1 || len(s.Held) > 0 {
				t.Errorf("%v: %d calls, %+v", refusal, calls.Load(), s)
			}
		})
	}
}

// A lease that is lost while the result cannot be told ends the telling.
func TestLostWhileTelling(t *testing.T) {
	bubble(t, worker.Options{Kinds: map[string]worker.Kind{"k": func(context.Context, *jobs.Task, worker.Reporter) jobs.Result { return jobs.Result{} }}}, func(t *testing.T, c *crew) {
		c.q.onFinish = func(jobs.Lease, jobs.Result) error { return errors.New("full") }
		c.q.onBeat = func(jobs.Lease, jobs.Progress) error { return jobs.ErrLost }
		c.q.put(of("k"))
		time.Sleep(time.Minute)
		if s := c.Status(); s.Gone != 1 || len(s.Held) > 0 {
			t.Errorf("%+v", s)
		}
	})
}

// So it does when the task was ended for another reason before.
func TestLostAfterTheEnd(t *testing.T) {
	slow := map[string]worker.Kind{"k": func(ctx context.Context, _ *jobs.Task, _ worker.Reporter) jobs.Result {
		<-ctx.Done()
		time.Sleep(time.Minute)
		return jobs.Result{Exit: 1}
	}}
	for _, beats := range []error{nil, jobs.ErrLost} {
		for _, finishes := range []error{jobs.ErrLost, errors.New("full")} {
			bubble(t, worker.Options{Kinds: slow}, func(t *testing.T, c *crew) {
				var calls atomic.Int32
				c.q.onFinish = func(jobs.Lease, jobs.Result) error { calls.Add(1); return finishes }
				c.q.onBeat = func(jobs.Lease, jobs.Progress) error {
					if c.Status().Held[0].Since.Add(30 * time.Second).After(time.Now()) {
						return jobs.ErrCancelled
					}
					return beats
				}
				c.q.put(timeout(of("k"), time.Hour))
				time.Sleep(2 * time.Minute)
				s := c.Status()
				if beats == nil && finishes != jobs.ErrLost {
					if len(s.Held) != 1 || calls.Load() < 2 {
						t.Errorf("%d calls, %+v", calls.Load(), s)
					}
					c.q.mu.Lock()
					c.q.onFinish = nil
					c.q.mu.Unlock()
					<-c.q.told
					return
				}
				if s.Gone != 1 || len(s.Held) > 0 || beats != nil && calls.Load() > 0 || calls.Load() > 1 {
					t.Errorf("%v, %v: %d calls, %+v", beats, finishes, calls.Load(), s)
				}
			})
		}
	}
}

func TestCapacity(t *testing.T) {
	bubble(t, worker.Options{Kinds: waits, Capacity: 3, Drain: -1}, func(t *testing.T, c *crew) {
		for range 5 {
			c.q.put(of("waits"))
		}
		synctest.Wait()
		if s := c.Status(); len(s.Held) != 3 || len(c.q.tasks) != 2 {
			t.Errorf("%d held, %d left", len(s.Held), len(c.q.tasks))
		}
		time.Sleep(30 * time.Minute)
		if s := c.Status(); s.Finished != 3 || len(s.Held) != 2 {
			t.Errorf("%+v", s)
		}
	})
}

// A sink that stays away keeps a result from being told for ten seconds.
func TestSinkStaysAway(t *testing.T) {
	kinds := map[string]worker.Kind{"k": func(_ context.Context, _ *jobs.Task, r worker.Reporter) jobs.Result {
		r.Print("x")
		return jobs.Result{}
	}}
	bubble(t, worker.Options{Kinds: kinds}, func(t *testing.T, c *crew) {
		c.logs.fail = errors.New("away")
		start := time.Now()
		c.q.put(of("k"))
		if r := <-c.q.told; !r.OK() || string(r.Output) != "x\n" || time.Since(start) != 10*time.Second {
			t.Errorf("%+v after %v", r, time.Since(start))
		}
	})
}

func TestOptions(t *testing.T) {
	_, err := worker.New(worker.Options{Capacity: -1, Dir: "a", Dirs: []string{"b"}, Grace: -1, Kinds: map[string]worker.Kind{"": nil}})
	if err == nil {
		t.Fatal("accepted")
	}
	for _, want := range []string{"queue", "capacity", `"a"`, `"b"`, "grace", "kinds"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%v: nothing about %s", err, want)
		}
	}
}
