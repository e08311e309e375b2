//go:build race

package diskstore

// raceEnabled: under the race detector counts of allocations mean nothing.
const raceEnabled = true
