package ui

import (
	"encoding/json"
	"iter"
	"math"
	"strconv"
	"time"
)

// The picture is this many units wide and high, whatever its size on the page.
const (
	plotWidth  = 600
	plotHeight = 120
)

// plot is what the template draws of a chart.
type plot struct {
	*Chart
	Top    string // what the top of the scale stands for
	Middle string // and its middle
	From   string // the first time
	To     string // the last
	Lines  []line
	Sum    string // the chart in a sentence
	Points string // for scripts, as JSON
	Rows   []plotRow
	Step   int // one point in so many has a row
	Every  int // how many rows a live chart's table may have; 0 when it leaves out points
	Kept   int // Chart.Keep, or its default
}

// line is a series as it is drawn and summed up.
type line struct {
	Name   string
	Class  string // its colour
	Path   string // the line; "" for a part of a stack
	Area   string // what lies below it; "" for lines that cross each other
	Latest string
}

type plotRow struct {
	Time   string
	Values []string
}

// maxPlotRows is how many rows the table of a chart has at most.
const maxPlotRows = 60

// defaultKeep is how many points a live chart shows.
const defaultKeep = 120

// newPlot draws a chart.
func newPlot(c *Chart) plot {
	p := plot{Chart: c}
	shown := c.stacked()
	top := c.Unit.scale(c.highest(shown))
	p.Top, p.Middle = c.Unit.Format(top), c.Unit.Format(top/2)
	n := len(c.Times)
	if n > 0 {
		layout := clockLayout(c.Times[n-1] - c.Times[0])
		p.From, p.To = clock(c.Times[0], layout), clock(c.Times[n-1], layout)
	}
	classes := c.classes()
	for i, s := range c.Series {
		l := line{Name: s.Name, Class: classes[i], Latest: "no data"}
		if !c.Stacked { // else one of nothing would lie on the one below, and hide it
			l.Path = string(c.appendPath(nil, shown[i], top))
		}
		if c.Stacked || len(c.Series) == 1 {
			var below []float64
			if c.Stacked && i > 0 {
				below = shown[i-1]
			}
			l.Area = string(c.appendArea(nil, shown[i], below, top))
		}
		if v := latest(s.Values); !math.IsNaN(v) {
			l.Latest = c.Unit.Format(v)
		}
		p.Lines = append(p.Lines, l)
	}
	p.Sum = p.sentence()
	p.Points = c.points()
	p.rows()
	p.Kept = c.Keep
	if p.Kept <= 0 {
		p.Kept = max(defaultKeep, n)
	}
	if c.Live && p.Step == 1 {
		p.Every = maxPlotRows
	}
	return p
}

// levelColors are the colours of the palette that levels have.
var levelColors = map[Level]int{Good: 4, Info: 1, Warn: 2, Bad: 7, Dim: 6}

// palette is in which order series without a level get the colours.
var palette = [...]int{1, 2, 3, 5, 4, 6, 7}

// classes are the colours of the series: those of their levels, and for the
// others what is left of the palette.
func (c *Chart) classes() []string {
	var used [len(palette) + 1]bool
	for i := range c.Series {
		used[levelColors[c.Series[i].Level]] = true
	}
	out := make([]string, len(c.Series))
	next := 0
	for i := range c.Series {
		color := levelColors[c.Series[i].Level]
		for tries := 0; color == 0; tries++ {
			candidate := palette[next%len(palette)]
			next++
			if !used[candidate] || tries >= len(palette) {
				color = candidate
			}
		}
		out[i] = "series-" + strconv.Itoa(color)
	}
	return out
}

// value is a series' number at a point in time, NaN when it has none.
func value(values []float64, i int) float64 {
	if i < len(values) && !math.IsInf(values[i], 0) {
		return values[i]
	}
	return math.NaN()
}

func latest(values []float64) float64 { return value(values, max(len(values)-1, 0)) }

// stacked returns the series' values as heights in the picture.
func (c *Chart) stacked() [][]float64 {
	out := make([][]float64, len(c.Series))
	for k, s := range c.Series {
		out[k] = make([]float64, len(c.Times))
		for i := range c.Times {
			v := value(s.Values, i)
			if c.Stacked && k > 0 {
				if below := out[k-1][i]; math.IsNaN(v) {
					v = below
				} else if !math.IsNaN(below) {
					v += below
				}
			}
			out[k][i] = v
		}
	}
	return out
}

func (c *Chart) highest(shown [][]float64) float64 {
	top := c.Max
	for _, values := range shown {
		for _, v := range values {
			if v > top { // false for NaN
				top = v
			}
		}
	}
	return top
}

// x and y are a point's place in the picture.
func (c *Chart) x(i int) float64 {
	span := c.Times[len(c.Times)-1] - c.Times[0]
	if span <= 0 {
		return 0
	}
	return tenth(plotWidth * float64(c.Times[i]-c.Times[0]) / float64(span))
}

