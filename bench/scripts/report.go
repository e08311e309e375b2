package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"text/tabwriter"
	"time"

	"freshet/bench/internal/machine"
	"freshet/bench/internal/stats"
)

// printHeader says when, what, where and how: everything that somebody needs
// to judge the figures below it or to make them again.
func (b *bench) printHeader(ctx context.Context, w io.Writer) {
	field := func(name, value string) { fmt.Fprintf(w, "%-10s %s\n", name+":", value) }
	field("date", time.Now().UTC().Format("2006-01-02 15:04 MST"))
	field("commit", machine.Commit(ctx, b.repo))
	field("command", strings.TrimSpace("go run -C bench ./scripts "+machine.Quoted(os.Args[1:])))
	field("machine", machine.Describe())
	field("pinned", fmt.Sprintf("servers and what they start to core %d, load and FastCGI applications to core %d", serverCPU, othersCPU))
	if b.user != nil {
		field("user", b.user.name)
	}
	field("go", runtime.Version())
	seen := map[string]bool{}
	for _, s := range b.servers {
		if len(s.version) > 0 && !seen[s.version[0]] {
			seen[s.version[0]] = true
			field(s.tools[0].program[strings.LastIndexByte(s.tools[0].program, '/')+1:], machine.Version(ctx, s.version...))
		}
	}
	if b.php != "" {
		field("php-fpm", fmt.Sprintf("%s, %d workers in a pool for each server", machine.Version(ctx, b.php, "-v"), phpWorkers))
	}
	field("wrk", machine.Version(ctx, "wrk", "-v"))
	field("rounds", fmt.Sprintf("%d of %v for each server, interleaved", b.rounds, b.each))
}

// ourColumn returns the column that the others are measured against, nil when
// there is none.
func (t *table) ourColumn() *column {
	for _, c := range t.columns {
		if c.ours && c.fault == nil && len(c.cpu) > 0 {
			return c
		}
	}
	return nil
}

// print prints what a scenario gave, with ratios to the first column of ours.
func (t *table) print(w io.Writer) {
	fmt.Fprintf(w, "\n%s: %s, %d connections\n", t.scenario.name, t.scenario.title, t.scenario.conns)
	ours := t.ourColumn()
	tab := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	head := "\tCPU µs/req\tcore µs/req\treq/s\tp99 ms\t"
	if ours != nil {
		head += "CPU ÷ " + ours.name + "\t95 % interval\t"
	}
	fmt.Fprintln(tab, head)
	for _, c := range t.columns {
		if c.fault != nil || len(c.cpu) == 0 {
			continue
		}
		p99 := "-"
		if d := stats.Of(c.p99).Median; d > 0 {
			p99 = fmt.Sprintf("%.2f", d/1000)
		}
		fmt.Fprintf(tab, "%s\t%.1f\t%.0f\t%.0f\t%s\t", c.name, stats.Of(c.cpu).Median, stats.Of(c.core).Median, stats.Of(c.perSecond).Median, p99)
		switch ours {
		case nil:
		case c:
			fmt.Fprint(tab, "1\t\t")
		default:
			e := estimate(stats.Ratios(c.cpu, ours.cpu))
			fmt.Fprintf(tab, "%.2f\t%s\t", e.median, e.interval("%.2f"))
		}
		fmt.Fprintln(tab)
	}
	tab.Flush()
	for _, c := range t.columns {
		if c.fault != nil {
			fmt.Fprintf(w, "%s: FAILED: %v\n", c.name, c.fault)
		}
		if len(c.notes) > 0 {
			fmt.Fprintf(w, "%s: %s\n", c.name, strings.Join(c.notes, "; "))
		}
	}
}

// estimated is a median over the rounds, and an interval that it lies in.
type estimated struct {
	median, low, high, confidence float64
	n                             int
}

func estimate(xs []float64) estimated {
	low, high, confidence := stats.Interval(xs)
	s := stats.Of(xs)
	return estimated{s.Median, low, high, confidence, s.N}
}

// interval prints the bounds by a format for each; where the rounds are too few
// for 95 %, it says what they are enough for.
func (e estimated) interval(format string) string {
	if e.n < 2 {
		return "-"
	}
	text := fmt.Sprintf(format+".."+format, e.low, e.high)
	if e.confidence < 0.95 {
		text += fmt.Sprintf(" (%.0f %%)", 100*e.confidence)
	}
	return text
}

// verdict is how a comparison came out.
type verdict struct {
	scenario, what, got, word string
}

// bar is the processor time that we may take for a request of CGI beyond what
// it takes to start a program, in microseconds.
const bar = 150

// verdicts compares ours with each peer and with the bar.
func (t *table) verdicts() []verdict {
	ours := t.ourColumn()
	if ours == nil {
		return nil
	}
	var vs []verdict
	more := func(c, than *column) {
		e := estimate(differences(c.cpu, than.cpu))
		vs = append(vs, verdict{t.scenario.name, c.name + " − " + than.name, e.in("%.1f µs"), "for information"})
	}
	var child *column
	for _, c := range t.columns {
		switch {
		case c == ours || c.fault != nil || len(c.cpu) == 0:
		case c.name == "child":
			child = c
		case strings.HasPrefix(c.name, "child+"):
			if child != nil {
				more(c, child)
			}
		case c.name == bareName:
			e := estimate(differences(ours.cpu, c.cpu))
			vs = append(vs, verdict{t.scenario.name, ours.name + " − " + c.name, e.in("%.1f µs"), e.word(e.high < bar, e.low >= bar, fmt.Sprintf("below the bar of %d µs", bar), "ABOVE THE BAR")})
		case c.ours:
			more(c, ours)
		default:
			e := estimate(stats.Ratios(c.cpu, ours.cpu))
			vs = append(vs, verdict{t.scenario.name, c.name + " ÷ " + ours.name, e.in("%.2f"), e.word(e.low > 1, e.high < 1, "ours is cheaper", "OURS IS DEARER")})
		}
	}
	return vs
}

// in prints the median and the interval.
func (e estimated) in(format string) string {
	return fmt.Sprintf(format, e.median) + " (" + e.interval(strings.Fields(format)[0]) + ")"
}

// word says what is sure, if anything.
func (e estimated) word(good, bad bool, yes, no string) string {
	switch {
	case e.confidence < 0.95:
		return "too few rounds to say"
	case good:
		return yes
	case bad:
		return no
	}
	return "not sure"
}

// differences subtracts bs from as, round by round.
func differences(as, bs []float64) []float64 {
	d := make([]float64, min(len(as), len(bs)))
	for i := range d {
		d[i] = as[i] - bs[i]
	}
	return d
}

// printVerdicts prints how the comparisons came out, all scenarios together.
func printVerdicts(w io.Writer, verdicts []verdict) {
	if len(verdicts) == 0 {
		return
	}
	fmt.Fprintln(w, "\nprocessor time of the server itself per request: median over the rounds, with an interval of 95 % confidence")
	tab := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, v := range verdicts {
		fmt.Fprintf(tab, "%s\t%s\t%s\t%s\n", v.scenario, v.what, v.got, v.word)
	}
	tab.Flush()
}
