package jobs

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

var ctx = context.Background()

// start begins a scheduler that the test's end closes.
func start(t testing.TB, log Log, o Options) *Scheduler {
	t.Helper()
	s, err := New(ctx, log, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close(ctx) })
	return s
}

func submit(t testing.TB, s *Scheduler, specs ...Spec) []ID {
	t.Helper()
	for i := range specs {
		if specs[i].Kind == "" && specs[i].Command == nil {
			specs[i].Command = []string{"true"}
		}
	}
	ids, err := s.Submit(ctx, specs...)
	if err != nil {
		t.Fatal(err)
	}
	return ids
}

func claim(t testing.TB, s *Scheduler, w Worker) *Task {
	t.Helper()
	if w.Node == "" {
		w.Node = "n1"
	}
	task, err := s.Claim(ctx, w)
	if err != nil {
		t.Fatal(err)
	}
	return task
}

// idle says that there is nothing to claim now; in a bubble.
func idle(t testing.TB, s *Scheduler, w Worker) {
	t.Helper()
	if w.Node == "" {
		w.Node = "n1"
	}
	c, cancel := context.WithTimeout(ctx, time.Millisecond)
	defer cancel()
	if task, err := s.Claim(c, w); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("claimed %+v, %v; nothing was to be had", task, err)
	}
}

func finish(t testing.TB, s *Scheduler, task *Task, r Result) {
	t.Helper()
	if err := s.Finish(ctx, task.Lease, r); err != nil {
		t.Fatal(err)
	}
}

func wantState(t testing.TB, s *Scheduler, id ID, want State) Info {
	t.Helper()
	info, err := s.Job(ctx, id)
	if err != nil {
		t.Fatal(err)
	}
	if info.State != want {
		t.Fatalf("job %s (%s) is %s, want %s: %+v", id, info.Spec.Name, info.State, want, info)
	}
	return info
}

func TestLifeOfAJob(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := start(t, newMemLog(), Options{})
		id := submit(t, s, Spec{Name: "a", Array: Range(5, 7)})[0]
		wantState(t, s, id, Queued)
		for want := int64(5); want <= 7; want++ {
			task := claim(t, s, Worker{})
			if task.Task != want || task.Attempt != 1 || task.Spec.Name != "a" || task.Job != id {
				t.Fatalf("claimed %+v", task)
			}
			wantState(t, s, id, Running)
			if err := s.Beat(ctx, task.Lease, Progress{Fraction: .5, Message: "half"}); err != nil {
				t.Fatal(err)
			}
			finish(t, s, task, Result{})
			finish(t, s, task, Result{}) // as after a broken connection
		}
		info := wantState(t, s, id, Succeeded)
		if info.Fraction != 1 || info.Counts[Succeeded] != 3 || info.Ended.IsZero() {
			t.Errorf("%+v", info)
		}
		idle(t, s, Worker{})
	})
}

func TestLeaseRunsOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := start(t, newMemLog(), Options{})
		id := submit(t, s, Spec{})[0]
		first := claim(t, s, Worker{Node: "n1"})
		for range 10 { // a worker that beats keeps it
			time.Sleep(10 * time.Second)
			if err := s.Beat(ctx, first.Lease, Progress{}); err != nil {
				t.Fatal(err)
			}
		}
		at := time.Now()
		second := claim(t, s, Worker{Node: "n2"}) // waits for the lease to run out
		if d := time.Since(at); d < 14*time.Second || d > 16*time.Second {
			t.Errorf("claimed after %v", d)
		}
		if second.Attempt != 2 || second.Token <= first.Token {
			t.Errorf("second: %+v, first: %+v", second.Lease, first.Lease)
		}
		if err := s.Finish(ctx, first.Lease, Result{}); !errors.Is(err, ErrLost) {
			t.Errorf("late Finish: %v", err)
		}
		if err := s.Beat(ctx, first.Lease, Progress{}); !errors.Is(err, ErrLost) {
			t.Errorf("late Beat: %v", err)
		}
		wantState(t, s, id, Running)
		finish(t, s, second, Result{})
		wantState(t, s, id, Succeeded)
		if err := s.Finish(ctx, first.Lease, Result{Exit: 1}); !errors.Is(err, ErrLost) {
			t.Errorf("late Finish: %v", err)
		}
		wantState(t, s, id, Succeeded)
	})
}

