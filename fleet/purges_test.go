package fleet

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"strings"
	"sync"
	"testing"
	"time"

	"freshet/internal/bus"
	"freshet/internal/control"
)

// slow are times in which nothing is over by itself.
var slow = purgeTimes{lease: time.Hour, slack: time.Hour, poll: 20 * time.Millisecond, reply: time.Minute, again: time.Millisecond, most: 10 * time.Millisecond, flush: 5 * time.Millisecond}

// A purge is acknowledged when all have applied it, and its receipt says what
// each had.
func TestPurgeOnAll(t *testing.T) {
	own := newFakeCache()
	h := purgeHubOf(t, newFakeLog(), own, slow)
	var members []*testMember
	for i := range 5 {
		m := memberOf(t, fmt.Sprint("m", i), h, newFakeCache(), slow)
		members = append(members, m)
		until(t, "it is let go", m.released)
		m.cache.store("a", 1)
		m.cache.store("b", 1)
	}
	own.store("a", 1)
	r := purgeTag(t, h, "a")
	if got, want := said(r), "hub:done:1 m0:done:1 m1:done:1 m2:done:1 m3:done:1 m4:done:1 "; got != want || r.Objects != 6 || r.Counting {
		t.Errorf("%s, %+v", got, r)
	}
	for _, m := range members {
		if m.cache.serves("a") != 0 || m.cache.serves("b") != 1 {
			t.Errorf("%s serves a: %d, b: %d", m.name, m.cache.serves("a"), m.cache.serves("b"))
		}
	}
	if own.serves("a") != 0 {
		t.Error("the hub serves it")
	}
	// The same once more is the same purge.
	again, err := h.Purge(&control.Request{Tags: []string{"a"}, ID: r.ID})
	if err != nil || again.Receipt.ID != r.ID || again.Receipt.Objects != 6 {
		t.Errorf("%+v %v", again, err)
	}
	list, err := h.Purge(&control.Request{Receipts: true})
	if err != nil || len(list.Receipts) != 1 || len(list.Receipts[0].Nodes) != 6 {
		t.Errorf("%+v %v", list, err)
	}
	// Places are kept beside what is stored.
	for _, m := range members {
		until(t, "its mark is set", func() bool { return placeOf(m.cache.Mark()) == h.last })
	}
	until(t, "the hub's mark is set", func() bool { return placeOf(own.Mark()) == h.last })
}

// A member that is cut off holds before the purge is acknowledged without it; it
// is named, and has applied the purge before it lets go.
func TestPurgeWithOneAway(t *testing.T) {
	h := purgeHubOf(t, newFakeLog(), newFakeCache(), quick)
	near, far := memberOf(t, "near", h, newFakeCache(), quick), memberOf(t, "far", h, newFakeCache(), quick)
	for _, m := range []*testMember{near, far} {
		until(t, "it is let go", m.released)
		m.cache.store("a", 1)
	}
	far.set(func(w *wire) { w.cut = true })
	r := purgeTag(t, h, "a")
	if !far.f.lease.isHeld() {
		t.Error("it may use what it has, and has not applied the purge")
	}
	if far.cache.receipt(r.ID) != nil {
		t.Error("it has heard of the purge")
	}
	if got := said(r); len(r.Nodes) != 3 || !strings.HasPrefix(got, "far:away:0 hub:done:0 ") {
		t.Error(got)
	}
	near.holdsOr(t, r)
	if len(r.Nodes) > 0 && r.Nodes[0].Since.IsZero() {
		t.Error("it is not said since when it is away")
	}
	until(t, "it is held", far.cache.isHeld) // its lease is over; the timer that says so may be late
	far.set(func(w *wire) { w.cut = false })
	until(t, "it is let go again", far.released)
	if far.cache.receipt(r.ID) == nil || far.cache.serves("a") != 0 {
		t.Error("it was let go before it had applied the purge")
	}
	until(t, "the hub knows", func() bool {
		a, err := h.Purge(&control.Request{Receipt: r.ID})
		return err == nil && said(a.Receipt) == "far:done:1 hub:done:0 near:done:1 "
	})
}

