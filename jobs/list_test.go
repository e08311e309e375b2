package jobs

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func names(p Page) string {
	var out []string
	for _, j := range p.Jobs {
		out = append(out, j.Spec.Name)
	}
	return strings.Join(out, " ")
}

func TestListJobs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := start(t, newMemLog(), Options{})
		for i := range 600 {
			submit(t, s, Spec{Name: fmt.Sprint("j", i), Owner: string(rune('a' + i%2)), Pool: "p" + string(rune('0'+i%3))})
		}
		submit(t, s, Spec{Name: `with "quotes" <&>`, Kind: "warm"})
		for _, c := range []struct {
			f    Filter
			want string
		}{
			{Filter{N: 3}, `with "quotes" <&> j599 j598`},
			{Filter{N: 3, Oldest: true}, "j0 j1 j2"},
			{Filter{N: 2, Oldest: true, Owner: "b"}, "j1 j3"},
			{Filter{N: 2, Pool: "p2", Owner: "a"}, "j596 j590"},
			{Filter{Name: "77", Oldest: true}, "j77 j177 j277 j377 j477 j577"},
			{Filter{Name: `"quotes" <`}, `with "quotes" <&>`},
			{Filter{Kind: "warm"}, `with "quotes" <&>`},
			{Filter{States: []State{Failed, Dead}}, ""},
			{Filter{Owner: "nobody"}, ""},
		} {
			p, err := s.Jobs(ctx, c.f)
			if err != nil || names(p) != c.want || p.Total != 601 || p.By[Queued] != 601 {
				t.Errorf("%+v: %s, %+v, %v; want %s", c.f, names(p), p.By, err, c.want)
			}
		}
		for _, oldest := range []bool{false, true} {
			var all []string
			f := Filter{N: 7, Oldest: oldest}
			for {
				p, err := s.Jobs(ctx, f)
				if err != nil {
					t.Fatal(err)
				}
				for _, j := range p.Jobs {
					all = append(all, j.Spec.Name)
				}
				if f.After = p.Next; f.After == "" {
					break
				}
			}
			if len(all) != 601 || len(slices.Compact(slices.Sorted(slices.Values(all)))) != 601 {
				t.Errorf("oldest first %v: %d jobs page by page", oldest, len(all))
			}
		}
		if _, err := s.Jobs(ctx, Filter{After: "x"}); err == nil {
			t.Error("a name that is none is taken")
		}
	})
}

// Jobs with long specs make short pages.
func TestListIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := start(t, newMemLog(), Options{})
		long := strings.Repeat("x", maxArgBytes-100)
		for range 50 {
			submit(t, s, Spec{Command: []string{"x", long}})
		}
		p, err := s.Jobs(ctx, Filter{})
		if err != nil || len(p.Jobs) > maxListed/len(long)+1 || p.Next == "" {
			t.Errorf("%d jobs, %q, %v", len(p.Jobs), p.Next, err)
		}
	})
}

func TestListTasks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := start(t, newMemLog(), Options{})
		id := submit(t, s, Spec{Array: Range(1, 10_000)})[0]
		if err := s.Cancel(ctx, id, Numbers(1, 2000, 5000, 9999)); err != nil {
			t.Fatal(err)
		}
		list := func(f TaskFilter) []int64 {
			tasks, err := s.Tasks(ctx, id, f)
			if err != nil {
				t.Fatal(err)
			}
			var out []int64
			for _, task := range tasks {
				out = append(out, task.Task)
			}
			return out
		}
		for _, c := range []struct {
			f    TaskFilter
			want []int64
		}{
			{TaskFilter{N: 2}, []int64{1, 2}},
			{TaskFilter{N: 2, From: 9998}, []int64{9999, 10_000}},
			{TaskFilter{N: 2, From: 10_000}, nil},
			{TaskFilter{States: []State{Cancelled}}, []int64{1, 2000, 5000, 9999}},
			{TaskFilter{States: []State{Cancelled}, From: 2, N: 1}, []int64{5000}},
			{TaskFilter{States: []State{Queued}, N: 2}, []int64{2, 3}},
			{TaskFilter{States: []State{Queued}, From: 1998, N: 2}, []int64{2001, 2002}},
			{TaskFilter{States: []State{Queued}, From: 9994}, []int64{9998, 10_000}},
		} {
			if got := list(c.f); !slices.Equal(got, c.want) {
				t.Errorf("%+v: %v, want %v", c.f, got, c.want)
			}
		}
	})
}

