package jobs

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// asked are the names of the jobs whose tasks are to be given back, in order.
func asked(t testing.TB, s *Scheduler) (names []string) {
	t.Helper()
	page, err := s.Jobs(ctx, Filter{States: []State{Running}, N: 1000})
	if err != nil {
		t.Fatal(err)
	}
	for _, info := range page.Jobs {
		tasks, err := s.Tasks(ctx, info.ID, TaskFilter{States: []State{Running}, N: 1000})
		if err != nil {
			t.Fatal(err)
		}
		for _, task := range tasks {
			if task.Preempted != "" {
				names = append(names, info.Spec.Name)
			}
		}
	}
	slices.Sort(names)
	return names
}

// later lets time pass in which all tasks give a sign.
func later(t testing.TB, s *Scheduler, d time.Duration, running ...*Task) {
	t.Helper()
	for end := time.Now().Add(d); time.Now().Before(end); {
		time.Sleep(min(time.Second, time.Until(end)))
		for _, task := range running {
			if err := s.Beat(ctx, task.Lease, Progress{}); err != nil && !errors.Is(err, ErrPreempted) {
				t.Fatalf("%s: %v", task.Spec.Name, err)
			}
		}
	}
	synctest.Wait()
}

// A task that is pre-empted is given back, keeps its place, and has not failed;
// what its old run still says is refused.
func TestPreempt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var heard []string
		s := start(t, newMemLog(), Options{Heed: func(worker string) { heard = append(heard, worker) }})
		w := Worker{Node: "n1", Capacity: 1}
		ids := submit(t, s, Spec{Name: "low"}, Spec{Name: "later"})
		low := claim(t, s, w)
		high := submit(t, s, Spec{Name: "high", Priority: 5, Preempt: true})[0]
		later(t, s, preemptAfter/2, low)
		if err := s.Beat(ctx, low.Lease, Progress{}); err != nil {
			t.Errorf("before its worker could have been free: %v", err)
		}
		later(t, s, preemptAfter, low)
		if err := s.Beat(ctx, low.Lease, Progress{}); !errors.Is(err, ErrPreempted) {
			t.Fatal(err)
		}
		if !slices.Equal(heard, []string{"n1"}) {
			t.Errorf("told: %v", heard)
		}
		tasks, err := s.Tasks(ctx, ids[0], TaskFilter{})
		if err != nil || tasks[0].Preempted != high || tasks[0].Condition() != "giving way" || tasks[0].State != Running {
			t.Errorf("%+v %v", tasks, err)
		}
		if info, err := s.Job(ctx, high); err != nil || info.Waits != "for 1 tasks of a lower priority to go, which were asked to" {
			t.Errorf("%q %v", info.Waits, err)
		}
		given := Result{Exit: 143, Lost: true, Reason: "whatever"}
		finish(t, s, low, given)
		if err := s.Finish(ctx, low.Lease, given); err != nil {
			t.Errorf("told twice: %v", err)
		}
		if err := s.Beat(ctx, low.Lease, Progress{}); !errors.Is(err, ErrLost) {
			t.Errorf("a sign of a run that has ended: %v", err)
		}
		why := "pre-empted by job " + string(high)
		tasks, err = s.Tasks(ctx, ids[0], TaskFilter{})
		if err != nil || tasks[0].State != Queued || tasks[0].Preempted != "" || tasks[0].Result.Reason != why || !tasks[0].Result.Lost {
			t.Errorf("%+v %v", tasks, err)
		}
		if info, err := s.Job(ctx, ids[0]); err != nil || info.Reason != why {
			t.Errorf("%+v %v", info, err)
		}
		if task := claim(t, s, w); task.Job != high {
			t.Errorf("%s instead", task.Spec.Name)
		} else {
			finish(t, s, task, Result{})
		}
		// It is the oldest still, may be pre-empted as often as it happens, and fails
		// by itself alone.
		for try := 2; try < 12; try++ {
			task := claim(t, s, w)
			if task.Job != ids[0] || task.Attempt != try {
				t.Fatalf("%s, run %d", task.Spec.Name, task.Attempt)
			}
			if err := s.Finish(ctx, low.Lease, Result{}); !errors.Is(err, ErrLost) {
				t.Errorf("the end of the first run, late: %v", err)
			}
			again := submit(t, s, Spec{Priority: 1, Preempt: true})[0]
			later(t, s, 2*preemptAfter, task)
			finish(t, s, task, Result{Lost: true})
			if task := claim(t, s, w); task.Job != again {
				t.Fatalf("%s instead", task.Spec.Name)
			} else {
				finish(t, s, task, Result{})
			}
		}
		last := claim(t, s, w)
		finish(t, s, last, Result{Exit: 1})
		if info, err := s.Job(ctx, ids[0]); err != nil || info.State != Failed {
			t.Errorf("%+v %v", info, err)
		}
		if workers, err := s.Workers(ctx); err != nil || workers[0].Lost != 0 {
			t.Errorf("%+v %v", workers, err)
		}
	})
}

