package gateway

import (
	"sync"
	"sync/atomic"
	"testing"
)

func TestBoard(t *testing.T) {
	var b Board
	if runs := b.Runs(); len(runs) != 0 {
		t.Errorf("%v", runs)
	}
	if b.Stop(0) || b.Stop(1) {
		t.Error("something was stopped")
	}
	stopped := 0
	first, second, third := &Run{Script: "a", Stop: func() { stopped++ }}, &Run{Script: "b"}, &Run{Script: "c"}
	if first.ID() != 0 {
		t.Errorf("%d before it was added", first.ID())
	}
	for _, r := range []*Run{first, second, third} {
		b.Add(r)
	}
	if runs := b.Runs(); len(runs) != 3 || runs[0] != first || runs[1] != second || runs[2] != third {
		t.Errorf("%v", runs)
	}
	for range 2 {
		if !b.Stop(first.ID()) || !b.Stop(second.ID()) {
			t.Error("not stopped")
		}
	}
	if stopped != 1 || !first.Stopped() || !second.Stopped() || third.Stopped() {
		t.Errorf("stopped %d times; %v, %v, %v", stopped, first.Stopped(), second.Stopped(), third.Stopped())
	}
	b.Remove(first)
	b.Remove(first)
	if b.Stop(first.ID()) || len(b.Runs()) != 2 {
		t.Error("it is still shown")
	}
	b.Add(first)
	if first.ID() == 1 {
		t.Error("a number is used again")
	}
}

func TestBoardStress(t *testing.T) {
	var b Board
	var stops atomic.Int64
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 200 {
				r := &Run{Stop: func() { stops.Add(1) }}
				b.Add(r)
				r.Say("x")
				for _, other := range b.Runs() {
					_ = other.Said()
					b.Stop(other.ID())
				}
				b.Remove(r)
			}
		})
	}
	all.Wait()
	if n := stops.Load(); n != 8*200 || len(b.Runs()) != 0 {
		t.Errorf("%d were stopped, %d are left", n, len(b.Runs()))
	}
}
