package main

import (
	"fmt"
	"io"
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
		low, high, sure := stats.Interval(ratios)
		_, err := fmt.Fprintf(w, "%d viewers ÷ %d: median of the rounds' ratios %.4f, from %.4f to %.4f with %.1f %% confidence\n",
			counts[last], n, stats.Of(ratios).Median, low, high, 100*sure)
		if err != nil {
			return err
		}
	}
	return nil
}