// Who is asked to go, and who is not.
func TestWhoIsPreempted(t *testing.T) {
	type on struct {
		w    Worker
		spec Spec
	}
	gpu := map[string]string{"gpu": ""}
	one := func(name string) Worker { return Worker{Node: name, Capacity: 1} }
	with := func(w Worker, change func(*Worker)) Worker { change(&w); return w }
	high := Spec{Name: "high", Priority: 5, Preempt: true}
	and := func(s Spec, change func(*Spec)) Spec { change(&s); return s }
	for name, tt := range map[string]struct {
		pools   map[string]int
		running []on // begun in this order
		waiting []Spec
		want    string
	}{
		"the lowest": {running: []on{{one("a"), Spec{Name: "two", Priority: 2}}, {one("b"), Spec{Name: "one", Priority: 1}}, {one("c"), Spec{Name: "three", Priority: 3}}}, waiting: []Spec{high}, want: "one"},
		"the latest": {running: []on{{one("a"), Spec{Name: "old"}}, {one("b"), Spec{Name: "new"}}}, waiting: []Spec{high}, want: "new"},
		"one for each": {running: []on{{one("a"), Spec{Name: "a"}}, {one("b"), Spec{Name: "b"}}, {one("c"), Spec{Name: "c"}}},
			waiting: []Spec{and(high, func(s *Spec) { s.Array = Range(1, 2) })}, want: "b c"},
		"for several jobs": {running: []on{{one("a"), Spec{Name: "a"}}, {one("b"), Spec{Name: "b"}}, {one("c"), Spec{Name: "c", Priority: 6}}},
			waiting: []Spec{high, and(high, func(s *Spec) { s.Priority = 7; s.Owner = "other" })}, want: "a b"},
		"none of a higher priority, or the same": {running: []on{{one("a"), Spec{Name: "same", Priority: 5}}, {one("b"), Spec{Name: "higher", Priority: 6}}}, waiting: []Spec{high}},
		"none that stays":                        {running: []on{{one("a"), Spec{Name: "stays", NoPreempt: true}}, {one("b"), Spec{Name: "goes", Priority: 1}}}, waiting: []Spec{high}, want: "goes"},
		"nobody asks for it":                     {running: []on{{one("a"), Spec{Name: "low"}}}, waiting: []Spec{{Name: "high", Priority: 5}}},
		"where its label is": {running: []on{{with(one("a"), func(w *Worker) { w.Labels = gpu }), Spec{Name: "there", Priority: 1}}, {one("b"), Spec{Name: "lower"}}},
			waiting: []Spec{and(high, func(s *Spec) { s.Needs = gpu })}, want: "there"},
		"nowhere without its label": {running: []on{{one("a"), Spec{Name: "low"}}}, waiting: []Spec{and(high, func(s *Spec) { s.Needs = gpu })}},
		"nowhere without its kind":  {running: []on{{one("a"), Spec{Name: "low"}}}, waiting: []Spec{{Name: "high", Kind: "scrub", Priority: 5, Preempt: true}}},
		"where its pool is taken": {running: []on{{with(one("a"), func(w *Worker) { w.Pools = []string{"default"} }), Spec{Name: "lower"}}, {one("b"), Spec{Name: "there", Priority: 1}}},
			waiting: []Spec{and(high, func(s *Spec) { s.Pool = "p" })}, want: "there"},
		"of its pool, which is full": {pools: map[string]int{"p": 1}, running: []on{{one("a"), Spec{Name: "other"}}, {one("b"), Spec{Name: "mate", Pool: "p", Priority: 1}}},
			waiting: []Spec{and(high, func(s *Spec) { s.Pool = "p" })}, want: "mate"},
		"none for a pool that is full of others": {pools: map[string]int{"p": 1}, running: []on{{one("a"), Spec{Name: "other"}}, {one("b"), Spec{Name: "mate", Pool: "p", Priority: 9}}},
			waiting: []Spec{and(high, func(s *Spec) { s.Pool = "p" })}},
		"no more than the pool has room for": {pools: map[string]int{"p": 2}, running: []on{{one("a"), Spec{Name: "a"}}, {one("b"), Spec{Name: "b"}}, {one("c"), Spec{Name: "mate", Pool: "p", Priority: 9}}},
			waiting: []Spec{and(high, func(s *Spec) { s.Pool = "p"; s.Array = Range(1, 2) })}, want: "b"},
		"none for who would come after another": {running: []on{{one("a"), Spec{Name: "low"}}}, waiting: []Spec{high, {Name: "first", Priority: 8}}},
		"not on a worker that has room":         {running: []on{{Worker{Node: "a", Capacity: 2}, Spec{Name: "low"}}}, waiting: []Spec{high}},
		"on a worker that is full": {running: []on{{Worker{Node: "a", Capacity: 2}, Spec{Name: "low"}}, {Worker{Node: "a", Capacity: 2}, Spec{Name: "lower", Priority: -1}}},
			waiting: []Spec{high}, want: "lower"},
		"not for a job that is paused, or waits": {running: []on{{one("a"), Spec{Name: "low"}}}, waiting: []Spec{and(high, func(s *Spec) { s.Name = "paused" })}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := start(t, newMemLog(), Options{Pools: tt.pools})
				var running []*Task
				for _, r := range tt.running {
					submit(t, s, r.spec)
					running = append(running, claim(t, s, r.w))
					time.Sleep(time.Millisecond)
				}
				for _, spec := range tt.waiting {
					id := submit(t, s, spec)[0]
					if spec.Name == "paused" {
						if err := s.Pause(ctx, id, true); err != nil {
							t.Fatal(err)
						}
					}
				}
				later(t, s, goingFor/2, running...)
				if got := strings.Join(asked(t, s), " "); got != tt.want {
					t.Errorf("asked to go: %q, want %q", got, tt.want)
				}
			})
		})
	}
}