func TestLateFinishBeforeTheNextClaim(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := start(t, newMemLog(), Options{})
		id := submit(t, s, Spec{})[0]
		first := claim(t, s, Worker{})
		time.Sleep(16 * time.Second)
		synctest.Wait()
		if err := s.Finish(ctx, first.Lease, Result{}); !errors.Is(err, ErrLost) {
			t.Errorf("late Finish: %v", err)
		}
		if info, _ := s.Job(ctx, id); info.Counts[Queued] != 1 {
			t.Errorf("%+v", info)
		}
	})
}

func TestDead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := start(t, newMemLog(), Options{Losses: 3})
		id := submit(t, s, Spec{Retries: 50})[0]
		finish(t, s, claim(t, s, Worker{}), Result{Lost: true, Reason: "no memory"})
		claim(t, s, Worker{}) // and nothing more is heard
		finish(t, s, claim(t, s, Worker{}), Result{Lost: true, Reason: "no room"})
		info := wantState(t, s, id, Dead)
		if info.Reason != "no room" {
			t.Errorf("reason: %q", info.Reason)
		}
		if err := s.Retry(ctx, id, Array{}); err != nil {
			t.Fatal(err)
		}
		finish(t, s, claim(t, s, Worker{}), Result{})
		wantState(t, s, id, Succeeded)
	})
}

func TestRetriesWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := start(t, newMemLog(), Options{})
		id := submit(t, s, Spec{Retries: 2, Backoff: time.Minute})[0]
		for i, want := range []time.Duration{0, time.Minute, 2 * time.Minute} {
			at := time.Now()
			task := claim(t, s, Worker{})
			if d := time.Since(at); d > want || d < want*3/4 {
				t.Errorf("attempt %d after %v, want up to %v", i+1, d, want)
			}
			if task.Attempt != i+1 {
				t.Errorf("attempt %d, want %d", task.Attempt, i+1)
			}
			finish(t, s, task, Result{Exit: 3, Output: []byte(strings.Repeat("x", 5000) + "end")})
		}
		info := wantState(t, s, id, Failed)
		if info.Reason != "exit status 3" {
			t.Errorf("reason %q", info.Reason)
		}
		tasks, err := s.Tasks(ctx, id, TaskFilter{})
		if err != nil || len(tasks) != 1 || len(tasks[0].Result.Output) != keptOutput || !strings.HasSuffix(string(tasks[0].Result.Output), "xend") {
			t.Errorf("%+v, %v", tasks, err)
		}
	})
}

func TestCancel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := start(t, newMemLog(), Options{})
		id := submit(t, s, Spec{Array: Range(1, 3000)})[0]
		one := claim(t, s, Worker{})
		if err := s.Cancel(ctx, id, Range(10, 20)); err != nil {
			t.Fatal(err)
		}
		if info := wantState(t, s, id, Running); info.Counts[Cancelled] != 11 || info.Counts[Queued] != 2988 {
			t.Errorf("%v", info.Counts)
		}
		if err := s.Cancel(ctx, id, Array{}); err != nil {
			t.Fatal(err)
		}
		if info := wantState(t, s, id, Running); info.Counts[Cancelled] != 2999 {
			t.Errorf("%v", info.Counts)
		}
		if err := s.Beat(ctx, one.Lease, Progress{}); !errors.Is(err, ErrCancelled) {
			t.Errorf("Beat: %v", err)
		}
		finish(t, s, one, Result{Signal: "SIGTERM"})
		wantState(t, s, id, Cancelled)
		idle(t, s, Worker{})
		if err := s.Retry(ctx, id, Range(2999, 2999)); err != nil {
			t.Fatal(err)
		}
		if task := claim(t, s, Worker{}); task.Task != 2999 {
			t.Errorf("claimed %d", task.Task)
		} else {
			finish(t, s, task, Result{})
		}
		if err := s.Retry(ctx, id, Array{}); err != nil {
			t.Fatal(err)
		}
		if info := wantState(t, s, id, Running); info.Counts[Queued] != 2999 || info.Counts[Succeeded] != 1 {
			t.Errorf("%v", info.Counts)
		}
	})
}

