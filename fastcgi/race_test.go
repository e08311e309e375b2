//go:build race

package fastcgi_test

// raceEnabled: the race detector makes pools forget at random, so that
// allocations say nothing, and all is slower.
const raceEnabled = true