// No task is asked to go on a worker that would take no other in its place.
func TestPreemptWhereTasksAreTaken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		locked := map[string]bool{"a": true, "b": true}
		var mu sync.Mutex
		s := start(t, newMemLog(), Options{Takes: func(worker string) bool {
			mu.Lock()
			defer mu.Unlock()
			return !locked[worker]
		}})
		var running []*Task
		for i, name := range []string{"a", "b"} {
			submit(t, s, Spec{Name: name, Priority: i})
			running = append(running, claim(t, s, Worker{Node: name, Capacity: 1}))
		}
		submit(t, s, Spec{Name: "high", Priority: 5, Preempt: true})
		later(t, s, time.Minute, running...)
		if got := asked(t, s); len(got) != 0 {
			t.Errorf("asked to go where none is taken: %q", got)
		}
		mu.Lock()
		locked["b"] = false
		mu.Unlock()
		later(t, s, time.Minute, running...)
		if got := strings.Join(asked(t, s), " "); got != "b" {
			t.Errorf("asked to go: %q, want the one where tasks are taken", got)
		}
	})
}

// Nobody is asked while a worker is free, nor twice while one that was freed is on
// its way for the next task; and nothing goes round in circles.
func TestPreemptNoMoreThanNeeded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := start(t, newMemLog(), Options{})
		var running []*Task
		submit(t, s, Spec{Name: "low", Array: Range(1, 4)})
		for i := range 4 {
			running = append(running, claim(t, s, Worker{Node: fmt.Sprint("n", i), Capacity: 1}))
		}
		submit(t, s, Spec{Name: "high", Priority: 1, Preempt: true, Array: Range(1, 2)})
		later(t, s, 10*time.Second, running...)
		if got := asked(t, s); len(got) != 2 {
			t.Fatalf("for two tasks: %v", got)
		}
		finish(t, s, running[3], Result{Lost: true})
		later(t, s, comingFor-time.Second, running[:3]...)
		if got := asked(t, s); len(got) != 1 {
			t.Errorf("while a worker is on its way: %v", got)
		}
		came := claim(t, s, Worker{Node: "n3", Capacity: 1})
		running[3] = came
		if came.Spec.Name != "high" {
			t.Errorf("%s instead", came.Spec.Name)
		}
		finish(t, s, running[2], Result{Lost: true})
		later(t, s, comingFor+2*time.Second, running[0], running[1], running[3])
		if got := asked(t, s); len(got) != 1 {
			t.Errorf("when a worker has not come: %v", got)
		}
		running[2] = claim(t, s, Worker{Node: "n2", Capacity: 1})
		later(t, s, time.Minute, running...)
		var after []string
		for _, r := range running {
			if err := s.Beat(ctx, r.Lease, Progress{}); errors.Is(err, ErrPreempted) {
				finish(t, s, r, Result{Lost: true})
				after = append(after, claim(t, s, Worker{Node: "n1", Capacity: 1}).Spec.Name)
			}
		}
		if len(after) != 1 || after[0] != "low" || running[2].Spec.Name != "high" {
			t.Errorf("after all of high are begun: %v", after)
		}
		later(t, s, 10*time.Second)
		if got := asked(t, s); len(got) != 0 {
			t.Errorf("nobody waits, and yet: %v", got)
		}
	})
}

