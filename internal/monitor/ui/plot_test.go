package ui

import (
	"math"
	"strings"
	"testing"
)

func TestPlot(t *testing.T) {
	nan := math.NaN()
	for _, c := range []struct {
		name       string
		chart      Chart
		path, area []string
		top        string
	}{
		{
			name:  "a line",
			chart: Chart{Times: []int64{0, 10, 20}, Series: []Series{{Values: []float64{0, 5, 10}}}},
			path:  []string{"M0 120L300 60L600 0"},
			area:  []string{"M0 120L300 60L600 0L600 120L0 120Z"},
			top:   "10",
		},
		{
			name:  "a gap, and a point by itself",
			chart: Chart{Times: []int64{0, 10, 20, 30}, Series: []Series{{Values: []float64{2, nan, 2, 1}}}},
			path:  []string{"M0 0M400 0L600 60"},
			area:  []string{"M0 0L0 120ZM400 0L600 60L600 120L400 120Z"},
			top:   "2",
		},
		{
			name:  "two lines that cross have no areas; fewer values than times",
			chart: Chart{Times: []int64{0, 10}, Series: []Series{{Values: []float64{1, 0}}, {Values: []float64{0}}}},
			path:  []string{"M0 0L600 120", "M0 120"},
			area:  []string{"", ""},
			top:   "1",
		},
		{
			name:  "one on top of the other, over a gap",
			chart: Chart{Stacked: true, Times: []int64{0, 10}, Series: []Series{{Values: []float64{1, 1}}, {Values: []float64{1, nan}}}},
			path:  []string{"", ""},
			area:  []string{"M0 60L600 60L600 120L0 120Z", "M0 0L600 60L600 60L0 60Z"},
			top:   "2",
		},
		{
			name:  "the least top of the scale; one point; out of the scale",
			chart: Chart{Max: 100, Times: []int64{7}, Series: []Series{{Values: []float64{-5}}}},
			path:  []string{"M0 120"},
			area:  []string{"M0 120L0 120Z"},
			top:   "100",
		},
		{
			name:  "level lines",
			chart: Chart{Times: []int64{0, 10, 20, 30, 40, 50, 60}, Series: []Series{{Values: []float64{0, 0, 0, 0, 1, 1, 1}}}},
			path:  []string{"M0 120L300 120L400 0L600 0"},
			area:  []string{"M0 120L300 120L400 0L600 0L600 120L0 120Z"},
			top:   "1",
		},
		{
			name:  "nothing",
			chart: Chart{Series: []Series{{Name: "a"}}},
			path:  []string{""},
			area:  []string{""},
			top:   "1",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newPlot(&c.chart)
			if p.Top != c.top {
				t.Errorf("top %q, want %q", p.Top, c.top)
			}
			for i, l := range p.Lines {
				if l.Path != c.path[i] || l.Area != c.area[i] {
					t.Errorf("series %d: %q, %q; want %q, %q", i, l.Path, l.Area, c.path[i], c.area[i])
				}
			}
		})
	}
}

func TestPlotColors(t *testing.T) {
	c := Chart{Series: []Series{{Level: Good}, {}, {Level: Warn}, {Level: Info}, {}, {Level: Bad}, {}}}
	if got, want := strings.Join(c.classes(), " "), "series-4 series-3 series-2 series-1 series-5 series-7 series-6"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	c.Series = make([]Series, 9)
	if got, want := strings.Join(c.classes(), " "), "series-1 series-2 series-3 series-5 series-4 series-6 series-7 series-1 series-2"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	c.Series = append(c.Series, Series{Level: Good}, Series{Level: Info}, Series{Level: Warn}, Series{Level: Bad}, Series{Level: Dim})
	c.classes() // ends
}

func TestPlotNumbers(t *testing.T) {
	c := Chart{Live: true, Unit: Percent}
	for i := range 200 {
		c.Times = append(c.Times, int64(i))
	}
	c.Series = []Series{{Name: "used", Values: make([]float64, 200)}}
	p := newPlot(&c)
	if p.Step != 4 || len(p.Rows) != 50 || p.Every != 0 || p.Kept != 200 {
		t.Errorf("step %d, %d rows, every %d, kept %d", p.Step, len(p.Rows), p.Every, p.Kept)
	}
	if got := p.Rows[0].Time; got != "1970-01-01 00:03:19" {
		t.Errorf("the first row is of %s, not of the latest point", got)
	}
	c.Times, c.Keep = c.Times[:60], 30
	if p := newPlot(&c); p.Step != 1 || len(p.Rows) != 60 || p.Every != maxPlotRows || p.Kept != 30 {
		t.Errorf("step %d, %d rows, every %d, kept %d", p.Step, len(p.Rows), p.Every, p.Kept)
	}
	if want := "00:00:00 to 00:00:59 UTC. used: latest 0\u00a0%, lowest 0\u00a0%, highest 0\u00a0%."; newPlot(&c).Sum != want {
		t.Errorf("%q, want %q", newPlot(&c).Sum, want)
	}
}

func TestClockLayout(t *testing.T) {
	for span, want := range map[int64]string{0: "00:00:00", 599: "00:00:00", 600: "00:00", 86399: "00:00", 86400: "Jan 1 00:00"} {
		if got := clock(0, clockLayout(span)); got != want {
			t.Errorf("over %d s: %q, want %q", span, got, want)
		}
	}
}

func TestAppendEvent(t *testing.T) {
	got, err := AppendEvent([]byte("x"), EventChart, 7, ChartEvent{Chart: "a", Time: 5, Values: []Reading{1.5, Reading(math.NaN()), Reading(math.Inf(1)), 123456789}})
	if err != nil {
		t.Fatal(err)
	}
	if want := "xevent: chart\nid: 7\ndata: {\"chart\":\"a\",\"time\":5,\"values\":[1.5,null,null,1.23457e+08]}\n\n"; string(got) != want {
		t.Errorf("%q, want %q", got, want)
	}
	got, err = AppendEvent(nil, EventRows, 0, RowsEvent{Table: "t", Rows: []Row{{ID: "1", Cells: []Cell{{Text: "two\nlines"}}}}})
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(got), "\n"); n != 3 || strings.Contains(string(got), "id: ") {
		t.Errorf("%q", got)
	}
	if _, err := AppendEvent(nil, EventStats, 0, StatsEvent{"a": {Value: math.NaN()}}); err == nil {
		t.Error("a value that JSON does not have")
	}
}
