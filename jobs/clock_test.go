package jobs

import (
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
	"unsafe"
)

// setClock is a clock whose time of day was set, while the monotonic one goes on, as
// happens to machines. It begins at midnight, UTC. Times of a bubble have no
// monotonic reading, so that one from outside of it is moved on.
type setClock struct {
	outside time.Time
	began   time.Time
	off     atomic.Int64 // seconds
}

func newSetClock(outside time.Time) *setClock {
	w := &setClock{outside: outside, began: time.Now()}
	w.off.Store(-outside.Unix() % (24 * 3600))
	return w
}

func (w *setClock) set(d time.Duration) { w.off.Add(int64(d / time.Second)) }

func (w *setClock) now() time.Time {
	t := w.outside.Add(time.Since(w.began))
	// The first word of a Time with a monotonic reading has the seconds of its time
	// of day from bit 30 on.
	*(*uint64)(unsafe.Pointer(&t)) += uint64(w.off.Load()) << 30
	return t
}

func TestClockOfTests(t *testing.T) {
	w := newSetClock(time.Now())
	if text := w.now().UTC().Format("15:04"); text != "00:00" {
		t.Errorf("it begins at %s", text)
	}
	before := w.now()
	w.set(10 * time.Minute)
	after := w.now()
	if d := after.Sub(before); d < 0 || d > time.Minute {
		t.Errorf("by the monotonic clock %v have passed", d)
	}
	if d := after.Round(0).Sub(before.Round(0)); d < 10*time.Minute || d > 11*time.Minute {
		t.Errorf("the time of day was set by %v", d)
	}
}

// A lease is over when its time has passed, also when the clock was set back, and a
// schedule is due at a time that seemed earlier.
func TestClockSetBack(t *testing.T) {
	outside := time.Now()
	synctest.Test(t, func(t *testing.T) {
		w := newSetClock(outside)
		s := start(t, newMemLog(), Options{Now: w.now})
		submit(t, s, Spec{Name: "nightly", Schedule: "0 1 * * *", Zone: "UTC"}, Spec{Name: "now"})
		time.Sleep(time.Hour - 10*time.Second)
		claim(t, s, Worker{Node: "lost"})
		w.set(-10 * time.Minute)
		began := time.Now()
		task := claim(t, s, Worker{Node: "other"})
		if d := time.Since(began); d < 14*time.Second || d > 16*time.Second || task.Spec.Name != "now" || task.Attempt != 2 {
			t.Errorf("after %v: %+v", d, task)
		}
	})
}

// A clock that is set forward ends no lease, and what it makes due is run soon, and
// once, when nobody asks for anything; back again, not once more.
func TestClockSetForward(t *testing.T) {
	outside := time.Now()
	synctest.Test(t, func(t *testing.T) {
		w := newSetClock(outside)
		s := start(t, newMemLog(), Options{Now: w.now})
		submit(t, s, Spec{Name: "held"}, Spec{Name: "minute", Schedule: "* * * * *", Zone: "UTC"}, Spec{Name: "later", Schedule: "30 5 * * *", Zone: "UTC"})
		held := claim(t, s, Worker{Node: "held"})
		time.Sleep(time.Second)
		w.set(6 * time.Hour)
		began := time.Now()
		names := map[string]int{}
		for range 2 {
			task := claim(t, s, Worker{Node: "other"})
			names[task.Spec.Name]++
			finish(t, s, task, Result{})
		}
		if d := time.Since(began); d > lookAgain+time.Second || names["minute"] != 1 || names["later"] != 1 {
			t.Errorf("after %v: %v", d, names)
		}
		if err := s.Beat(ctx, held.Lease, Progress{}); err != nil {
			t.Errorf("the lease of a task that runs: %v", err)
		}
		w.set(-6 * time.Hour)
		began = time.Now()
		task := claim(t, s, Worker{Node: "other"})
		// Nobody has renewed that lease since: it is over, and no schedule is due.
		if d := time.Since(began); d < 13*time.Second || d > 16*time.Second || task.Spec.Name != "held" || task.Attempt != 2 {
			t.Errorf("after %v: %+v", d, task)
		}
	})
}

// What is known of a job whose tasks end while the clock is set back, and forward,
// is the same after a restart, from pages and from entries.
func TestClockSetBackAndRestart(t *testing.T) {
	outside := time.Now()
	for _, pages := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			w, log := newSetClock(outside), newMemLog()
			s := start(t, log, Options{Now: w.now})
			ids := submit(t, s, Spec{Name: "array", Array: Range(1, 3)}, Spec{Name: "one"})
			w.set(10 * time.Minute)
			task := claim(t, s, Worker{Node: "lost"})
			finish(t, s, task, Result{Lost: true})
			w.set(-30 * time.Minute)
			for range 4 {
				task := claim(t, s, Worker{Node: "n1"})
				w.set(time.Minute)
				finish(t, s, task, Result{})
				w.set(-2 * time.Minute)
			}
			before := []Info{wantState(t, s, ids[0], Succeeded), wantState(t, s, ids[1], Succeeded)}
			if pages {
				if err := s.Close(ctx); err != nil {
					t.Fatal(err)
				}
			}
			again := start(t, log, Options{Now: w.now})
			for i, id := range ids {
				if after := wantState(t, again, id, Succeeded); !after.Ended.Equal(before[i].Ended) || !after.Started.Equal(before[i].Started) {
					t.Errorf("pages %v: before a restart, and after:\n%+v\n%+v", pages, before[i], after)
				}
			}
		})
	}
}