func TestWorkers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := start(t, newMemLog(), Options{})
		submit(t, s, Spec{Array: Range(7, 9)})
		one := claim(t, s, Worker{Node: "a", Capacity: 2, Note: "draining"})
		claim(t, s, Worker{Node: "a", Capacity: 2})
		finish(t, s, claim(t, s, Worker{Node: "b"}), Result{})
		w, err := s.Workers(ctx)
		if err != nil || len(w) != 2 || len(w[0].Running) != 2 || w[0].Running[0] != one.Lease || w[0].Capacity != 2 || w[1].Finished != 1 {
			t.Errorf("%+v, %v", w, err)
		}
		for range 360 {
			time.Sleep(10 * time.Second)
			_ = s.Beat(ctx, one.Lease, Progress{})
		}
		if w, _ = s.Workers(ctx); len(w) != 2 {
			t.Errorf("%+v", w)
		}
		time.Sleep(2 * time.Minute)
		if w, _ = s.Workers(ctx); len(w) != 1 || w[0].Lost != 2 {
			t.Errorf("%+v", w)
		}
		for _, bad := range []Worker{{}, {Node: "a\nb"}, {Node: strings.Repeat("n", 300)}, {Node: "a", Pools: make([]string, 100)}} {
			if _, err := s.Claim(ctx, bad); err == nil {
				t.Errorf("%+v is taken", bad)
			}
		}
	})
}

// A machine that had a wrong clock for a while keeps nothing of it but times.
func TestWrongClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := newMemLog()
		ahead := 70 * 365 * 24 * time.Hour
		clock := func() time.Time { return time.Now().Add(ahead) }
		s := start(t, log, Options{Now: clock})
		id := submit(t, s, Spec{Retries: 5, Backoff: time.Minute})[0]
		finish(t, s, claim(t, s, Worker{}), Result{Exit: 1})
		_ = s.Close(ctx)
		ahead = 0
		s = start(t, log, Options{Now: clock})
		at := time.Now()
		finish(t, s, claim(t, s, Worker{}), Result{Exit: 1})
		finish(t, s, claim(t, s, Worker{}), Result{})
		if d := time.Since(at); d > 3*time.Minute {
			t.Errorf("the retries took %v", d)
		}
		wantState(t, s, id, Succeeded)
		if next := submit(t, s, Spec{})[0]; next <= id {
			t.Errorf("%s after %s", next, id)
		}
	})
}

// Nothing is left of owners and pools when their jobs are gone.
func TestClassesAreDropped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := newMemLog()
		s := start(t, log, Options{KeepJobs: 1})
		for i := range 50 {
			submit(t, s, Spec{Owner: fmt.Sprint("o", i), Pool: fmt.Sprint("p", i), Priority: i})
			finish(t, s, claim(t, s, Worker{}), Result{})
		}
		_ = s.Close(ctx)
		if n := len(s.m.classes); n > 2 || len(s.m.owners) != n || len(s.m.pools) != n {
			t.Errorf("%d classes, %d owners, %d pools", n, len(s.m.owners), len(s.m.pools))
		}
		s = start(t, log, Options{})
		_ = s.Close(ctx)
		if n := len(s.m.classes); n != 1 || len(s.m.owners) != n || len(s.m.pools) != n {
			t.Errorf("after a start: %d classes, %d owners, %d pools", n, len(s.m.owners), len(s.m.pools))
		}
	})
}

