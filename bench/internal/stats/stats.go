// Package stats reduces the figures of several rounds to the ones that are
// printed. It is for a handful of numbers: it sorts copies and keeps no state.
package stats

import (
	"math"
	"slices"
)

// Spread is the middle of some figures and how far they lie apart.
type Spread struct {
	Median, Min, Max float64
	N                int
}

// Of returns the spread of xs, leaving out what is not a finite number (a
// round that was lost). The spread of nothing is all NaN with N = 0.
func Of(xs []float64) Spread {
	s := finite(xs)
	if len(s) == 0 {
		return Spread{Median: math.NaN(), Min: math.NaN(), Max: math.NaN()}
	}
	return Spread{Median: middle(s), Min: s[0], Max: s[len(s)-1], N: len(s)}
}

// Ratios divides as by bs, round by round. A round that either side lost is
// NaN, and so is left out by Of: a ratio never mixes two rounds, because the
// machine may have been faster in one of them.
func Ratios(as, bs []float64) []float64 {
	r := make([]float64, min(len(as), len(bs)))
	for i := range r {
		r[i] = math.NaN()
		if bs[i] > 0 {
			r[i] = as[i] / bs[i]
		}
	}
	return r
}

// Quantile returns the smallest of xs that at least the share q of them do not
// exceed (the nearest rank), NaN for none.
func Quantile(xs []float64, q float64) float64 {
	s := finite(xs)
	if len(s) == 0 {
		return math.NaN()
	}
	rank := int(math.Ceil(q * float64(len(s))))
	return s[min(max(rank, 1), len(s))-1]
}

// Mean returns the average of xs, NaN for none.
func Mean(xs []float64) float64 {
	if len(xs) == 0 {
		return math.NaN()
	}
	sum := 0.0
	for _, x := range xs {
		sum += x
	}
	return sum / float64(len(xs))
}

// finite returns the finite numbers of xs in order.
func finite(xs []float64) []float64 {
	s := make([]float64, 0, len(xs))
	for _, x := range xs {
		if !math.IsNaN(x) && !math.IsInf(x, 0) {
			s = append(s, x)
		}
	}
	slices.Sort(s)
	return s
}

// middle returns the median of s, which is sorted and not empty.
func middle(s []float64) float64 {
	m := len(s) / 2
	if len(s)%2 == 1 {
		return s[m]
	}
	return (s[m-1] + s[m]) / 2
}
