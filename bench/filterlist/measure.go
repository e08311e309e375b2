package main

import (
	"context"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"
	"time"

	"freshet/bench/internal/stats"
	"freshet/filterlist"
)

// measure prints what a set costs: to make, to keep, to ask.
func (b *bench) measure(ctx context.Context, w io.Writer) error {
	var lists []filterlist.Source
	var all []request
	rounds := 9
	if b.quick {
		rounds = 1
		lists = []filterlist.Source{{Name: "made up", Text: madeUp(2000)}}
		for i := range 500 {
			all = append(all, request{fmt.Sprintf("https://h%d.example/ads/%d.js", i, i), filterlist.Script, "https://page.example/"})
		}
	} else {
		var sites string
		var err error
		if lists, _, sites, err = b.lists(ctx); err != nil {
			return err
		}
		if all, err = requests(sites, lists); err != nil {
			return err
		}
		text := madeUp(40000)
		lists = append(lists, filterlist.Source{Name: "made up", Text: text})
	}
	b.header(ctx, w)
	set := b.measureLoad(w, lists, rounds)
	fmt.Fprintln(w)
	measureMatch(w, "visited: URLs of a list of sites, on their pages", visitedOnly(all), set, rounds)
	measureMatch(w, "all: these, and URLs made of the rules' patterns", all, set, rounds)
	measureHide(w, set, all, rounds)
	return nil
}

// madeUp is a list of hosts, so that there are more than 100,000 rules.
func madeUp(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "0.0.0.0 track%d.host%d.example\n", i, i%977)
	}
	return b.String()
}

func visitedOnly(all []request) []request {
	i := slices.IndexFunc(all[1:], func(r request) bool { return strings.HasPrefix(r.url, "https://site.example.com/") })
	if i < 0 {
		return all
	}
	return all[:min(i, len(all), 20000)]
}

func (b *bench) measureLoad(w io.Writer, lists []filterlist.Source, rounds int) *filterlist.Set {
	var took []float64
	for range rounds {
		start := time.Now()
		filterlist.Compile(lists)
		took = append(took, float64(time.Since(start).Microseconds())/1000)
	}
	before := heap()
	set := filterlist.Compile(lists)
	after := heap()
	text, rules := 0, 0
	for i, l := range set.Lists() {
		text += len(lists[i].Text)
		rules += l.Counts.Rules()
		fmt.Fprintf(w, "list:      %s (%s, %s): %+v\n", l.Name, l.Format, l.Title, l.Counts)
		for _, u := range l.Unsupported {
			fmt.Fprintf(w, "           %d left out: %s\n", u.Count, u.Reason)
		}
	}
	low, high, _ := stats.Interval(took)
	fmt.Fprintf(w, "rules:     %d\nload:      %.0f ms (median of %d, %.0f..%.0f)\n", rules, stats.Quantile(took, 0.5), rounds, low, high)
	fmt.Fprintf(w, "memory:    %.1f MB, and %.1f MB of text\n", float64(after-before)/1e6, float64(text)/1e6)
	fmt.Fprintf(w, "hiding:    %d bytes of style for all pages\n", len(set.GenericStyle()))
	return set
}

// heap is how much memory is in use after garbage is gone.
func heap() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// measureMatch measures single matches: all requests in each round, of each
// round the quantiles, of these the median.
func measureMatch(w io.Writer, name string, all []request, set *filterlist.Set, rounds int) {
	var mean, p50, p99, p999, worst []float64
	took := make([]float64, len(all))
	questions := make([]*filterlist.Request, len(all))
	for i := range all {
		questions[i] = all[i].question()
	}
	overhead := clockCost()
	for range rounds + 1 { // the first warms up
		sum := 0.0
		for i, q := range questions {
			start := time.Now()
			set.Match(q)
			took[i] = max(float64(time.Since(start).Nanoseconds())-overhead, 0) / 1000
			sum += took[i]
		}
		slices.Sort(took)
		at := func(share float64) float64 { return took[min(int(share*float64(len(took))), len(took)-1)] }
		mean, p50, p99, p999, worst = append(mean, sum/float64(len(took))), append(p50, at(0.5)), append(p99, at(0.99)), append(p999, at(0.999)), append(worst, at(1))
	}
	row := func(name string, xs []float64) {
		low, high, _ := stats.Interval(xs[1:])
		fmt.Fprintf(w, "  %-6s %8.2f µs  %.2f..%.2f\n", name, stats.Quantile(xs[1:], 0.5), low, high)
	}
	fmt.Fprintf(w, "%s: %d requests, %d rounds\n", name, len(all), rounds)
	row("mean", mean)
	row("p50", p50)
	row("p99", p99)
	row("p99.9", p999)
	row("max", worst)
}

// clockCost is how long it takes to look at the clock, in nanoseconds.
func clockCost() float64 {
	var xs []float64
	for range 1001 {
		start := time.Now()
		xs = append(xs, float64(time.Since(start).Nanoseconds()))
	}
	return stats.Quantile(xs, 0.5)
}

// measureHide measures what is hidden on pages.
func measureHide(w io.Writer, set *filterlist.Set, all []request, rounds int) {
	pages := pagesOf(all)
	if len(pages) == 0 {
		pages = []string{"https://page.example/"}
	}
	pages = pages[:min(len(pages), 500)]
	var took []float64
	common := 0
	for range rounds {
		common = 0
		for _, page := range pages {
			start := time.Now()
			h := set.Hide(page)
			took = append(took, float64(time.Since(start).Nanoseconds())/1000)
			if h.Common {
				common++
			}
		}
	}
	slices.Sort(took)
	fmt.Fprintf(w, "hiding: %d pages, %d rounds, %d pages with the common style\n  p50    %8.2f µs\n  p99    %8.2f µs\n", len(pages), rounds, common, took[len(took)/2], took[len(took)*99/100])
}
