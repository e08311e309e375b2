package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"freshet/bench/internal/stats"
)

// verdict is how a floor came out.
type verdict struct {
	scenario string
	floor
	got stats.Spread
}

func (v verdict) String() string {
	word := "met"
	switch {
	case v.got.Median < v.ratio:
		word = "MISSED"
	case v.got.Median < v.aim:
		word = "met, below the aim"
	}
	least := "-"
	if v.ratio > 0 {
		least = fmt.Sprintf("%.2f", v.ratio)
	} else if v.got.Median < v.aim {
		word = "below the aim"
	}
	return fmt.Sprintf("%s\t%s ÷ %s\t%s\t%s\t%.2f\t%s", v.scenario, v.peer, v.ours, ratio(v.got), least, v.aim, word)
}

// printTable prints what a scenario gave, with a ratio to each column of ours.
func printTable(w io.Writer, sc *scenario, columns []*column) {
	var ours []*column
	for _, c := range columns {
		if c.server.ours && c.fault == nil && len(c.cpu) > 0 {
			ours = append(ours, c)
		}
	}
	fmt.Fprintf(w, "\n%s: %s\n", sc.name, sc.title)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	head := "\tCPU µs/req\treq/s\tp99 ms\tRSS MiB\tPSS MiB\t"
	for _, o := range ours {
		head += "CPU ÷ " + o.server.name + "\t"
	}
	fmt.Fprintln(t, head)
	for _, c := range columns {
		if c.fault != nil || len(c.cpu) == 0 {
			continue
		}
		fmt.Fprintf(t, "%s\t%.2f\t%.0f\t%.2f\t%.1f\t%.1f\t", c.server.name,
			stats.Of(c.cpu).Median, stats.Of(c.perSecond).Median, stats.Of(c.p99).Median/1000, mebi(c.memory.RSS), mebi(c.memory.PSS))
		for _, o := range ours {
			if o == c {
				fmt.Fprint(t, "1\t")
				continue
			}
			fmt.Fprint(t, ratio(stats.Of(stats.Ratios(c.cpu, o.cpu))), "\t")
		}
		fmt.Fprintln(t)
	}
	t.Flush()
	printNotes(w, columns)
}

// printIdleTable prints what a scenario of idle connections gave.
func printIdleTable(w io.Writer, sc *scenario, conns int, columns []*column) {
	fmt.Fprintf(w, "\n%s: %s (%d, after one request each)\n", sc.name, sc.title, conns)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "\tbytes/connection\tof it heap and stacks\tRSS MiB\tPSS MiB\t")
	for _, c := range columns {
		if c.fault != nil {
			continue
		}
		held := "-"
		if c.held > 0 {
			held = fmt.Sprintf("%.0f", c.heldConn)
		}
		fmt.Fprintf(t, "%s\t%.0f\t%s\t%.1f\t%.1f\t\n", c.server.name, c.perConn, held, mebi(c.memory.RSS), mebi(c.memory.PSS))
	}
	t.Flush()
	for _, c := range columns {
		if c.fault != nil || !c.server.ours || sc.idleFloor == 0 {
			continue
		}
		word := "met"
		switch {
		case c.perConn > sc.idleFloor:
			word = "MISSED"
		case c.perConn > sc.idleAim:
			word = "met, above the aim"
		}
		fmt.Fprintf(w, "%s: at most %.0f bytes, aim %.0f: %s\n", c.server.name, sc.idleFloor, sc.idleAim, word)
	}
	printNotes(w, columns)
}

// printNotes prints what went wrong, or not quite right.
func printNotes(w io.Writer, columns []*column) {
	for _, c := range columns {
		if c.fault != nil {
			fmt.Fprintf(w, "%s: FAILED: %v\n", c.server.name, c.fault)
		}
		if len(c.notes) > 0 {
			fmt.Fprintf(w, "%s: %s\n", c.server.name, strings.Join(c.notes, "; "))
		}
	}
}

// judge compares the columns of a scenario with its floors. A floor between
// servers that did not both run is left out.
func judge(sc *scenario, columns []*column) []verdict {
	cpu := map[string][]float64{}
	for _, c := range columns {
		if c.fault == nil {
			cpu[c.server.name] = c.cpu
		}
	}
	var verdicts []verdict
	for _, f := range sc.floors {
		if got := stats.Of(stats.Ratios(cpu[f.peer], cpu[f.ours])); got.N > 0 {
			verdicts = append(verdicts, verdict{sc.name, f, got})
		}
	}
	return verdicts
}

// printVerdicts prints how the floors came out, all scenarios together.
func printVerdicts(w io.Writer, verdicts []verdict) {
	if len(verdicts) == 0 {
		return
	}
	fmt.Fprintln(w, "\nfloors and aims")
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "scenario\tCPU per request\tmedian (min..max)\tfloor\taim\t")
	for _, v := range verdicts {
		fmt.Fprintln(t, v)
	}
	t.Flush()
}

// ratio prints a spread of ratios.
func ratio(s stats.Spread) string {
	switch s.N {
	case 0:
		return "-"
	case 1:
		return fmt.Sprintf("%.2f", s.Median)
	}
	return fmt.Sprintf("%.2f (%.2f..%.2f)", s.Median, s.Min, s.Max)
}

func mebi(n int64) float64 { return float64(n) / (1 << 20) }
