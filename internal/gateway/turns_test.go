package gateway

import (
	"context"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"freshet/internal/rule"
)

func TestTurnsInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		turns := &Turns{Running: 2}
		for range 2 {
			if why := turns.Take(t.Context()); why != 0 {
				t.Fatal(why)
			}
		}
		var mu sync.Mutex
		var order []int
		for i := range 5 {
			go func() {
				if why := turns.Take(t.Context()); why != 0 {
					t.Error(why)
				}
				mu.Lock()
				order = append(order, i)
				mu.Unlock()
			}()
			synctest.Wait()
		}
		if running, waiting := turns.Load(); running != 2 || waiting != 5 {
			t.Errorf("%d run, %d wait", running, waiting)
		}
		for range 5 {
			turns.Leave()
			synctest.Wait()
		}
		if !slices.Equal(order, []int{0, 1, 2, 3, 4}) {
			t.Errorf("%v", order)
		}
		for range 2 {
			turns.Leave()
		}
		if running, waiting := turns.Load(); running != 0 || waiting != 0 {
			t.Errorf("%d run, %d wait", running, waiting)
		}
	})
}

func TestTurnsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		turns := &Turns{Running: 1, Queue: 1, QueueTime: time.Minute}
		if why := turns.Take(t.Context()); why != 0 {
			t.Fatal(why)
		}
		late := make(chan rule.ID, 1)
		begun := time.Now()
		go func() { late <- turns.Take(t.Context()) }()
		synctest.Wait()
		if why := turns.Take(t.Context()); why != rule.ScriptQueueFull {
			t.Errorf("full: %v", why)
		}
		if why := <-late; why != rule.ScriptQueueTimeout || time.Since(begun) != time.Minute {
			t.Errorf("late: %v after %v", why, time.Since(begun))
		}

		ctx, cancel := context.WithCancel(t.Context())
		go func() { late <- turns.Take(ctx) }()
		synctest.Wait()
		cancel()
		if why := <-late; why != rule.ScriptClientGone {
			t.Errorf("gone: %v", why)
		}

		turns.Leave()
		if why := turns.Take(ctx); why != 0 { // who need not wait is not asked
			t.Errorf("free: %v", why)
		}
		turns.Leave()
		if running, waiting := turns.Load(); running != 0 || waiting != 0 {
			t.Errorf("%d run, %d wait", running, waiting)
		}
	})
}

func TestTurnsDefaults(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var turns Turns
		for range DefaultRunning {
			if why := turns.Take(t.Context()); why != 0 {
				t.Fatal(why)
			}
		}
		begun := time.Now()
		whys := make(chan rule.ID, DefaultQueue)
		for range DefaultQueue {
			go func() { whys <- turns.Take(t.Context()) }()
		}
		synctest.Wait()
		if why := turns.Take(t.Context()); why != rule.ScriptQueueFull {
			t.Errorf("%v", why)
		}
		for range DefaultQueue {
			if why := <-whys; why != rule.ScriptQueueTimeout {
				t.Errorf("%v", why)
			}
		}
		if waited := time.Since(begun); waited != DefaultQueueTime {
			t.Errorf("waited %v", waited)
		}
	})
}

func TestTurnsNoQueue(t *testing.T) {
	turns := &Turns{Running: 1, Queue: -1}
	if why := turns.Take(t.Context()); why != 0 {
		t.Error(why)
	}
	if why := turns.Take(t.Context()); why != rule.ScriptQueueFull {
		t.Errorf("%v", why)
	}
	turns.Leave()
	if why := turns.Take(t.Context()); why != 0 {
		t.Error(why)
	}
}

// TestTurnsGivenToWhoLeaves has a turn that is given at the moment its owner
// gives up go to the next one, and not be lost.
func TestTurnsGivenToWhoLeaves(t *testing.T) {
	for range 2000 {
		turns := &Turns{Running: 1}
		turns.Take(context.Background())
		ctx, cancel := context.WithCancel(context.Background())
		why := make(chan rule.ID)
		go func() { why <- turns.Take(ctx) }()
		for {
			if _, waiting := turns.Load(); waiting == 1 {
				break
			}
			runtime.Gosched() // with one processor there is nobody else to let it wait
		}
		go cancel()
		turns.Leave()
		if <-why == 0 {
			turns.Leave()
		}
		if running, waiting := turns.Load(); running != 0 || waiting != 0 {
			t.Fatalf("%d run, %d wait", running, waiting)
		}
	}
}

func TestTurnsStress(t *testing.T) {
	turns := &Turns{Running: 3, Queue: 10, QueueTime: 100 * time.Microsecond}
	var now, had atomic.Int64
	var all sync.WaitGroup
	for seed := range 16 {
		all.Go(func() {
			r := rand.New(rand.NewPCG(uint64(seed), 0))
			for range 500 {
				ctx, cancel := context.WithCancel(context.Background())
				if r.IntN(3) == 0 {
					cancel()
				}
				if turns.Take(ctx) == 0 {
					had.Add(1)
					if n := now.Add(1); n > 3 {
						t.Errorf("%d at once", n)
					}
					now.Add(-1)
					turns.Leave()
				}
				cancel()
			}
		})
	}
	all.Wait()
	if running, waiting := turns.Load(); running != 0 || waiting != 0 || had.Load() == 0 {
		t.Errorf("%d run, %d wait, %d had a turn", running, waiting, had.Load())
	}
}