func TestAfter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := newMemLog()
		s := start(t, log, Options{})
		a := submit(t, s, Spec{Name: "a", Array: Range(1, 2)})[0]
		b := submit(t, s, Spec{Name: "b", After: []ID{a}})[0]
		c := submit(t, s, Spec{Name: "c", After: []ID{b}})[0]
		d := submit(t, s, Spec{Name: "d", After: []ID{b}, AfterAny: true})[0]
		one, two := claim(t, s, Worker{}), claim(t, s, Worker{})
		idle(t, s, Worker{})
		if info := wantState(t, s, b, Queued); info.Waits == "" {
			t.Error("nothing says why it waits")
		}
		finish(t, s, one, Result{})
		idle(t, s, Worker{})
		finish(t, s, two, Result{Exit: 1})
		wantState(t, s, a, Failed)
		if info := wantState(t, s, b, Failed); !strings.Contains(info.Reason, "which it comes after, is failed") {
			t.Errorf("reason: %q", info.Reason)
		}
		wantState(t, s, c, Failed)
		if got := claim(t, s, Worker{}); got.Job != d {
			t.Errorf("claimed %s", got.Spec.Name)
		}
		if _, err := s.Submit(ctx, Spec{Command: []string{"x"}, After: []ID{"zzzzzzzzz"}}); !errors.Is(err, ErrSpec) || !errors.Is(err, ErrUnknown) {
			t.Errorf("after an unknown job: %v", err)
		}
		// Again, in order.
		for _, id := range []ID{a, b} {
			if err := s.Retry(ctx, id, Array{}); err != nil {
				t.Fatal(err)
			}
		}
		wantState(t, s, b, Queued)
		again := claim(t, s, Worker{})
		if again.Job != a || again.Task != 2 {
			t.Fatalf("%+v", again)
		}
		finish(t, s, again, Result{})
		if got := claim(t, s, Worker{}); got.Job != b {
			t.Errorf("claimed %s", got.Spec.Name)
		}
	})
}

func TestOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := start(t, newMemLog(), Options{Pools: map[string]int{"small": 1}, Shares: map[string]int{"bob": 2}})
		submit(t, s, Spec{Name: "ann", Owner: "ann", Array: Range(1, 10)}, Spec{Name: "bob", Owner: "bob", Array: Range(1, 10)},
			Spec{Name: "low", Priority: -1}, Spec{Name: "high", Priority: 5, Needs: map[string]string{"gpu": ""}},
			Spec{Name: "small", Priority: 9, Pool: "small", Array: Range(1, 9)})
		var got []string
		var tasks []*Task
		for range 6 {
			task := claim(t, s, Worker{})
			tasks = append(tasks, task)
			got = append(got, task.Spec.Name)
		}
		// small once, for that is its limit; then bob gets two for one of ann's.
		if want := "small ann bob bob ann bob"; strings.Join(got, " ") != want {
			t.Errorf("order: %v, want %s", got, want)
		}
		if task := claim(t, s, Worker{Labels: map[string]string{"gpu": "rtx"}}); task.Spec.Name != "high" {
			t.Errorf("with a label: %s", task.Spec.Name)
		}
		finish(t, s, tasks[0], Result{})
		if task := claim(t, s, Worker{Pools: []string{"small"}}); task.Spec.Name != "small" {
			t.Errorf("of a pool: %s", task.Spec.Name)
		}
		idle(t, s, Worker{Pools: []string{"none"}})
	})
}

