package journal

import (
	"runtime"
	"sync/atomic"
)

// A guard tells which of the claimed places a slot of a ring holds, and lets
// one goroutine at a time copy in or out. Places are numbered from 1; the place
// n lies in the slot n modulo the size of the ring.
//
// A writer never waits. It tries the slot of the place that it claimed; when
// somebody copies there, a reader, or a writer that was overtaken by a whole
// turn of the ring, it says so in skipped and claims the next place.
type guard struct {
	state   atomic.Uint64 // the place that the slot holds (0: none), doubled, and 1 while somebody copies
	skipped atomic.Uint64 // the last place for which the slot was not free
}

// write locks the slot to put the place n in; unlock ends it. It fails when the
// slot is not free, or holds a later place: then n is older than the ring
// already.
func (g *guard) write(n uint64) bool {
	was := g.state.Load()
	if was&1 == 0 && was>>1 < n && g.state.CompareAndSwap(was, was|1) {
		return true
	}
	g.skip(n)
	return false
}

// skip notes that the place n stays empty.
func (g *guard) skip(n uint64) {
	for {
		was := g.skipped.Load()
		if was >= n || g.skipped.CompareAndSwap(was, n) {
			return
		}
	}
}

// read locks the slot and returns the place that it holds. It waits while
// somebody copies, which is a matter of one slot.
func (g *guard) read() uint64 {
	for {
		was := g.state.Load()
		if was&1 == 0 && g.state.CompareAndSwap(was, was|1) {
			return was >> 1
		}
		runtime.Gosched()
	}
}

// unlock says which place the slot holds from now on.
func (g *guard) unlock(n uint64) { g.state.Store(n << 1) }

// settled reports whether the place n will not be filled any more.
func (g *guard) settled(n uint64) bool {
	return g.state.Load()>>1 >= n || g.skipped.Load() >= n
}
