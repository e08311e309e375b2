package jobs

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
)

// Limits that change hold for what is begun from then on; nothing is lost, and
// they are told.
func TestSetLimits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := start(t, newMemLog(), Options{})
		id := submit(t, s, Spec{Pool: "small", Array: Range(1, 9)})[0]
		first := claim(t, s, Worker{})
		claim(t, s, Worker{})
		set := func(pools map[string]int) {
			t.Helper()
			if err := s.SetLimits(ctx, pools, nil); err != nil {
				t.Fatal(err)
			}
		}
		pools := func() []PoolUse {
			page, err := s.Jobs(ctx, Filter{})
			if err != nil {
				t.Fatal(err)
			}
			return page.Pools
		}
		if got := pools(); got != nil {
			t.Errorf("without limits: %v", got)
		}
		set(map[string]int{"small": 1, "empty": 7})
		if got, want := pools(), []PoolUse{{"empty", 0, 7}, {"small", 2, 1}}; !slices.Equal(got, want) {
			t.Errorf("%v, want %v", got, want)
		}
		idle(t, s, Worker{})
		if info, err := s.Job(ctx, id); err != nil || info.Waits != `pool "small" runs 2 tasks, and its limit is 1` {
			t.Errorf("%q %v", info.Waits, err)
		}
		finish(t, s, first, Result{})
		if info, err := s.Job(ctx, id); err != nil || info.Waits != `pool "small" runs 1 tasks, which is its limit` {
			t.Errorf("%q %v", info.Waits, err)
		}
		idle(t, s, Worker{}) // one runs still

		// A claim that waits gets a task when there may be more.
		got := make(chan *Task)
		go func() { got <- claim(t, s, Worker{Node: "waits"}) }()
		synctest.Wait()
		set(map[string]int{"small": 2})
		if task := <-got; task.Job != id {
			t.Errorf("%+v", task)
		}
		set(nil)
		claim(t, s, Worker{})
	})
}

func TestSetShares(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := start(t, newMemLog(), Options{})
		submit(t, s, Spec{Name: "ann", Owner: "ann", Array: Range(1, 10)}, Spec{Name: "bob", Owner: "bob", Array: Range(1, 10)})
		var got []string
		for i := range 8 {
			if i == 2 {
				if err := s.SetLimits(ctx, nil, map[string]int{"bob": 3}); err != nil {
					t.Fatal(err)
				}
			}
			got = append(got, claim(t, s, Worker{}).Spec.Name)
		}
		if want := "ann bob bob bob ann bob bob bob"; strings.Join(got, " ") != want {
			t.Errorf("%v, want %s", got, want)
		}
	})
}