// An entry stays below what a log takes, whatever comes at once.
func TestEntriesAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := newMemLog()
		s := start(t, log, Options{})
		root := submit(t, s, Spec{})[0]
		long := strings.Repeat("x", 1000)
		for range 10 {
			var specs []Spec
			for range 500 {
				specs = append(specs, Spec{Command: []string{"x", long}, After: []ID{root}})
			}
			submit(t, s, specs...)
		}
		for range 3 {
			submit(t, s, Spec{Kind: "k", Params: map[string]string{"a": long}, Schedule: "@hourly"})
		}
		if _, err := s.Submit(ctx, slices.Repeat([]Spec{{Command: []string{"x", long}}}, 1000)...); err == nil {
			t.Error("a megabyte is taken at once")
		}
		finish(t, s, claim(t, s, Worker{}), Result{Exit: 1}) // and 5000 jobs fail
		time.Sleep(time.Hour)
		synctest.Wait()
		p, err := s.Jobs(ctx, Filter{N: 1})
		if err != nil || p.By[Failed] != 5001 || p.Total != 5007 {
			t.Errorf("%+v, %v", p, err)
		}
		for i, e := range log.entries {
			if len(e) > maxEntry {
				t.Errorf("entry %d has %d bytes", i+1, len(e))
			}
		}
		_ = s.Close(ctx)
		for key, p := range log.pages {
			if len(p) > maxEntry {
				t.Errorf("page %s has %d bytes", key, len(p))
			}
		}
	})
}

// The totals are the sums of what lists say, at any time.
func TestTotals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newModel(t, 77)
		m.begin()
		m.submit()
		for range 120 {
			m.act()
			m.expire()
			total, err := m.s.Totals(ctx)
			if err != nil {
				t.Fatal(err)
			}
			var jobs, tasks Counts
			bytes := int64(0)
			for _, id := range m.order {
				jobs[m.jobs[id].state()]++
				for s, n := range m.jobs[id].counts() {
					tasks[s] += n
				}
			}
			err = m.s.look(ctx, func() error { // on the goroutine that owns the state
				for _, id := range m.order {
					bytes += int64(len(m.s.m.find(must(id.number())).spec))
				}
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			if total.Jobs != jobs || total.Tasks != tasks || total.Bytes != bytes || total.Waiting != 0 || total.Watching != 0 {
				t.Fatalf("%+v; want %v, %v, %d", total, jobs, tasks, bytes)
			}
		}
		_ = m.s.Close(ctx)
	})
}

func must(n uint64, err error) uint64 {
	if err != nil {
		panic(err)
	}
	return n
}

// Waiting leaves out what does not wait to be run, and Changed what is as it was.
func TestListWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := start(t, newMemLog(), Options{})
		submit(t, s, Spec{Name: "template", Schedule: "@yearly"}, Spec{Name: "plain"})
		first := submit(t, s, Spec{Name: "paused"})
		if err := s.Pause(ctx, first[0], true); err != nil {
			t.Fatal(err)
		}
		submit(t, s, Spec{Name: "after", After: first})
		list := func(f Filter) string {
			t.Helper()
			p, err := s.Jobs(ctx, f)
			if err != nil {
				t.Fatal(err)
			}
			return names(p)
		}
		if got := list(Filter{Waiting: true}); got != "plain" {
			t.Errorf("waiting: %s", got)
		}
		task, err := s.Claim(ctx, Worker{Node: "w"})
		if err != nil {
			t.Fatal(err)
		}
		if got := list(Filter{Waiting: true}); got != "" {
			t.Errorf("waiting, once it is claimed: %s", got)
		}
		time.Sleep(5 * time.Second)
		if got := list(Filter{Changed: time.Now().Add(-time.Second)}); got != "" {
			t.Errorf("changed: %s", got)
		}
		if err := s.Finish(ctx, task.Lease, Result{}); err != nil {
			t.Fatal(err)
		}
		if got := list(Filter{Changed: time.Now().Add(-time.Second)}); got != "plain" {
			t.Errorf("changed, once it is finished: %s", got)
		}
	})
}
