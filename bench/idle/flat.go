package main

import "freshet/bench/internal/stats"

// mostGrowth is by how much memory may grow and still count as flat.
const mostGrowth = 0.05

// windows returns the means of the second and the last fifth of xs. The first
// fifth is left out: buffers and heap find their size in it.
func windows(xs []float64) (early, late float64) {
	n := len(xs) / 5
	if n == 0 {
		return stats.Mean(nil), stats.Mean(nil)
	}
	return stats.Mean(xs[n : 2*n]), stats.Mean(xs[len(xs)-n:])
}