// A hub that was killed names who is missing, once it is there again, and what
// was said before. Members go on where they were.
func TestHubStartedAnew(t *testing.T) {
	log, own := newFakeLog(), newFakeCache()
	h := purgeHubOf(t, log, own, quick)
	near, far := memberOf(t, "near", h, newFakeCache(), quick), memberOf(t, "far", h, newFakeCache(), quick)
	until(t, "both are let go", func() bool { return near.released() && far.released() })
	near.cache.store("a", 1)
	far.cache.store("a", 1)
	far.set(func(w *wire) { w.cut = true })
	r := purgeTag(t, h, "a")
	until(t, "it is written who said what", func() bool {
		log.mu.Lock()
		defer log.mu.Unlock()
		return strings.Contains(string(log.pages[pageOf(1)]), `"near":{"objects":1`) && strings.Contains(string(log.pages["node-far"]), `"away":true`)
	})
	h.down(false)
	h = purgeHubOf(t, log, own.reopened(), quick)
	a, err := h.Purge(&control.Request{Receipt: r.ID})
	if err != nil || said(a.Receipt) != "far:away:0 hub:done:0 near:done:1 " {
		t.Errorf("%+v %v", a, err)
	}
	near.set(func(w *wire) { w.hub = h })
	until(t, "it is let go", near.released)
	if near.cache.receipt(r.ID) == nil || len(near.cache.order) != 2 { // that it has joined, too
		t.Errorf("it has applied %q", near.cache.order)
	}
	second := purgeTag(t, h, "b")
	if got := said(second); !strings.HasPrefix(got, "far:away:0 hub:done:0 ") {
		t.Error(got)
	}
	near.holdsOr(t, second)
	far.set(func(w *wire) { w.hub, w.cut = h, false })
	until(t, "it is let go", far.released)
	if far.cache.receipt(r.ID) == nil || far.cache.receipt(second.ID) == nil || len(far.cache.order) != 3 {
		t.Errorf("it has applied %q", far.cache.order)
	}
}

// What nodes said is written behind a purge. A hub that is killed before that
// still names in the receipt whom the purge was for.
func TestReceiptOfAHubThatWasKilled(t *testing.T) {
	log, own, times := newFakeLog(), newFakeCache(), quick
	times.flush = time.Hour
	h := purgeHubOf(t, log, own, times)
	near, far := memberOf(t, "near", h, newFakeCache(), quick), memberOf(t, "far", h, newFakeCache(), quick)
	until(t, "both are let go", func() bool { return near.released() && far.released() })
	far.set(func(w *wire) { w.cut = true })
	r := purgeTag(t, h, "a")
	h.down(false)
	h = purgeHubOf(t, log, own.reopened(), times)
	near.set(func(w *wire) { w.hub = h })
	until(t, "near has said that it has applied it", func() bool {
		a, err := h.Purge(&control.Request{Receipt: r.ID})
		return err == nil && strings.HasPrefix(said(a.Receipt), "far:away:0 hub:done:0 near:done:")
	})
}

// A hub that was killed right after it let a member have a lease waits for that
// lease.
func TestLeaseFromBefore(t *testing.T) {
	log := newFakeLog()
	times := quick
	times.flush = time.Hour // nothing is written behind
	h := purgeHubOf(t, log, nil, times)
	m := memberOf(t, "m", h, newFakeCache(), times)
	until(t, "it is let go", m.released)
	m.cache.store("a", 1)
	m.set(func(w *wire) { w.cut = true })
	h.down(false)
	h = purgeHubOf(t, log, nil, times)
	if r := purgeTag(t, h, "a"); said(r) != "m:away:0 " || !m.f.lease.isHeld() {
		t.Errorf("%s, held %v", said(r), m.f.lease.isHeld())
	}
}

// The next hub waits for leases from before it began, and for no others.
func TestAHubThatIsOver(t *testing.T) {
	leads := true
	h := purgeHubOf(t, newFakeLog(), nil, quick, func(h *hub) { h.leads = func() bool { return leads } })
	ask := func() error {
		q, err := json.Marshal(&question{place: place{Log: "another"}, Process: "p"})
		if err != nil {
			t.Fatal(err)
		}
		_, err = h.hear(t.Context(), bus.Request{From: "m", Payload: q})
		return err
	}
	if err := ask(); err != nil {
		t.Error(err)
	}
	leads = false
	if err := ask(); !errors.Is(err, bus.ErrClosed) {
		t.Errorf("it answers when another may be the hub: %v", err)
	}
	leads = true
	h.end()
	if err := ask(); !errors.Is(err, bus.ErrClosed) {
		t.Errorf("it answers after its end: %v", err)
	}
}

