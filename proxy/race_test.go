//go:build race

package proxy_test

// raceEnabled: the race detector makes pools forget at random, so that
// allocations say nothing.
const raceEnabled = true
