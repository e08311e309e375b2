//go:build race

package httpd_test

// raceEnabled: the race detector makes pools forget at random, so that
// allocations say nothing.
const raceEnabled = true
