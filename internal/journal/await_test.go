package journal

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"freshet/internal/record"
)

// everyOdd says that odd names were given out.
func everyOdd(id record.ID) bool { return id%2 == 1 }

// A request that is answered is found even if it is not recorded yet.
func TestAwait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := New(Options{Named: everyOdd})
		var waiting sync.WaitGroup
		begun := time.Now()
		for range 3 {
			waiting.Go(func() {
				if e, ok := j.Await(t.Context(), 7); !ok || e.ID != 7 || time.Since(begun) != 0 {
					t.Errorf("%v, %v after %s", e.ID, ok, time.Since(begun))
				}
			})
		}
		synctest.Wait()
		for _, id := range []record.ID{5, 7} {
			j.Record(&record.Record{ID: id})
		}
		waiting.Wait()
		if e, ok := j.Await(t.Context(), 5); !ok || e.ID != 5 || time.Since(begun) != 0 {
			t.Errorf("%v, %v after %s", e.ID, ok, time.Since(begun))
		}
		if j.awaits.n.Load() != 0 || len(j.awaits.by) != 0 {
			t.Errorf("%d wait, for %v", j.awaits.n.Load(), j.awaits.by)
		}
	})
}

// What does not come is waited for as long as is said, and a name that nobody
// has given out is not.
func TestAwaitEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := New(Options{Named: everyOdd})
		short, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		for _, tt := range []struct {
			ctx  context.Context
			id   record.ID
			took time.Duration
		}{{t.Context(), 7, awaited}, {t.Context(), 8, 0}, {short, 7, 0}} {
			begun := time.Now()
			if e, ok := j.Await(tt.ctx, tt.id); ok || time.Since(begun) != tt.took {
				t.Errorf("%d: %v, %v after %s", tt.id, e.ID, ok, time.Since(begun))
			}
		}
		if j.awaits.n.Load() != 0 || len(j.awaits.by) != 0 {
			t.Errorf("%d wait, for %v", j.awaits.n.Load(), j.awaits.by)
		}
		if _, ok := New(Options{}).Await(t.Context(), 7); ok {
			t.Error("found in an empty journal")
		}
	})
}

// When too many wait, the next is told at once.
func TestAwaitIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := New(Options{Named: everyOdd})
		var waiting sync.WaitGroup
		for i := range maxAwaits {
			waiting.Go(func() { j.Await(t.Context(), record.ID(2*i+1)) })
		}
		synctest.Wait()
		begun := time.Now()
		if _, ok := j.Await(t.Context(), 1); ok || time.Since(begun) != 0 {
			t.Errorf("%v after %s", ok, time.Since(begun))
		}
		waiting.Wait()
		if took := time.Since(begun); took != awaited || j.awaits.n.Load() != 0 {
			t.Errorf("the others were told after %s, and %d wait", took, j.awaits.n.Load())
		}
	})
}

// Records come while they are asked for, by many at once: none is missed.
func TestAwaitAndRecord(t *testing.T) {
	const names = 1000
	j := New(Options{Named: everyOdd})
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var all sync.WaitGroup
	next := make(chan record.ID)
	for range 2 {
		all.Go(func() {
			for id := range next {
				done := make(chan bool)
				go func() {
					_, ok := j.Await(ctx, id)
					done <- ok
				}()
				j.Record(&record.Record{ID: id})
				if !<-done {
					t.Errorf("%d was not found", id)
				}
			}
		})
	}
	for i := range names {
		next <- record.ID(2*i + 1)
	}
	close(next)
	all.Wait()
}