func TestPause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := start(t, newMemLog(), Options{})
		id := submit(t, s, Spec{Array: Range(1, 2)})[0]
		claim(t, s, Worker{})
		if err := s.Pause(ctx, id, true); err != nil {
			t.Fatal(err)
		}
		idle(t, s, Worker{})
		got := make(chan *Task)
		go func() { got <- claim(t, s, Worker{Node: "n2"}) }()
		synctest.Wait()
		if err := s.Pause(ctx, id, false); err != nil {
			t.Fatal(err)
		}
		if task := <-got; task.Task != 2 {
			t.Errorf("%+v", task)
		}
	})
}

func TestFenced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := newMemLog()
		first := start(t, log, Options{})
		id := submit(t, first, Spec{})[0]
		second := start(t, log, Options{})
		if _, err := first.Submit(ctx, Spec{Command: []string{"x"}}); !errors.Is(err, ErrFenced) {
			t.Errorf("the first goes on: %v", err)
		}
		<-first.Done()
		if !errors.Is(first.Err(), ErrFenced) {
			t.Errorf("Err: %v", first.Err())
		}
		if _, err := first.Job(ctx, id); !errors.Is(err, ErrClosed) || !errors.Is(err, ErrFenced) {
			t.Errorf("afterwards: %v", err)
		}
		wantState(t, second, id, Queued)
		if page, err := second.Jobs(ctx, Filter{}); err != nil || page.Total != 1 {
			t.Errorf("%+v, %v", page, err)
		}
	})
}

func TestUnknownOutcomeStops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := newMemLog()
		s := start(t, log, Options{})
		log.hook = func(what string) error {
			if what == "append" {
				return errors.New("timeout")
			}
			return nil
		}
		_, err := s.Submit(ctx, Spec{Command: []string{"x"}})
		if err == nil || errors.Is(err, ErrFenced) || errors.Is(err, ErrClosed) {
			t.Errorf("Submit: %v", err)
		}
		<-s.Done()
		log.hook = nil
		start(t, log, Options{})
	})
}

func TestRestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := newMemLog()
		s := start(t, log, Options{PageEntries: 3})
		ids := submit(t, s, Spec{Name: "x", Array: Range(1, 5000)}, Spec{Name: "y"})
		var tasks []*Task
		for range 1500 {
			tasks = append(tasks, claim(t, s, Worker{}))
		}
		for _, task := range tasks[:1400] {
			finish(t, s, task, Result{Exit: int(task.Task) % 2})
		}
		before, _ := s.Job(ctx, ids[0])
		if err := s.Close(ctx); err != nil {
			t.Fatal(err)
		}
		if n := len(log.entries); n > 1 {
			t.Errorf("%d entries are left after Close", n)
		}
		s = start(t, log, Options{})
		after, err := s.Job(ctx, ids[0])
		if err != nil {
			t.Fatal(err)
		}
		if before.Counts != after.Counts || before.State != after.State || before.Started != after.Started {
			t.Errorf("before: %+v\nafter:  %+v", before, after)
		}
		// The tasks that ran have a new lease, and their tokens hold.
		time.Sleep(10 * time.Second)
		finish(t, s, tasks[1450], Result{})
		if task := claim(t, s, Worker{}); task.Token <= tasks[1499].Token || task.Task != 1501 {
			t.Errorf("%+v", task)
		}
	})
}

func TestWatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := start(t, newMemLog(), Options{MaxWatching: 1})
		id := submit(t, s, Spec{})[0]
		var seen []State
		var wg sync.WaitGroup
		wg.Go(func() {
			err := s.Watch(ctx, id, func(i Info) error {
				seen = append(seen, i.State)
				time.Sleep(time.Minute) // slow
				return nil
			})
			if err != nil {
				t.Error(err)
			}
		})
		synctest.Wait()
		if err := s.Watch(ctx, id, nil); !errors.Is(err, ErrFull) {
			t.Errorf("one too many: %v", err)
		}
		task := claim(t, s, Worker{})
		for range 20 {
			if err := s.Beat(ctx, task.Lease, Progress{Fraction: .1}); err != nil {
				t.Fatal(err)
			}
		}
		finish(t, s, task, Result{})
		wg.Wait()
		if got := fmt.Sprint(seen); got != "[queued succeeded]" {
			t.Errorf("seen: %s", got)
		}
	})
}

func TestClaimGivenUpGoesBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := newMemLog()
		s := start(t, log, Options{Losses: 1})
		c, cancel := context.WithCancel(ctx)
		log.hook = func(what string) error {
			if what == "append" {
				cancel() // while the claim is written
				time.Sleep(time.Second)
			}
			return nil
		}
		var wg sync.WaitGroup
		wg.Go(func() {
			if task, err := s.Claim(c, Worker{Node: "n1"}); err == nil {
				t.Errorf("claimed %+v", task)
			}
		})
		synctest.Wait()
		id := submit(t, s, Spec{})[0]
		wg.Wait()
		info, err := s.Job(ctx, id)
		if err != nil || info.Counts[Queued] != 1 {
			t.Errorf("%+v, %v", info, err)
		}
		claim(t, s, Worker{})
	})
}

func TestBounds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := start(t, newMemLog(), Options{MaxJobs: 3, MaxWaiting: 1, MaxClasses: 2})
		submit(t, s, Spec{}, Spec{Owner: "b"})
		if _, err := s.Submit(ctx, Spec{Command: []string{"x"}, Owner: "c"}); !errors.Is(err, ErrFull) {
			t.Errorf("classes: %v", err)
		}
		other := start(t, newMemLog(), Options{MaxClasses: 2})
		submit(t, other, Spec{Owner: "c"}, Spec{Owner: "c"}, Spec{Owner: "d"}, Spec{Owner: "c"}, Spec{Owner: "d"}) // two classes, however many jobs
		if _, err := other.Submit(ctx, Spec{Command: []string{"x"}, Owner: "e"}); !errors.Is(err, ErrFull) {
			t.Errorf("one class too many: %v", err)
		}
		_ = other.Close(ctx)
		if _, err := s.Submit(ctx, Spec{Command: []string{"x"}}, Spec{Command: []string{"x"}}); !errors.Is(err, ErrFull) {
			t.Errorf("jobs: %v", err)
		}
		if _, err := s.Submit(ctx, Spec{Command: []string{"x", strings.Repeat("y", maxArgBytes)}}); !errors.Is(err, ErrSpec) {
			t.Errorf("a long command: %v", err)
		}
		claim(t, s, Worker{})
		claim(t, s, Worker{})
		var wg sync.WaitGroup
		wg.Go(func() { _, _ = s.Claim(ctx, Worker{Node: "w"}) })
		synctest.Wait()
		if _, err := s.Claim(ctx, Worker{Node: "w2"}); !errors.Is(err, ErrFull) {
			t.Errorf("waiting: %v", err)
		}
		_ = s.Close(ctx)
		wg.Wait()
	})
}

func TestForgets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := newMemLog()
		s := start(t, log, Options{Keep: time.Hour, KeepFailed: 48 * time.Hour, KeepJobs: 5})
		var ids []ID
		for range 8 {
			ids = append(ids, submit(t, s, Spec{})[0])
			finish(t, s, claim(t, s, Worker{}), Result{})
			time.Sleep(time.Second)
		}
		bad := submit(t, s, Spec{Array: Range(1, 2)})[0]
		for range 2 {
			finish(t, s, claim(t, s, Worker{}), Result{Exit: 1})
		}
		page, _ := s.Jobs(ctx, Filter{Oldest: true})
		if page.Total != 6 || page.Jobs[0].ID != ids[3] {
			t.Errorf("%d jobs, the first %s", page.Total, page.Jobs[0].ID)
		}
		waiting := submit(t, s, Spec{After: []ID{ids[7]}})[0]
		if err := s.Pause(ctx, waiting, true); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Hour)
		synctest.Wait()
		page, _ = s.Jobs(ctx, Filter{Oldest: true})
		if page.Total != 3 || page.Jobs[0].ID != ids[7] || page.Jobs[1].ID != bad {
			t.Errorf("%+v", page)
		}
		if err := s.Cancel(ctx, waiting, Array{}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(50 * time.Hour)
		synctest.Wait()
		if page, _ = s.Jobs(ctx, Filter{}); page.Total != 0 {
			t.Errorf("%+v", page)
		}
		_ = s.Close(ctx)
		if len(log.pages) > 2 {
			t.Errorf("pages are left: %d", len(log.pages))
		}
		s = start(t, log, Options{})
		if next := submit(t, s, Spec{})[0]; next <= waiting {
			t.Errorf("%s is given after %s", next, waiting)
		}
	})
}

