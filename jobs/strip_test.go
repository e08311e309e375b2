package jobs

import (
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// recount makes anew what is counted of blocks.
func recount(t *testing.T, s *Scheduler) {
	t.Helper()
	err := s.look(ctx, func() error {
		for _, p := range s.m.pages {
			for _, j := range p.jobs {
				if j.many == nil {
					continue
				}
				var spent int64
				var all Counts
				for no, b := range j.many.blocks {
					var by [states]uint16
					for i := range b.tasks {
						by[b.tasks[i].state]++
						if task := &b.tasks[i]; task.state == Succeeded {
							spent += max(0, task.at-task.began)
						}
					}
					if by != b.by {
						t.Errorf("job %s, block %d: %v are counted, it has %v", makeID(j.num), no, b.by, by)
					}
				}
				for _, c := range j.strip() {
					for s, n := range c.Counts {
						all[s] += n
					}
				}
				if spent != j.many.spent || all != j.counts() {
					t.Errorf("job %s: %d ms are counted, not %d; cells have %v, it has %v", makeID(j.num), j.many.spent, spent, all, j.counts())
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

func TestStrip(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := newMemLog()
		s := start(t, log, Options{})
		strip := func(id ID) []Cell {
			t.Helper()
			cells, err := s.Strip(ctx, id)
			if err != nil {
				t.Fatal(err)
			}
			return cells
		}
		one := submit(t, s, Spec{})[0]
		if got := strip(one); len(got) != 1 || got[0] != (Cell{0, 0, Counts{1}}) {
			t.Errorf("%v", got)
		}
		finish(t, s, claim(t, s, Worker{}), Result{Exit: 1})
		if got := strip(one); len(got) != 1 || got[0].Worst() != Failed {
			t.Errorf("%v", got)
		}
		few := submit(t, s, Spec{Array: Numbers(3, 7, 9)})[0]
		finish(t, s, claim(t, s, Worker{}), Result{})
		claim(t, s, Worker{})
		if got := strip(few); len(got) != 3 || got[0] != (Cell{3, 3, Counts{0, 0, 1}}) || got[1].Worst() != Running || got[2].First != 9 || got[2].Worst() != Queued {
			t.Errorf("%v", got)
		}
		for n, want := range map[int64]int{300: 300, 301: 151, 1000: 250, 65_536: 300, 65_537: 65, 1_000_000: 245, 10_000_000: 296} {
			id := submit(t, s, Spec{Array: Range(1, n)})[0]
			if err := s.Cancel(ctx, id, Numbers(1, 2, n/2, n)); err != nil {
				t.Fatal(err)
			}
			cells := strip(id)
			var all Counts
			next := int64(1)
			for _, c := range cells {
				if c.First != next || c.Counts.Total() != c.Last-c.First+1 {
					t.Fatalf("%d: %+v begins at %d", n, c, next)
				}
				next = c.Last + 1
				for s, n := range c.Counts {
					all[s] += n
				}
			}
			if len(cells) != want || next != n+1 || all != (Counts{n - 4, 0, 0, 0, 4}) || cells[0].Worst() != Cancelled || cells[1].Worst() == Cancelled && n > 2 && cells[1].First > 2 {
				t.Errorf("%d: %d cells up to %d, %v", n, len(cells), next-1, all)
			}
		}
		template := submit(t, s, Spec{Schedule: "0 3 * * *"})[0]
		if got := strip(template); len(got) != 0 {
			t.Errorf("%v", got)
		}
		if _, err := s.Strip(ctx, makeID(1<<40)); !errors.Is(err, ErrUnknown) {
			t.Error(err)
		}
		recount(t, s)
		_ = s.Close(ctx)
		s = start(t, log, Options{})
		recount(t, s)
	})
}

// A window of tasks of a stretch, whatever has happened to those around it.
func TestTasksOfAStretch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := start(t, newMemLog(), Options{})
		id := submit(t, s, Spec{Array: Range(1, 10_000)})[0]
		if err := s.Cancel(ctx, id, Numbers(1, 2000, 2001, 5000, 9999)); err != nil {
			t.Fatal(err)
		}
		for _, c := range []struct {
			f    TaskFilter
			want []int64
		}{
			{TaskFilter{Begin: 1999, End: 2002}, []int64{2000, 2001, 2002}},
			{TaskFilter{Begin: 1999, End: 2002, From: 2}, []int64{2002}},
			{TaskFilter{Begin: 1999, End: 2002, States: []State{Cancelled}, From: 1}, []int64{2001}},
			{TaskFilter{Begin: 1, States: []State{Cancelled}, From: 2}, []int64{5000, 9999}},
			{TaskFilter{Begin: 1, End: 9998, States: []State{Cancelled}, From: 2}, []int64{5000}},
			{TaskFilter{Begin: 9997, States: []State{Queued}}, []int64{9998, 10_000}},
			{TaskFilter{Begin: 3000, End: 3002, States: []State{Queued}}, []int64{3001, 3002}},
			{TaskFilter{Begin: 10_000}, nil},
			{TaskFilter{Begin: 5, End: 5}, nil},
		} {
			tasks, err := s.Tasks(ctx, id, c.f)
			if err != nil {
				t.Fatal(err)
			}
			var got []int64
			for _, task := range tasks {
				got = append(got, task.Task)
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("%+v: %v, want %v", c.f, got, c.want)
			}
		}
	})
}

// The end is estimated by what has ended, and by what runs.
func TestLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := start(t, newMemLog(), Options{})
		left := func(id ID) time.Duration {
			t.Helper()
			info, err := s.Job(ctx, id)
			if err != nil {
				t.Fatal(err)
			}
			return info.Left
		}
		id := submit(t, s, Spec{Array: Range(1, 10)})[0]
		if got := left(id); got != 0 {
			t.Errorf("nothing runs: %v", got)
		}
		a, b := claim(t, s, Worker{Node: "a"}), claim(t, s, Worker{Node: "b"})
		if got := left(id); got != 0 {
			t.Errorf("nothing has ended: %v", got)
		}
		time.Sleep(10 * time.Second)
		finish(t, s, a, Result{})
		finish(t, s, b, Result{Exit: 1}) // how long it took to fail tells nothing
		if got := left(id); got != 0 {
			t.Errorf("nothing runs any more: %v", got)
		}
		a, b = claim(t, s, Worker{Node: "a"}), claim(t, s, Worker{Node: "b"})
		if got := left(id); got != 40*time.Second { // 8 tasks, 2 at once, 10 s each
			t.Errorf("%v", got)
		}
		time.Sleep(5 * time.Second)
		if got := left(id); got != 35*time.Second {
			t.Errorf("%v", got)
		}
		if err := s.Beat(ctx, b.Lease, Progress{Fraction: 0.1}); err != nil { // slower than the others
			t.Fatal(err)
		}
		if got := left(id); got != 55*time.Second { // 5 s, 45 s, and 6 tasks of 10 s
			t.Errorf("%v", got)
		}
		if err := s.Pause(ctx, id, true); err != nil {
			t.Fatal(err)
		}
		if got := left(id); got != 0 {
			t.Errorf("it is paused: %v", got)
		}
		finish(t, s, a, Result{})
		finish(t, s, b, Result{})
		recount(t, s)

		only := submit(t, s, Spec{})[0]
		task := claim(t, s, Worker{Node: "a"})
		time.Sleep(10 * time.Second)
		if got := left(only); got != 0 {
			t.Errorf("it says nothing: %v", got)
		}
		if err := s.Beat(ctx, task.Lease, Progress{Fraction: 0.25}); err != nil {
			t.Fatal(err)
		}
		if got := left(only); got != 30*time.Second {
			t.Errorf("%v", got)
		}
		finish(t, s, task, Result{})
		if got := left(only); got != 0 {
			t.Errorf("it is over: %v", got)
		}
	})
}

func TestFollowers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := start(t, newMemLog(), Options{})
		first := submit(t, s, Spec{})[0]
		var want []ID
		for range maxFollowers + 5 {
			want = append(want, submit(t, s, Spec{After: []ID{first}})...)
		}
		info, err := s.Job(ctx, first)
		if err != nil || !slices.Equal(info.Followers, want[:maxFollowers]) {
			t.Errorf("%v, %v", info.Followers, err)
		}
		if info, err = s.Job(ctx, want[0]); err != nil || len(info.Followers) != 0 {
			t.Errorf("%v, %v", info.Followers, err)
		}
	})
}
