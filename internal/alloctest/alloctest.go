// Package alloctest counts what a call allocates, for the tests that hold a
// path to its budget. It differs from testing.AllocsPerRun in what those
// tests need: a count that says something about the path, not about what else
// the process did meanwhile.
package alloctest

import "testing"

// rounds is how often a count above zero is taken again. What the runtime and
// other goroutines allocate is counted along, and a collection that empties
// pools has them filled anew: both can only add, so the least is the path's.
const rounds = 5

// PerRun is the number of allocations of one call of f, on average over runs
// calls: the least of several such averages. With the race detector, which
// allocates and has sync.Pool drop what it is given at random, f is called
// once and the answer is 0. f must not be called by others meanwhile, and is
// called with GOMAXPROCS at 1.
func PerRun(runs int, f func()) float64 {
	if raceEnabled {
		f()
		return 0
	}
	least := testing.AllocsPerRun(runs, f)
	for i := 1; i < rounds && least > 0; i++ {
		least = min(least, testing.AllocsPerRun(runs, f))
	}
	return least
}
