package stats

import "math"

// Interval returns an interval that the median lies in with a confidence of 95
// % at least, whatever the distribution: two of the sorted values, found by the
// binomial distribution of how many lie below the median. Of fewer than six
// values it is all of them, with the confidence that this has. What is not a
// finite number is left out.
func Interval(xs []float64) (low, high, confidence float64) {
	xs = finite(xs)
	n := len(xs)
	if n == 0 {
		return math.NaN(), math.NaN(), 0
	}
	below := func(k int) (p float64) { // that at most k of n lie below
		for i := 0; i <= k; i++ {
			p += choose(n, i)
		}
		return p / math.Pow(2, float64(n))
	}
	k := 0
	for 2*(k+1) < n && 1-2*below(k+1) >= 0.95 {
		k++
	}
	return xs[k], xs[n-1-k], 1 - 2*below(k)
}

func choose(n, k int) float64 {
	c := 1.0
	for i := range k {
		c = c * float64(n-i) / float64(i+1)
	}
	return c
}