// A task that was asked to go and stays keeps the one that waits no longer than a
// while: then another is asked. If both go, nobody is asked for what waits no more.
func TestPreemptedAndStays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := start(t, newMemLog(), Options{})
		var running []*Task
		for i, name := range []string{"a", "b", "c"} {
			submit(t, s, Spec{Name: name, Priority: i})
			running = append(running, claim(t, s, Worker{Node: name, Capacity: 1}))
		}
		submit(t, s, Spec{Name: "high", Priority: 5, Preempt: true})
		is := func(after time.Duration, want string, running ...*Task) {
			t.Helper()
			later(t, s, after, running...)
			if got := strings.Join(asked(t, s), " "); got != want {
				t.Errorf("%v later, asked to go: %q, want %q", after, got, want)
			}
		}
		is(2*preemptAfter, "a", running...)
		is(goingFor-3*time.Second, "a", running...)
		is(3*time.Second, "a b", running...)
		is(goingFor-4*time.Second, "a b", running...)
		finish(t, s, running[1], Result{Lost: true})
		next := claim(t, s, Worker{Node: "b", Capacity: 1})
		if next.Spec.Name != "high" {
			t.Fatalf("%s instead", next.Spec.Name)
		}
		finish(t, s, running[0], Result{Lost: true})
		is(2*goingFor, "", running[2], next)
		// Who schedules anew does not know since when, and counts from then on.
		l, now := &lease{}, time.Now()
		if l.stays(now) || l.stays(now.Add(goingFor-1)) || !l.stays(now.Add(goingFor)) {
			t.Error("it is counted on for another time")
		}
	})
}