// A member that starts applies what it has missed before it is let go; one that
// is new validates everything, once.
func TestMemberStartedAnew(t *testing.T) {
	h := purgeHubOf(t, newFakeLog(), nil, slow)
	first := newFakeCache()
	first.store("old", 1)
	m := memberOf(t, "m", h, first, slow)
	until(t, "it is let go", m.released)
	if first.serves("old") != 0 || first.has["old"] != 1 {
		t.Error("what it had before it was part of the fleet is used")
	}
	purgeTag(t, h, "x")
	first.store("a", 1)
	first.store("b", 1)
	m.stop()
	if r := purgeTag(t, h, "a"); said(r) != "m:away:0 " { // it has said that it leaves
		t.Error(said(r))
	}
	again := memberOf(t, "m", h, first.reopened(), slow)
	until(t, "it is let go", again.released)
	if again.cache.serves("a") != 0 || again.cache.serves("b") != 1 {
		t.Errorf("it serves a: %d, b: %d", again.cache.serves("a"), again.cache.serves("b"))
	}
	if n := len(again.cache.order); n != 3 { // joined, x, a
		t.Errorf("it has purged %q", again.cache.order)
	}
}

// A purge that a server made alone, while it was no member, is not the one of the
// fleet that has its name: what was stored since goes.
func TestANameThatWasUsedAlone(t *testing.T) {
	h := purgeHubOf(t, newFakeLog(), nil, slow)
	c := newFakeCache()
	m := memberOf(t, "m", h, c, slow)
	until(t, "it is let go", m.released)
	m.stop()
	alone := c.reopened()
	if _, err := alone.Purge(&control.Request{Tags: []string{"a"}, ID: "deploy-7"}); err != nil {
		t.Fatal(err)
	}
	r := alone.all["deploy-7"]
	r.Time = time.Now().Add(-time.Minute)
	alone.all["deploy-7"] = r
	alone.store("a", 2)
	if _, err := h.Purge(&control.Request{Tags: []string{"a"}, ID: "deploy-7"}); err != nil {
		t.Fatal(err)
	}
	again := memberOf(t, "m", h, alone.reopened(), slow)
	until(t, "it is let go", again.released)
	if got := again.cache.serves("a"); got != 0 {
		t.Errorf("it serves %d", got)
	}
}

// What a node says is bounded, and looking at it writes nothing.
func TestWhatNodesSayIsBounded(t *testing.T) {
	h := purgeHubOf(t, newFakeLog(), newFakeCache(), slow)
	m := memberOf(t, "m", h, newFakeCache(), slow)
	until(t, "it is let go", m.released)
	purgeTag(t, h, "a")
	h.mu.Lock()
	h.note("m", &outcome{N: h.last.N, Objects: math.MaxInt64, Bytes: math.MinInt64, Fault: strings.Repeat("x", 1<<20)})
	if o := h.said[h.last.N]["m"]; o.Objects != mostCounted || o.Bytes != 0 || len(o.Fault) != maxFault {
		t.Errorf("%d objects, %d bytes, %d of a fault", o.Objects, o.Bytes, len(o.Fault))
	}
	clear(h.dirty)
	h.mu.Unlock()
	for range 2 {
		if _, err := h.Purge(&control.Request{Receipts: true}); err != nil {
			t.Fatal(err)
		}
		h.mu.Lock()
		if len(h.dirty) > 0 {
			t.Errorf("to be written: %v", h.dirty)
		}
		h.mu.Unlock()
	}
}