func y(v, top float64) float64 {
	return tenth(plotHeight - plotHeight*min(max(v/top, 0), 1))
}

// tenth rounds to a tenth of a unit, which is less than a pixel.
func tenth(v float64) float64 { return math.Round(10*v) / 10 }

// appendPath appends the line through values, with gaps where there are none.
func (c *Chart) appendPath(dst []byte, values []float64, top float64) []byte {
	for from, to := range stretches(values) {
		dst = c.appendEdge(dst, 'M', from, to, func(i int) float64 { return y(values[i], top) })
	}
	return dst
}

// appendArea appends the shapes between values and those below them, which
// are zero when there are none: one shape for each stretch without a gap.
func (c *Chart) appendArea(dst []byte, values, below []float64, top float64) []byte {
	for from, to := range stretches(values) {
		dst = c.appendEdge(dst, 'M', from, to, func(i int) float64 { return y(values[i], top) })
		dst = c.appendEdge(dst, 'L', to, from, func(i int) float64 {
			if v := value(below, i); !math.IsNaN(v) {
				return y(v, top)
			}
			return plotHeight
		})
		dst = append(dst, 'Z')
	}
	return dst
}

// stretches yields the first and the last index of each stretch without a gap.
func stretches(values []float64) iter.Seq2[int, int] {
	return func(yield func(from, to int) bool) {
		for from := 0; from < len(values); from++ {
			if math.IsNaN(values[from]) {
				continue
			}
			to := from
			for to+1 < len(values) && !math.IsNaN(values[to+1]) {
				to++
			}
			if !yield(from, to) {
				return
			}
			from = to
		}
	}
}

// appendEdge appends the points from one index to another, either way. What
// lies on a level line between two others is left out: the line of a server
// with nothing to do is two points.
func (c *Chart) appendEdge(dst []byte, command byte, from, to int, height func(i int) float64) []byte {
	step := 1
	if to < from {
		step = -1
	}
	last := height(from)
	dst = appendPoint(dst, command, c.x(from), last)
	for i := from; i != to; {
		i += step
		h := height(i)
		if i != to && h == last && height(i+step) == h {
			continue
		}
		dst = appendPoint(dst, 'L', c.x(i), h)
		last = h
	}
	return dst
}

func appendPoint(dst []byte, command byte, x, y float64) []byte {
	dst = strconv.AppendFloat(append(dst, command), x, 'f', -1, 64)
	return strconv.AppendFloat(append(dst, ' '), y, 'f', -1, 64)
}

// sentence says what can be seen: "hits: latest 12/s, highest 40/s; …".
func (p *plot) sentence() string {
	if len(p.Times) == 0 {
		return "No data yet."
	}
	text := p.From + " to " + p.To + " UTC."
	for i, s := range p.Series {
		low, high := math.NaN(), math.NaN()
		for j := range p.Times {
			if v := value(s.Values, j); !math.IsNaN(v) {
				if !(low <= v) {
					low = v
				}
				if !(high >= v) {
					high = v
				}
			}
		}
		text += " " + s.Name + ": "
		if math.IsNaN(high) {
			text += "no data."
			continue
		}
		text += "latest " + p.Lines[i].Latest + ", lowest " + p.Unit.Format(low) + ", highest " + p.Unit.Format(high) + "."
	}
	return text
}

// rows lists the points, the latest first, all of them or every nth.
func (p *plot) rows() {
	n := len(p.Times)
	p.Step = max(1, (n+maxPlotRows-1)/maxPlotRows)
	layout := "2006-01-02 15:04:05"
	for i := n - 1; i >= 0; i -= p.Step {
		row := plotRow{Time: clock(p.Times[i], layout)}
		for _, s := range p.Series {
			text := "–"
			if v := value(s.Values, i); !math.IsNaN(v) {
				text = p.Unit.Format(v)
			}
			row.Values = append(row.Values, text)
		}
		p.Rows = append(p.Rows, row)
	}
}

// points is the chart for scripts.
func (c *Chart) points() string {
	series := make([][]Reading, len(c.Series))
	for k, s := range c.Series {
		series[k] = make([]Reading, len(c.Times))
		for i := range c.Times {
			series[k][i] = Reading(value(s.Values, i))
		}
	}
	times := c.Times
	if times == nil {
		times = []int64{}
	}
	text, err := json.Marshal(struct {
		Times  []int64     `json:"times"`
		Series [][]Reading `json:"series"`
	}{times, series})
	if err != nil {
		panic(err) // numbers only
	}
	return string(text)
}

func clock(unix int64, layout string) string { return time.Unix(unix, 0).UTC().Format(layout) }

// clockLayout suits a span of seconds.
func clockLayout(span int64) string {
	const day = 24 * 60 * 60
	switch {
	case span < 10*60:
		return "15:04:05"
	case span < day:
		return "15:04"
	}
	return "Jan 2 15:04"
}