func TestSchedules(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := newMemLog()
		s := start(t, log, Options{})
		id := submit(t, s, Spec{Name: "nightly", Schedule: "0 3 * * *", Zone: "Europe/Berlin"})[0]
		info := wantState(t, s, id, Queued)
		if !strings.HasPrefix(info.Waits, "until 2000-01-01 03:00") {
			t.Errorf("waits %q", info.Waits)
		}
		task := claim(t, s, Worker{})
		if at := time.Now().UTC().Format(time.DateTime); at != "2000-01-01 02:00:00" || task.Spec.From != id || task.Spec.Schedule != "" {
			t.Errorf("at %s: %+v", at, task)
		}
		// A day and a half later it has not ended: the next one is left out.
		for range 36 * 60 * 6 {
			time.Sleep(10 * time.Second)
			if err := s.Beat(ctx, task.Lease, Progress{}); err != nil {
				t.Fatal(err)
			}
		}
		finish(t, s, task, Result{})
		_ = s.Close(ctx)
		time.Sleep(72 * time.Hour)
		s = start(t, log, Options{})
		at := time.Now()
		task = claim(t, s, Worker{}) // once for those that were missed
		if d := time.Since(at); d > time.Second {
			t.Errorf("after %v", d)
		}
		finish(t, s, task, Result{})
		idle(t, s, Worker{})
		if err := s.Cancel(ctx, id, Array{}); err != nil {
			t.Fatal(err)
		}
		wantState(t, s, id, Cancelled)
		time.Sleep(48 * time.Hour)
		idle(t, s, Worker{})
	})
}

func TestSubmitAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := newMemLog()
		s := start(t, log, Options{KeepJobs: 1})
		one := Spec{Owner: "ann", Key: "deploy-17", Command: []string{"x"}}
		other := one
		other.Owner = "bob"
		ids := submit(t, s, one, other, one)
		if ids[0] != ids[2] || ids[0] == ids[1] {
			t.Errorf("%v", ids)
		}
		_ = s.Close(ctx)
		s = start(t, log, Options{KeepJobs: 1})
		if again := submit(t, s, one); again[0] != ids[0] {
			t.Errorf("after a start: %v", again)
		}
		for range 2 {
			finish(t, s, claim(t, s, Worker{}), Result{})
		}
		if again := submit(t, s, one); again[0] == ids[0] { // the first is forgotten
			t.Errorf("%v", again)
		}
		if again := submit(t, s, other); again[0] != ids[1] {
			t.Errorf("%v", again)
		}
	})
}

// Jobs that are cancelled behind one that nobody runs leave nothing behind.
func TestCancelledJobsLeaveTheHeap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := start(t, newMemLog(), Options{KeepJobs: 1})
		needs := map[string]string{"gpu": ""}
		first := submit(t, s, Spec{Needs: needs})[0]
		for range 500 {
			id := submit(t, s, Spec{Needs: needs})[0]
			if err := s.Cancel(ctx, id, Array{}); err != nil {
				t.Fatal(err)
			}
		}
		last := submit(t, s, Spec{Needs: needs})[0]
		synctest.Wait()
		for _, c := range s.m.classes {
			if len(c.waiting) > 100 {
				t.Errorf("%d jobs are in the heap", len(c.waiting))
			}
		}
		for _, want := range []ID{first, last} {
			if task := claim(t, s, Worker{Labels: map[string]string{"gpu": "x"}}); task.Job != want {
				t.Errorf("claimed %s, want %s", task.Job, want)
			}
		}
	})
}