// Of a log that was cut, put back, or is another's, nobody knows what was missed.
func TestPlacesThatAreNotKnown(t *testing.T) {
	log := newFakeLog()
	h := purgeHubOf(t, log, nil, slow)
	for range 3 {
		purgeTag(t, h, "x")
	}
	good := h.purges[1]
	for name, mark := range map[string]string{
		"none":             "",
		"no mark":          "three words and more",
		"another log":      place{"another", 2, good.ID}.String(),
		"another purge":    place{h.id, 2, "elsewhere"}.String(),
		"beyond the end":   place{h.id, 9, good.ID}.String(),
		"without its name": place{h.id, 2, ""}.String(),
	} {
		c := newFakeCache()
		c.store("a", 1)
		c.mark = mark
		m := memberOf(t, "m", h, c, slow)
		until(t, name+": it is let go", m.released)
		if c.serves("a") != 0 || len(c.order) != 1 || !strings.HasPrefix(c.order[0], joinedID) {
			t.Errorf("%s: %d, %q", name, c.serves("a"), c.order)
		}
		m.stop()
		until(t, "its mark is set", func() bool { return placeOf(c.Mark()) == h.last })
	}
	c := newFakeCache()
	c.store("a", 1)
	c.mark = place{h.id, 2, good.ID}.String()
	m := memberOf(t, "m", h, c, slow)
	until(t, "it is let go", m.released)
	if c.serves("a") != 1 || len(c.order) != 1 || c.order[0] != h.purges[2].ID {
		t.Errorf("a place that is known: %d, %q", c.serves("a"), c.order)
	}
	m.stop()
	// The log was cut.
	h.down(true)
	log.entries[2] = nil
	h = purgeHubOf(t, log, nil, quick) // it waits for the leases of those that were there
	last := c.reopened()
	m = memberOf(t, "m", h, last, quick)
	until(t, "it is let go", m.released)
	if last.serves("a") != 0 {
		t.Error("it uses what it had, though purges are lost")
	}
	m.holdsOr(t, purgeTag(t, h, "y"))
}

// Marks are read as they were written, and nothing else is.
func TestPlace(t *testing.T) {
	for _, p := range []place{{"log", 0, ""}, {"log", 7, "id"}, {"log", 1<<64 - 1, strings.Repeat("x", 64)}, {"log", 7, ""}} {
		if got := placeOf(p.String()); got != p || len(p.String()) > 128 {
			t.Errorf("%q is %+v", p, got)
		}
	}
	for _, mark := range []string{"", "x", "log", "log x", "log -1", "log 1 id more", " log 1 id", "log  1 id", "log 01 id"} {
		if got := placeOf(mark); got != (place{}) {
			t.Errorf("%q is %+v", mark, got)
		}
	}
}

// What makes no sense is refused before it is in the log.
func TestPurgesThatAreRefused(t *testing.T) {
	h := purgeHubOf(t, newFakeLog(), newFakeCache(), slow)
	for name, q := range map[string]control.Request{
		"a tag":         {Tags: []string{""}},
		"a host":        {Hosts: []string{"http://x"}},
		"a prefix":      {Prefixes: []string{"x"}},
		"a condition":   {Where: []string{"color=red"}},
		"a name":        {All: true, ID: "a b"},
		"a joined name": {All: true, ID: "joined-x"},
		"a here name":   {All: true, ID: "here-x"},
		"too many":      {Tags: make([]string, 20_000)},
		"too long": {Tags: func() (l []string) {
			for i := range 2000 {
				l = append(l, fmt.Sprint(strings.Repeat("x", 1000), i))
			}
			return l
		}()},
		"here, named":  {Here: true, All: true, ID: "nightly"},
		"undo nothing": {Undo: "nothing"},
	} {
		for i := range q.Tags {
			if name == "too many" {
				q.Tags[i] = fmt.Sprint(i)
			}
		}
		if a, err := h.Purge(&q); err == nil {
			t.Errorf("%s: %+v", name, a)
		}
	}
	a, err := h.Purge(&control.Request{URLs: []string{"x", "ftp://x/"}})
	if err != nil || len(a.Faults) != 2 || a.Receipt != nil {
		t.Errorf("%+v %v", a, err)
	}
	if h.last.N != 0 {
		t.Error("something is in the log")
	}
	if a, err := h.Purge(&control.Request{Here: true, All: true, ID: "here-1"}); err != nil || a.Receipt == nil || h.last.N != 0 {
		t.Errorf("here: %+v %v", a, err)
	}
}

// A soft purge is undone on all.
func TestUndoOnAll(t *testing.T) {
	own := newFakeCache()
	h := purgeHubOf(t, newFakeLog(), own, slow)
	m := memberOf(t, "m", h, newFakeCache(), slow)
	until(t, "it is let go", m.released)
	own.store("a", 1)
	m.cache.store("a", 1)
	a, err := h.Purge(&control.Request{Tags: []string{"a"}, Soft: true})
	if err != nil || m.cache.serves("a") != 0 || own.serves("a") != 0 {
		t.Fatalf("%+v %v", a, err)
	}
	a, err = h.Purge(&control.Request{Undo: a.Receipt.ID})
	if err != nil || m.cache.serves("a") != 1 || own.serves("a") != 1 || a.Receipt.Undone.IsZero() || said(a.Receipt) != "hub:done:1 m:done:1 " {
		t.Errorf("%+v %v", a, err)
	}
	a, err = h.Purge(&control.Request{Tags: []string{"a"}})
	if err != nil {
		t.Fatal(err)
	}
	if a, err = h.Purge(&control.Request{Undo: a.Receipt.ID}); err == nil {
		t.Errorf("a hard purge is undone: %+v", a)
	}
}