// That a task was asked is in the log, and in the pages.
func TestPreemptSurvives(t *testing.T) {
	for _, pages := range []bool{false, true} {
		t.Run(fmt.Sprint("pages ", pages), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				log := newMemLog()
				s := start(t, log, Options{})
				w := Worker{Node: "n1", Capacity: 2}
				submit(t, s, Spec{Name: "low", Array: Range(1, 3000), Retries: 1})
				failed := claim(t, s, w)
				finish(t, s, failed, Result{Exit: 3, Output: []byte("what it said")})
				time.Sleep(time.Minute)
				a, b := claim(t, s, w), claim(t, s, w)
				high := submit(t, s, Spec{Priority: 1, Preempt: true})[0]
				later(t, s, 2*preemptAfter, a, b)
				if pages {
					if err := s.Close(ctx); err != nil {
						t.Fatal(err)
					}
				} else {
					log = log.copy()
				}
				s = start(t, log, Options{})
				if got := asked(t, s); len(got) != 1 {
					t.Fatalf("asked: %v", got)
				}
				if err := s.Beat(ctx, b.Lease, Progress{}); !errors.Is(err, ErrPreempted) {
					t.Fatal(err)
				}
				finish(t, s, b, Result{Lost: true})
				tasks, err := s.Tasks(ctx, b.Job, TaskFilter{Begin: b.Task - 1, End: b.Task})
				if err != nil || tasks[0].Result.Reason != "pre-empted by job "+string(high) || tasks[0].Attempt != b.Attempt {
					t.Errorf("%+v %v", tasks, err)
				}
				// Its worker has not asked the new scheduler for a task yet: it is left alone.
				submit(t, s, Spec{Priority: 9, Preempt: true, Array: Range(1, 9)})
				later(t, s, 5*time.Second, a)
				if got := asked(t, s); len(got) != 0 {
					t.Errorf("of a worker that is not known: %v", got)
				}
			})
		})
	}
}

// Who was asked to go and is cancelled, ends by itself, or is lost is that.
func TestPreemptedAnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		heard := 0
		s := start(t, newMemLog(), Options{Heed: func(string) { heard++ }})
		begin := func() *Task {
			t.Helper()
			submit(t, s, Spec{Name: "low"})
			task := claim(t, s, Worker{Capacity: 1})
			submit(t, s, Spec{Name: "high", Priority: 1, Preempt: true})
			later(t, s, 2*preemptAfter, task)
			if err := s.Beat(ctx, task.Lease, Progress{}); !errors.Is(err, ErrPreempted) {
				t.Fatal(err)
			}
			return task
		}
		is := func(task *Task, want State) {
			t.Helper()
			if info, err := s.Job(ctx, task.Job); err != nil || info.State != want {
				t.Errorf("%s %v, want %s", info.State, err, want)
			}
			if next := claim(t, s, Worker{Capacity: 1}); next.Spec.Name == "high" {
				finish(t, s, next, Result{})
			} else {
				t.Errorf("%s instead", next.Spec.Name)
			}
		}
		task := begin()
		heard = 0
		if err := s.Cancel(ctx, task.Job, Array{}); err != nil {
			t.Fatal(err)
		}
		if err := s.Beat(ctx, task.Lease, Progress{}); !errors.Is(err, ErrCancelled) || heard != 1 {
			t.Errorf("%v, told %d times", err, heard)
		}
		finish(t, s, task, Result{Exit: 143, Lost: true, Reason: "x"})
		is(task, Cancelled)
		task = begin()
		finish(t, s, task, Result{})
		is(task, Succeeded)
		task = begin()
		finish(t, s, task, Result{Exit: 1})
		is(task, Failed)
		task = begin()
		time.Sleep(time.Minute)
		is(task, Running) // it has waited, and runs again after high
	})
}
