package fleet

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"freshet/internal/control"
	"freshet/internal/wiretest"
)

var modelRounds = flag.Int("purge.rounds", 200, "rounds of the model of a fleet's purges")

// A modelFleet is a fleet to which all happens that can happen. After a purge was
// acknowledged no member uses what it was about, whatever happens.
type modelFleet struct {
	t     *testing.T
	times purgeTimes
	log   *fakeLog

	mu      sync.Mutex // guards what follows
	rand    *rand.Rand
	hub     *testHub // nil: it is away
	own     *fakeCache
	members []*testMember
	gen     int            // of what is stored
	purged  map[string]int // by tag: what was stored up to there is not to be used
}

func (f *modelFleet) tag() string { return fmt.Sprint("t", f.rand.IntN(6)) }

// happens has something happen.
func (f *modelFleet) happens() {
	f.mu.Lock()
	defer f.mu.Unlock()
	m := f.members[f.rand.IntN(len(f.members))]
	switch f.rand.IntN(14) {
	case 0, 1:
		m.set(func(w *wire) { w.cut = true })
	case 2, 3, 4:
		m.set(func(w *wire) { w.cut = false })
	case 5: // it loses its hub, and knows
		m.set(func(w *wire) { w.hub = nil })
	case 6, 7:
		m.set(func(w *wire) { w.hub = f.hub })
	case 8: // killed, and started anew
		f.restart(m, true)
	case 9:
		f.restart(m, false)
	case 10:
		f.restartHub()
	default:
		f.gen++
		m.cache.store(f.tag(), f.gen)
		if f.own != nil {
			f.own.store(f.tag(), f.gen)
		}
	}
}

// restart starts a member anew, with what it had on its disk.
func (f *modelFleet) restart(m *testMember, kill bool) {
	before := m.cache
	if kill {
		m.set(func(w *wire) { w.cut = true }) // it does not say that it leaves
		m.cache = before.reopened()           // nor keep anything more
		m.stop()
		m.set(func(w *wire) { w.cut = false })
	} else {
		m.stop()
		m.cache = before.reopened()
	}
	if f.rand.IntN(8) == 0 {
		m.cache.mark = "" // the folder is an old copy
	}
	m.start(f.times)
}

// restartHub starts the hub anew; sometimes its log has been damaged meanwhile.
func (f *modelFleet) restartHub() {
	well := f.rand.IntN(2) == 0
	own := f.own.reopened() // of a hub that is killed
	f.hub.down(well)
	if well {
		own = f.own.reopened()
	}
	f.own = own
	if f.rand.IntN(6) == 0 {
		f.log.mu.Lock() // a purge of the hub that ended may still be written
		if f.log.last > 3 {
			delete(f.log.entries, f.log.last-1)
		}
		f.log.mu.Unlock()
	}
	f.hub = purgeHubOf(f.t, f.log, f.own, f.times)
	for _, m := range f.members {
		m.set(func(w *wire) {
			if w.hub != nil {
				w.hub = f.hub
			}
		})
	}
}

// purge purges, and notes it once it is acknowledged.
func (f *modelFleet) purge() {
	f.mu.Lock()
	h, tag, gen := f.hub, f.tag(), f.gen
	q := control.Request{Tags: []string{tag}}
	if f.rand.IntN(5) == 0 {
		q.Soft = true
	}
	if f.rand.IntN(10) == 0 {
		q.ID = fmt.Sprint("named-", tag, "-", gen) // made twice at times
	}
	f.mu.Unlock()
	a, err := h.Purge(&q)
	f.mu.Lock()
	defer f.mu.Unlock()
	if err != nil || a.Receipt == nil || h.over {
		return // the hub was stopped meanwhile: not acknowledged
	}
	f.purged[tag] = max(f.purged[tag], gen)
}

// check looks what each member would use.
func (f *modelFleet) check() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for tag, gen := range f.purged {
		for _, m := range f.members {
			// Looked at first: a lease that is over now may have been extended by the
			// time at which the cache has been looked at, when all is applied.
			if m.f.lease.isHeld() {
				continue
			}
			if got := m.cache.serves(tag); got > 0 && got <= gen {
				f.t.Errorf("%s uses %s of %d, though all up to %d was purged; at %+v, the hub at %+v", m.name, tag, got, gen, m.cache.Mark(), f.hub.last)
			}
		}
		if got := f.own.serves(tag); got > 0 && got <= gen {
			f.t.Errorf("the hub uses %s of %d, though all up to %d was purged", tag, got, gen)
		}
	}
}

// TestPurgeModel lets anything happen to a fleet while purges are made.
func TestPurgeModel(t *testing.T) {
	times := quick
	times.lease, times.slack, times.poll = 60*time.Millisecond, 6*time.Millisecond, 15*time.Millisecond
	f := &modelFleet{t: t, times: times, log: newFakeLog(), rand: rand.New(rand.NewPCG(wiretest.Seed(t), 1)), own: newFakeCache(), purged: map[string]int{}}
	f.hub = purgeHubOf(t, f.log, f.own, times)
	for i := range 5 {
		f.members = append(f.members, memberOf(t, fmt.Sprint("m", i), f.hub, newFakeCache(), times))
	}
	stop := make(chan struct{})
	var others sync.WaitGroup
	for _, do := range []func(){f.happens, f.check, f.purge} {
		others.Go(func() {
			for {
				select {
				case <-stop:
					return
				case <-time.After(time.Millisecond):
					do()
				}
			}
		})
	}
	for range *modelRounds {
		f.purge()
		f.check()
		if t.Failed() {
			break
		}
	}
	close(stop)
	others.Wait()
	f.mu.Lock()
	for _, m := range f.members { // all is well again
		m.set(func(w *wire) { w.hub, w.cut = f.hub, false })
	}
	f.mu.Unlock()
	for _, m := range f.members {
		until(t, m.name+" is let go", m.released)
	}
	f.check()
}