// Counting goes on after a purge was acknowledged; what comes of it is told.
func TestCountingIsTold(t *testing.T) {
	h := purgeHubOf(t, newFakeLog(), newFakeCache(), slow)
	c := newFakeCache()
	c.counting = true
	m := memberOf(t, "m", h, c, slow)
	until(t, "it is let go", m.released)
	c.store("a", 1)
	r := purgeTag(t, h, "a")
	if !r.Counting {
		t.Errorf("%+v", r)
	}
	c.mu.Lock()
	c.counting = false
	c.mu.Unlock()
	until(t, "the hub knows", func() bool {
		a, err := h.Purge(&control.Request{Receipt: r.ID})
		return err == nil && !a.Receipt.Counting && a.Receipt.Objects == 1
	})
}

// A member whose disk is full has the purge hold in memory. Its mark stays.
func TestAMemberThatCannotKeepIt(t *testing.T) {
	h := purgeHubOf(t, newFakeLog(), nil, slow)
	c := newFakeCache()
	m := memberOf(t, "m", h, c, slow)
	until(t, "it is let go", m.released)
	until(t, "its mark is set", func() bool { return c.Mark() != "" })
	before := c.Mark()
	c.mu.Lock()
	c.unkept, c.fail = true, errors.New("full")
	c.mu.Unlock()
	c.store("a", 1)
	r := purgeTag(t, h, "a")
	if c.serves("a") != 0 || said(r) != "m:done:1 " {
		t.Error(said(r))
	}
	h.mu.Lock()
	fault := h.said[1]["m"].Fault
	h.mu.Unlock()
	if !strings.Contains(fault, "could not be kept") {
		t.Errorf("the hub has heard %q", fault)
	}
	if c.Mark() != before {
		t.Error("the mark has moved")
	}
	c.mu.Lock()
	c.unkept, c.fail = false, nil
	c.mu.Unlock()
	until(t, "the mark moves", func() bool { return placeOf(c.Mark()) == h.last })
}

// A member that cannot do a purge, or does not understand it, validates all.
func TestAMemberThatDoesNotUnderstand(t *testing.T) {
	log := newFakeLog()
	h := purgeHubOf(t, log, nil, slow)
	c := newFakeCache()
	m := memberOf(t, "m", h, c, slow)
	until(t, "it is let go", m.released)
	c.store("b", 1)
	c.mu.Lock()
	c.refuse = errors.New("no")
	c.mu.Unlock()
	purgeTag(t, h, "a")
	if c.serves("b") != 0 {
		t.Error("it could not do the purge, and uses what it has")
	}
	c.store("b", 2)
	h.mu.Lock()
	p := &purge{ID: "new", n: 2, Request: control.Request{Tags: []string{"a"}}, text: []byte(`{"id":"new","request":{"colors":["red"]}}`)}
	h.add(p)
	close(h.wake)
	h.wake = make(chan struct{})
	h.mu.Unlock()
	until(t, "it has passed it", func() bool { return placeOf(c.Mark()) == place{h.id, 2, "new"} })
	if c.serves("b") != 0 {
		t.Error("it did not understand the purge, and uses what it has")
	}
}

// A purge of which it is not known whether it is in the log is found out about
// by the next one.
func TestAnUnclearPurge(t *testing.T) {
	log := newFakeLog()
	own := newFakeCache()
	h := purgeHubOf(t, log, own, slow)
	own.store("a", 1)
	log.wrong = func(what string) error {
		if what == "append" {
			return bus.ErrUnclear
		}
		return nil
	}
	_, err := h.Purge(&control.Request{Tags: []string{"a"}, ID: "once"})
	if err == nil || !strings.Contains(err.Error(), "--id once") {
		t.Fatal(err)
	}
	log.wrong = nil
	purgeTag(t, h, "b")
	if own.serves("a") != 0 || h.last.N != 2 {
		t.Errorf("serves %d, %d in the log", own.serves("a"), h.last.N)
	}
	a, err := h.Purge(&control.Request{Tags: []string{"a"}, ID: "once"})
	if err != nil || h.last.N != 2 {
		t.Errorf("%+v %v", a, err)
	}
}

