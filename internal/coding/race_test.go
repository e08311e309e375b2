//go:build race

package coding

// raceEnabled: under the race detector sync.Pool drops at random, so counts of
// allocations mean nothing.
const raceEnabled = true
