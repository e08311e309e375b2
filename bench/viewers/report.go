package main

import (
	"fmt"
	"io"
	"math"
	"slices"
	"text/tabwriter"

	"freshet/bench/internal/stats"
)

// write writes the costs of each number of viewers, and their ratios.
func write(w io.Writer, counts []int, costs [][]float64) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "viewers\tCPU µs/req\tleast\tgreatest\t")
	for i, n := range counts {
		s := stats.Of(costs[i])
		fmt.Fprintf(t, "%d\t%.3f\t%.3f\t%.3f\t\n", n, s.Median, s.Min, s.Max)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	fmt.Fprintln(w)
	last := len(counts) - 1
	for i, n := range counts[:last] {
		ratios := stats.Ratios(costs[last], costs[i])
		low, high, sure := interval(ratios)
		_, err := fmt.Fprintf(w, "%d viewers ÷ %d: median of the rounds' ratios %.4f, from %.4f to %.4f with %.1f %% confidence\n",
			counts[last], n, stats.Of(ratios).Median, low, high, 100*sure)
		if err != nil {
			return err
		}
	}
	return nil
}

// interval returns an interval that the median lies in with a confidence of 95
// % at least, whatever the distribution: two of the sorted values, found by the
// binomial distribution of how many lie below the median. Of fewer than six
// values it is all of them, with the confidence that this has.
func interval(xs []float64) (low, high, confidence float64) {
	xs = slices.Clone(xs)
	slices.Sort(xs)
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
