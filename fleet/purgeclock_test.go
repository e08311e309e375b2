package fleet

import (
	"testing"
	"time"

	"freshet/internal/control"
)

// A purge of what is young reaches a member when that is not young any more: what it
// has is validated then, also when the hub's clock was set back meanwhile.
func TestYoungPurgeIsLate(t *testing.T) {
	log := newFakeLog()
	h := purgeHubOf(t, log, newFakeCache(), quick)
	far := memberOf(t, "far", h, newFakeCache(), quick)
	until(t, "it is let go", far.released)
	far.cache.store("a", 1)
	far.set(func(w *wire) { w.cut = true })
	a, err := h.Purge(&control.Request{Where: []string{"age<1m"}})
	if err != nil {
		t.Fatal(err)
	}
	h.mu.Lock()
	p := h.byID[a.Receipt.ID]
	p.Time = p.Time.Add(time.Hour) // the clock was set back
	p.made = p.made.Add(-2 * lateAges * time.Millisecond)
	h.mu.Unlock()
	far.set(func(w *wire) { w.cut = false })
	until(t, "it is let go again", func() bool { return far.cache.receipt(a.Receipt.ID) != nil && far.released() })
	if far.cache.serves("a") != 0 {
		t.Error("it serves what was purged")
	}
}

// How long ago a purge was made is not told by a clock that was set.
func TestPurgeIsLate(t *testing.T) {
	for _, p := range []purge{
		{Time: time.Now().Add(time.Hour), made: time.Now().Add(-time.Minute)},
		{Time: time.Now().Add(-time.Hour), made: time.Now().Add(-time.Minute)},
	} {
		if late := p.late().Round(time.Second); late != time.Minute {
			t.Errorf("%+v: %v", p, late)
		}
	}
	// Of one from before the start nobody knows; it is not of just now.
	for _, p := range []purge{{Time: time.Now().Add(time.Hour)}, {Time: time.Now()}} {
		if late := p.late().Milliseconds(); late <= lateAges {
			t.Errorf("%+v: %v ms", p, late)
		}
	}
}