// Two processes with one token do not take turns: the later one stays, and both
// their leases count.
func TestTwoWithOneToken(t *testing.T) {
	h := purgeHubOf(t, newFakeLog(), nil, quick)
	first := memberOf(t, "m", h, newFakeCache(), quick)
	until(t, "the first is let go", first.released)
	second := memberOf(t, "m", h, newFakeCache(), quick)
	until(t, "the second is let go", second.released)
	until(t, "the first is held", first.cache.isHeld) // its lease is over; the timer that says so may be late
	first.cache.store("a", 1)
	second.cache.store("a", 1)
	purgeTag(t, h, "a")
	if first.cache.serves("a") != 0 && !first.f.lease.isHeld() {
		t.Error("the first uses what was purged")
	}
	second.stop()
	until(t, "the first is let go", first.released)
	if first.cache.serves("a") != 0 {
		t.Error("it was let go before it had applied the purge")
	}
}

// The oldest purges make room; who has missed them validates all.
func TestPurgesAreForgotten(t *testing.T) {
	log := newFakeLog()
	h := purgeHubOf(t, log, nil, slow)
	c := newFakeCache()
	m := memberOf(t, "m", h, c, slow)
	until(t, "its mark is set", func() bool { return c.Mark() != "" })
	m.stop()
	c.store("a", 1)
	h.mu.Lock()
	for n := uint64(1); n <= keptPurges+keptAbove+1; n++ {
		p := &purge{ID: fmt.Sprint("p", n), Time: time.Now(), Request: control.Request{Tags: []string{"x"}}, n: n}
		p.text, _ = json.Marshal(p)
		h.add(p)
		log.last = n
		log.entries[n] = p.text
	}
	if len(h.purges) != keptPurges || len(h.byID) != keptPurges || h.purges[0].n != keptAbove+2 {
		t.Errorf("%d are kept from %d on", len(h.purges), h.purges[0].n)
	}
	h.mu.Unlock()
	until(t, "the log is trimmed", func() bool {
		log.mu.Lock()
		defer log.mu.Unlock()
		return log.first == keptAbove+2
	})
	m = memberOf(t, "m", h, c.reopened(), slow)
	until(t, "it is let go", m.released)
	if m.cache.serves("a") != 0 {
		t.Error("it uses what it had")
	}
	large := strings.Repeat("x", 1<<20)
	h.mu.Lock()
	defer h.mu.Unlock()
	for n := h.last.N + 1; n < keptPurges+keptAbove+200; n++ {
		h.add(&purge{ID: fmt.Sprint("p", n), n: n, text: []byte(large)})
	}
	if h.size > keptBytes || len(h.purges) < 60 {
		t.Errorf("%d of %d bytes are kept", len(h.purges), h.size)
	}
}

// A token that was revoked takes its node off the list, once its lease is over.
func TestRevokedNodes(t *testing.T) {
	var mu sync.Mutex
	valid := map[string]bool{"a": true, "b": true}
	h := purgeHubOf(t, newFakeLog(), nil, quick, func(h *hub) {
		h.valid = func() map[string]bool {
			mu.Lock()
			defer mu.Unlock()
			return maps.Clone(valid)
		}
	})
	a, b := memberOf(t, "a", h, newFakeCache(), quick), memberOf(t, "b", h, newFakeCache(), quick)
	until(t, "both are let go", func() bool { return a.released() && b.released() })
	b.cache.store("x", 1)
	b.set(func(w *wire) { w.cut = true })
	mu.Lock()
	delete(valid, "b")
	mu.Unlock()
	h.prune()
	r := purgeTag(t, h, "x")
	if len(r.Nodes) != 1 || r.Nodes[0].Node != "a" || !b.f.lease.isHeld() {
		t.Errorf("%s, held %v", said(r), b.f.lease.isHeld())
	}
	until(t, "it is forgotten", func() bool {
		h.mu.Lock()
		defer h.mu.Unlock()
		return h.nodes["b"] == nil
	})
}
